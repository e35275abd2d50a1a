// The open room: its messages, the people in it, who is typing.
import type { Centrifuge, Subscription } from "centrifuge";
import type { Api } from "../lib/api.ts";
import { heardTyping, nameOf, people, stillTyping, TYPING_EVERY, type ClientInfo, type Typing } from "../lib/people.ts";
import { afterGaps, gap, merge, type Message } from "../lib/timeline.ts";
import { settings } from "./settings.svelte.ts";

const PAGE = 50;
const GAP_PAGE = 200;
/** How many pages a gap is filled with before the older side of it is dropped (paging up brings it back). */
const GAP_PAGES = 10;
/** How many messages the page keeps before it lets go of old ones, and how many then. */
const KEEP = { most: 600, least: 300 };
/** The shortest time between two looks at what came by the channel, in milliseconds: a flood is drawn in portions. */
const PORTION = 100;

export class Room {
  messages = $state.raw<readonly Message[]>([]);
  loaded = $state(false);
  loadingOlder = $state(false);
  typing = $state.raw<Typing>(new Map());
  /** Unread begins after this seq; undefined if nothing is. Set when the room is opened or left out of sight. */
  readUpTo = $state<number | undefined>(undefined);
  #clients = $state.raw<ReadonlyMap<string, ClientInfo>>(new Map());
  people = $derived.by(() => people(this.#clients.values(), this.me, settings.language));
  #subscriptions: Subscription[] = [];
  #typingSent = 0;
  #refreshing = false;
  #incoming: Message[] = [];
  #portionAt = 0;
  #portionTimer: ReturnType<typeof setTimeout> | undefined;
  #open = true;

  constructor(
    readonly id: string,
    readonly me: string,
    readonly api: Api,
    readonly client: Centrifuge,
    /** Messages have come, from wherever. */
    readonly arrived: (messages: readonly Message[]) => void,
  ) {
    this.#subscribe();
    void this.refresh();
  }

  /** The first message of the room is in the list. */
  get complete(): boolean {
    return this.loaded && (this.messages[0]?.seq ?? 1) === 1;
  }

  get latest(): number {
    return this.messages.at(-1)?.seq ?? 0;
  }

  /** Takes messages from an answer, the channel or history; a gap is filled from history. */
  receive(messages: readonly Message[]): void {
    const own = messages.filter((message) => message.room === this.id);
    this.messages = merge(this.messages, own);
    for (const message of own) this.typing = stillTyping(this.typing, Date.now(), message.user);
    this.arrived(own);
    if (gap(this.messages) !== undefined) void this.refresh();
  }

  /** Brings the list up to date with what is stored. */
  async refresh(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    try {
      const latest = await this.api.history(this.id, { limit: PAGE });
      this.#merge(latest.messages);
      for (let page = 0; page < GAP_PAGES && this.#open; page++) {
        const after = gap(this.messages);
        if (after === undefined) break;
        this.#merge((await this.api.history(this.id, { after, limit: GAP_PAGE })).messages);
      }
      this.messages = afterGaps(this.messages);
      this.loaded = true;
    } catch {
      // Nobody answers: the next `subscribed`, or this, tries again.
      if (this.#open) setTimeout(() => this.#open && void this.refresh(), 2_000);
    } finally {
      this.#refreshing = false;
    }
  }

  /** Loads the page before the first message that is there. */
  async loadOlder(): Promise<void> {
    const first = this.messages[0];
    if (!first || first.seq === 1 || this.loadingOlder) return;
    this.loadingOlder = true;
    try {
      this.#merge((await this.api.history(this.id, { before: first.seq, limit: PAGE })).messages);
    } catch {
      // The reader scrolls again.
    } finally {
      this.loadingOlder = false;
    }
  }

  /** Lets go of old messages while the reader is at the end; paging up brings them back. */
  trim(): void {
    if (this.messages.length > KEEP.most) this.messages = this.messages.slice(-KEEP.least);
  }

  /** Tells the others that somebody types here, now and then. */
  tellTyping(): void {
    const subscription = this.#subscriptions[1];
    const now = Date.now();
    if (subscription?.state !== "subscribed" || now - this.#typingSent < TYPING_EVERY) return;
    this.#typingSent = now;
    subscription.publish({ typing: true }).catch(() => {});
  }

  /** The message is written: the next letter is news again. */
  typingEnded(): void {
    this.#typingSent = 0;
  }

  /** Forgets typing notices whose time is over. */
  tick(now: number): void {
    this.typing = stillTyping(this.typing, now);
  }

  close(): void {
    this.#open = false;
    clearTimeout(this.#portionTimer);
    for (const subscription of this.#subscriptions) {
      subscription.removeAllListeners();
      subscription.unsubscribe();
      this.client.removeSubscription(subscription);
    }
  }

  /** Takes a message from the channel: at once, or with those that follow if one was taken just now. */
  #hear(message: Message): void {
    this.#incoming.push(message);
    if (this.#portionTimer !== undefined) return;
    const take = (): void => {
      this.#portionTimer = undefined;
      this.#portionAt = Date.now();
      this.receive(this.#incoming.splice(0));
    };
    const wait = this.#portionAt + PORTION - Date.now();
    if (wait <= 0) take();
    else this.#portionTimer = setTimeout(take, wait);
  }

  #merge(messages: readonly Message[]): void {
    this.messages = merge(this.messages, messages);
    this.arrived(messages);
  }

  #subscribe(): void {
    const room = this.client.newSubscription(`room:${this.id}`, { joinLeave: true });
    room.on("publication", ({ data }) => {
      const { type, message } = data as { type?: string; message?: Message };
      if (type === "message" && message) this.#hear(message);
    });
    room.on("subscribed", ({ recovered }) => {
      // What was missed has come, or is in the database.
      if (!recovered) void this.refresh();
      void this.#whoIsHere(room);
    });
    room.on("join", ({ info }) => (this.#clients = new Map(this.#clients).set(info.client, info)));
    room.on("leave", ({ info }) => {
      const left = new Map(this.#clients);
      left.delete(info.client);
      this.#clients = left;
    });
    const typing = this.client.newSubscription(`typing:${this.id}`);
    typing.on("publication", ({ info }) => {
      if (info && info.user !== this.me) this.typing = heardTyping(this.typing, info.user, nameOf(info), Date.now());
    });
    this.#subscriptions = [room, typing];
    for (const subscription of this.#subscriptions) subscription.subscribe();
  }

  async #whoIsHere(room: Subscription): Promise<void> {
    try {
      const { clients } = await room.presence();
      this.#clients = new Map(Object.entries(clients));
    } catch {
      // Joins and leaves still come.
    }
  }
}
