// What lies between the page and the server, and how the reader may break it to see what becomes of a conversation.
import { Observed } from "./observed.ts";
import { firstOf } from "./signals.ts";

/**
 * How the network is broken, as networks are:
 * - `cut`: every connection ends at once, and none can be made;
 * - `hole`: everything is swallowed, and nobody is told;
 * - `slow`: everything takes `DELAY` more, each way;
 * - `flaky`: connections break off now and then, also after the server has acted and before its answer has come.
 */
export type Trouble = "none" | "cut" | "hole" | "slow" | "flaky";

/** What a slow network adds each way, in milliseconds. */
export const DELAY = 1_500;
/** How often a flaky network breaks a request or its answer, and how often a connection at a message of the WebSocket. */
const BREAKS = { request: 0.3, message: 0.1 };

export interface NetworkWorld {
  fetch(input: string, init: RequestInit): Promise<Response>;
  open(url: string, protocols?: string | string[]): SocketLike;
  /** Acts after so many milliseconds. */
  later(pause: number, act: () => void): void;
  now(): number;
  /** From 0 up to 1. */
  chance(): number;
}

/** The part of a `WebSocket` that the official client uses. */
export interface SocketLike {
  binaryType: BinaryType;
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string | BufferSource): void;
  close(code?: number, reason?: string): void;
}

/** Requests and WebSockets of the page go through it. */
export class Network extends Observed {
  readonly world: NetworkWorld;
  #trouble: Trouble = "none";
  #sockets = new Set<Socket>();
  /** Rejects what is under way. */
  #broken = new AbortController();

  constructor(world: NetworkWorld) {
    super();
    this.world = world;
  }

  get trouble(): Trouble {
    this.seen();
    return this.#trouble;
  }

  /** Breaks the network, or mends it. What was swallowed stays lost: its connections end now. */
  become(trouble: Trouble): void {
    if (trouble === this.#trouble) return;
    const before = this.#trouble;
    this.#trouble = trouble;
    if (trouble === "cut" || before === "hole") {
      this.#broken.abort();
      this.#broken = new AbortController();
      for (const socket of [...this.#sockets]) if (trouble === "cut" || socket.hasLost) socket.break();
    }
    this.changed();
  }

  /** As `fetch` of the page. */
  async fetch(input: string, init: RequestInit = {}): Promise<Response> {
    const signal = firstOf(this.#broken.signal, init.signal);
    await this.#passes(signal);
    const response = await this.world.fetch(input, { ...init, signal });
    await this.#passes(signal);
    return response;
  }

  /** Opens a WebSocket. */
  open(url: string, protocols?: string | string[]): SocketLike {
    const socket = new Socket(this, url, protocols, () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
    return socket;
  }

  /** Whether a message of a WebSocket breaks its connection. */
  breaksMessage(): boolean {
    return this.#trouble === "flaky" && this.world.chance() < BREAKS.message;
  }

  /** A request, or its answer, on its way; fails where it does not arrive. */
  #passes(signal: AbortSignal): Promise<void> {
    return new Promise((passed, lost) => {
      const fail = (): void => lost(new TypeError("the network is broken"));
      if (signal.aborted || this.#trouble === "cut") return fail();
      signal.addEventListener("abort", fail, { once: true });
      if (this.#trouble === "hole") return;
      if (this.#trouble === "flaky" && this.world.chance() < BREAKS.request) return fail();
      if (this.#trouble === "slow") return this.world.later(DELAY, passed);
      passed();
    });
  }
}

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;
/** Of a connection that broke without a close frame. */
const ABNORMAL = 1006;

/** A WebSocket on a network that may break. */
class Socket implements SocketLike {
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onerror: SocketLike["onerror"] = null;
  onclose: SocketLike["onclose"] = null;
  /** Something was swallowed. */
  hasLost = false;
  #network: Network;
  #inner: SocketLike | undefined;
  #binaryType: BinaryType = "blob";
  #isOver = false;
  #gone: () => void;
  /** When the latest message each way arrives. */
  #due = { out: 0, in: 0 };

  constructor(network: Network, url: string, protocols: string | string[] | undefined, gone: () => void) {
    this.#network = network;
    this.#gone = gone;
    if (network.trouble === "cut") network.world.later(0, () => this.break());
    else if (network.trouble === "hole") this.hasLost = true;
    else this.#open(url, protocols);
  }

  #open(url: string, protocols: string | string[] | undefined): void {
    const inner = (this.#inner = this.#network.world.open(url, protocols));
    inner.onopen = (event) => this.#deliver("in", () => this.onopen?.(event));
    inner.onmessage = (event) => this.#deliver("in", () => this.onmessage?.(event));
    inner.onerror = (event) => this.#isOver || this.onerror?.(event);
    inner.onclose = (event) => this.#deliver("in", () => this.#end(event));
  }

  get readyState(): number {
    return this.#isOver ? CLOSED : (this.#inner?.readyState ?? CONNECTING);
  }

  get binaryType(): BinaryType {
    return this.#inner?.binaryType ?? this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    this.#binaryType = type;
    if (this.#inner) this.#inner.binaryType = type;
  }

  send(data: string | BufferSource): void {
    this.#deliver("out", () => this.#inner?.readyState === OPEN && this.#inner.send(data));
  }

  close(code?: number, reason?: string): void {
    if (this.#isOver) return;
    if (this.#inner && this.#network.trouble !== "hole") this.#inner.close(code, reason);
    else this.break();
  }

  /** The connection breaks off. */
  break(): void {
    if (this.#isOver) return;
    const inner = this.#inner;
    if (inner) {
      inner.onopen = inner.onmessage = inner.onerror = inner.onclose = null;
      inner.close();
    }
    this.onerror?.(new Event("error"));
    this.#end(new CloseEvent("close", { code: ABNORMAL, wasClean: false }));
  }

  #end(event: CloseEvent): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#gone();
    this.onclose?.(event);
  }

  /** Something on its way: it arrives now, later, or never; what was sent first arrives first. */
  #deliver(way: "out" | "in", act: () => void): void {
    if (this.#isOver) return;
    const { trouble, world } = this.#network;
    if (trouble === "hole") return void (this.hasLost = true);
    if (this.#network.breaksMessage()) return this.break();
    const now = world.now();
    const due = Math.max(this.#due[way], now + (trouble === "slow" ? DELAY : 0));
    if (due <= now) return act();
    this.#due[way] = due;
    world.later(due - now, () => {
      if (this.#isOver) return;
      // The network may have got worse meanwhile.
      if (this.#network.trouble === "hole") this.hasLost = true;
      else act();
    });
  }
}
