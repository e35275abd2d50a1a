// The connection to the server, and what the reader is told about it.
import { Observed } from "./observed.ts";

export type LinkState =
  | { kind: "connected" }
  | { kind: "connecting" }
  /** Something has waited for too long: the server is being asked whether it is still there. */
  | { kind: "checking" }
  /** The next attempt comes at `at`, in milliseconds since 1970. */
  | { kind: "waiting"; at: number }
  /** The device has no network. */
  | { kind: "offline" }
  /** The server said not to come back. */
  | { kind: "ended"; reason: string };

/** What a connection can be asked for. */
export interface Wire {
  connect(): void;
  disconnect(): void;
  /** Asks the server anything: true if it answered, be it with a refusal. */
  ask(): Promise<boolean>;
}

/**
 * How the connection is.
 *
 * A link that swallows everything looks like a quiet one for half a minute, until a ping is missing.
 * So whoever has waited longer than its time calls `check`, and a link that does not answer is made anew.
 */
export class Link extends Observed {
  #state: LinkState = { kind: "connecting" };

  constructor(
    readonly wire: Wire,
    readonly isOnline: () => boolean,
  ) {
    super();
  }

  get state(): LinkState {
    this.seen();
    return this.#state;
  }

  /** Does not wait for the next attempt. Subscriptions keep their positions. */
  connectNow(): void {
    this.wire.disconnect();
    this.wire.connect();
  }

  /** Something has waited for too long: asks the server, and connects anew if nobody answers. */
  async check(): Promise<void> {
    if (this.#state.kind !== "connected") return;
    const checking: LinkState = { kind: "checking" };
    this.#become(checking);
    const answered = await this.wire.ask();
    // Meanwhile the connection may have broken by itself.
    if ((this.#state as LinkState) !== checking) return;
    if (answered) this.#become({ kind: "connected" });
    else this.connectNow();
  }

  connected(): void {
    this.#become({ kind: "connected" });
  }

  connecting(): void {
    this.#become(this.isOnline() ? { kind: "connecting" } : { kind: "offline" });
  }

  /** The next attempt is made after a pause, at this time. */
  pauses(at: number): void {
    if (this.#state.kind === "connecting" || this.#state.kind === "waiting") this.#become({ kind: "waiting", at });
  }

  disconnected(reason: string): void {
    this.#become({ kind: "ended", reason });
  }

  /** The device lost its network, or has one again; `isConnected` is what the connection itself says. */
  network(online: boolean, isConnected: boolean): void {
    if (!online) this.#become({ kind: "offline" });
    else if (this.#state.kind === "offline") this.#become(isConnected ? { kind: "connected" } : { kind: "connecting" });
  }

  #become(state: LinkState): void {
    this.#state = state;
    this.changed();
  }
}
