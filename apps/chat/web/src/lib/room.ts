// One room: the piece of it that is in the page, the people in it, who is typing.
import { ApiError, type HistoryPage } from "./api.ts";
import { Observed } from "./observed.ts";
import { heardTyping, nameOf, stillTyping, TYPING_EVERY, type ClientInfo, type Typing } from "./people.ts";
import { Timeline, type Message } from "./timeline.ts";

/** What a room's channels bring. */
export interface RoomEars {
  message(message: Message): void;
  /** A message is different now. */
  changed(message: Message): void;
  /** Subscribed; `recovered` says that nothing was missed since the last time. */
  subscribed(recovered: boolean): void;
  typing(info: ClientInfo): void;
  here(clients: ReadonlyMap<string, ClientInfo>): void;
  joined(info: ClientInfo): void;
  left(client: string): void;
}

/** A room's channels, while it is open. */
export interface RoomWire {
  tellTyping(): void;
  close(): void;
}

export interface RoomWorld {
  history(room: string, page: HistoryPage): Promise<{ messages: Message[]; top: number; rev: number; read?: number; unread?: number }>;
  /** Of the messages behind `after`, up to `to`, those that have changed since `since`; `limit` at most. */
  changes(room: string, part: { since: number; after: number; to: number }): Promise<{ messages: Message[]; rev: number; limit: number }>;
  listen(room: string, ears: RoomEars): RoomWire;
  /** Messages have come, from wherever. */
  arrived(messages: readonly Message[]): void;
  /** The latest messages have changed: they may be kept for the next visit. */
  kept(room: string, messages: readonly Message[], rev: number): void;
  /** There is no such room. */
  gone(room: string): void;
  now(): number;
  /** Calls back once, after a pause in milliseconds. */
  later(pause: number, act: () => void): void;
}

/** What the composer is about to send: a new message, an answer to one, or another text for one. */
export type Composing = { kind: "new" } | { kind: "reply"; message: Message } | { kind: "edit"; message: Message };

/** Where the list looks: at a message, at the line above what is unread, or at the end. `turn` tells one wish from the next. */
export type Look = { turn: number; at: "line" | "end" | number };

const PAGE = 60;
const CATCH_UP_PAGE = 200;
/** How many pages are fetched to catch up; behind that the reader pages by scrolling. */
const CATCH_UP_PAGES = 10;
/** How many messages the page keeps before it lets go of the far ones, and how many then. */
const KEEP = { most: 3_000, least: 2_000 };
/** The shortest time between two looks at what came by the channel, in milliseconds: a flood is drawn in portions. */
const PORTION = 100;
const RETRY = 2_000;

export class Room extends Observed {
  #timeline = new Timeline();
  #loaded = false;
  #look: Look = { turn: 0, at: "end" };
  /** The page shows the end, and stays there: what is new is taken. */
  #following = false;
  #readUpTo: number | undefined;
  #typing: Typing = new Map();
  #clients: ReadonlyMap<string, ClientInfo> = new Map();
  #wire: RoomWire | undefined;
  #typingSent = 0;
  #catchingUp = false;
  #paging: "older" | "newer" | undefined;
  /** Each new place begins another one: an answer for an earlier one is dropped. */
  #generation = 0;
  /** All changes up to this count are in the page. */
  #rev = 0;
  /** Changes since this count may have been missed. */
  #missedSince: number | undefined;
  #refreshing = false;
  /** How often the channel was subscribed to. */
  #subscriptions = 0;
  #composing: Composing = { kind: "new" };
  /** The generation whose messages are under way. */
  #moving: number | undefined;
  #incoming: Message[] = [];
  #portionAt = 0;
  #portionDue = false;

  constructor(
    readonly id: string,
    readonly me: string,
    readonly world: RoomWorld,
    /** The latest messages at the last visit, and how far the room went then. */
    known: readonly Message[] = [],
    rev = 0,
  ) {
    super();
    this.#rev = rev;
    if (known.length === 0) return;
    this.#timeline.show(known, 0);
    this.#loaded = this.#following = true;
  }

  get messages(): readonly Message[] {
    this.seen();
    return this.#timeline.messages;
  }

  /** There is something to show, be it from the last visit. */
  get loaded(): boolean {
    this.seen();
    return this.#loaded;
  }

  get look(): Look {
    this.seen();
    return this.#look;
  }

  /** Other messages than those on the screen are under way: what is on it counts as read by nobody. */
  get moving(): boolean {
    this.seen();
    return this.#moving !== undefined;
  }

  /** The first message of the room is in the page. */
  get complete(): boolean {
    this.seen();
    return this.#loaded && this.#timeline.reachesBeginning;
  }

  /** The latest message of the room is in the page. */
  get atLatest(): boolean {
    this.seen();
    return this.#loaded && this.#timeline.reachesEnd;
  }

  /** The seq of the room's latest message. */
  get top(): number {
    this.seen();
    return this.#timeline.top;
  }

  get loadingOlder(): boolean {
    this.seen();
    return this.#paging === "older";
  }

  /** Unread begins after this seq; undefined if nothing was unread when the reader came, or came back. */
  get readUpTo(): number | undefined {
    this.seen();
    return this.#readUpTo;
  }

  get typing(): Typing {
    this.seen();
    return this.#typing;
  }

  get clients(): ReadonlyMap<string, ClientInfo> {
    this.seen();
    return this.#clients;
  }

  get composing(): Composing {
    this.seen();
    return this.#composing;
  }

  /** The composer answers a message, changes one of one's own, or writes a new one. */
  compose(composing: Composing): void {
    this.#composing = composing;
    this.changed();
  }

  /** The room's channels are other ones: listens to those. */
  rewire(): void {
    if (!this.#wire) return;
    this.#wire.close();
    this.#clients = new Map();
    this.#wire = this.world.listen(this.id, this.#ears());
    this.changed();
  }

  get isOpen(): boolean {
    return this.#wire !== undefined;
  }

  /** The room comes on the screen: at a message, at the first unread one, or at its end. Where it is not known yet how the reader stands, the chat is asked with the messages. */
  open(stands: { read: number; unread: number; top: number } | undefined, seq?: number): void {
    this.#wire ??= this.world.listen(this.id, this.#ears());
    const { read, unread, top } = stands ?? { read: 0, unread: 0, top: 0 };
    this.#readUpTo = unread > 0 ? read : undefined;
    if (seq !== undefined) this.show(seq);
    else if (!stands) return void this.#load({ unread: true }, "end");
    else if (unread === 0) this.toLatest();
    else if (this.#timeline.has(read + 1) && this.#timeline.last >= top) this.#lookAt("line");
    else void this.#load({ around: read + 1 }, "line");
    if (this.#following) void this.#catchUp();
  }

  /** The room leaves the screen; what was loaded stays. */
  close(): void {
    this.#wire?.close();
    this.#wire = undefined;
    this.#generation += 1;
    this.#moving = undefined;
    this.#clients = new Map();
    this.#typing = new Map();
    this.changed();
  }

  /** Shows a message. */
  show(seq: number): void {
    if (this.#loaded && this.#timeline.has(seq)) this.#lookAt(seq);
    else void this.#load({ around: seq }, seq);
  }

  /** Shows the end. */
  toLatest(): void {
    if (this.#loaded && this.#timeline.reachesEnd) {
      this.#following = true;
      this.#lookAt("end");
    } else void this.#load({}, "end");
  }

  /** The reader looked away, having read everything up to here: what comes now is new at the return. */
  lookedAway(read: number): void {
    if (read < this.#timeline.last) return;
    this.#readUpTo = read;
    this.changed();
  }

  /** More came at once than fits the screen: the line stands above the first of it. */
  unreadBegins(read: number): void {
    this.#readUpTo = read;
    this.changed();
  }

  /** The reader has written: what stands above is known. */
  wrote(): void {
    this.#composing = { kind: "new" };
    this.#readUpTo = undefined;
    this.#typingSent = 0;
    this.toLatest();
    this.changed();
  }

  /** Takes messages from an answer, the channel or history. */
  receive(messages: readonly Message[]): void {
    const own = messages.filter((message) => message.room === this.id);
    const grown = this.#timeline.take(own);
    this.#timeline.amend(own);
    for (const message of own) this.#typing = stillTyping(this.#typing, this.world.now(), message.user);
    this.changed();
    this.world.arrived(own);
    if (grown) this.#keep();
    if (this.#following && !this.#timeline.reachesEnd) void this.#catchUp();
  }

  /** Takes messages as they are now, after a change of one's own or of somebody else. */
  amend(messages: readonly Message[]): void {
    const own = messages.filter((message) => message.room === this.id);
    if (!this.#timeline.amend(own)) return;
    // What is gone can be neither answered nor changed.
    const about = this.#composing.kind === "new" ? undefined : this.#timeline.at(this.#composing.message.seq);
    if (about?.deleted) this.#composing = { kind: "new" };
    this.changed();
    this.#keep();
  }

  /** Loads the page before the first message that is there. */
  older(): Promise<void> {
    return this.#page("older");
  }

  /** Loads the page after the last message that is there. */
  newer(): Promise<void> {
    return this.#page("newer");
  }

  /** Lets go of old messages while the reader is at the end; paging up brings them back. */
  trim(): void {
    if (this.#timeline.messages.length <= KEEP.most) return;
    this.#timeline.trim(KEEP.least, "older");
    this.changed();
  }

  /** Tells the others that somebody types here, now and then. */
  tellTyping(): void {
    const now = this.world.now();
    if (now - this.#typingSent < TYPING_EVERY) return;
    this.#typingSent = now;
    this.#wire?.tellTyping();
  }

  /** Forgets typing notices whose time is over. */
  tick(): void {
    const still = stillTyping(this.#typing, this.world.now());
    if (still === this.#typing) return;
    this.#typing = still;
    this.changed();
  }

  #ears(): RoomEars {
    const change = (clients: ReadonlyMap<string, ClientInfo>): void => {
      this.#clients = clients;
      this.changed();
    };
    return {
      message: (message) => this.#hear(message),
      changed: (message) => {
        this.#rev = Math.max(this.#rev, message.rev ?? 0);
        // What was heard and is not drawn yet is changed too.
        this.#incoming = this.#incoming.map((one) => (one.seq === message.seq ? message : one));
        this.amend([message]);
      },
      subscribed: (recovered) => {
        this.#subscriptions += 1;
        if (!recovered && this.#loaded) this.#missed();
      },
      typing: (info) => {
        if (info.user === this.me) return;
        this.#typing = heardTyping(this.#typing, info.user, nameOf(info), this.world.now());
        this.changed();
      },
      here: change,
      joined: (info) => change(new Map(this.#clients).set(info.client, info)),
      left: (client) => change(new Map([...this.#clients].filter(([id]) => id !== client))),
    };
  }

  /** Takes a message from the channel: at once, or with those that follow if one was taken just now. */
  #hear(message: Message): void {
    this.#rev = Math.max(this.#rev, message.rev ?? 0);
    this.#incoming.push(message);
    if (this.#portionDue) return;
    const take = (): void => {
      this.#portionDue = false;
      this.#portionAt = this.world.now();
      this.receive(this.#incoming.splice(0));
    };
    const wait = this.#portionAt + PORTION - this.world.now();
    if (wait <= 0) return take();
    this.#portionDue = true;
    this.world.later(wait, take);
  }

  /** What came by the channel since the last moment that is known was not heard. */
  #missed(): void {
    this.#missedSince ??= this.#rev;
    void this.#refresh();
    if (this.#following) void this.#catchUp();
  }

  /** Asks which of the messages in the page have changed meanwhile. */
  async #refresh(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    const generation = this.#generation;
    try {
      while (this.#missedSince !== undefined) {
        const since = this.#missedSince;
        const { first, last } = this.#timeline;
        let [after, rev] = [first - 1, since];
        for (;;) {
          const found = await this.world.changes(this.id, { since, after, to: last });
          if (generation !== this.#generation) return;
          // The count of the first answer: what changes while the others come is asked for again.
          if (after === first - 1) rev = found.rev;
          this.amend(found.messages);
          after = found.messages.at(-1)?.seq ?? last;
          if (found.messages.length < found.limit) break;
        }
        this.#rev = Math.max(this.#rev, rev);
        if (this.#missedSince === since) this.#missedSince = undefined;
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return;
      this.world.later(RETRY, () => generation === this.#generation && this.isOpen && void this.#refresh());
    } finally {
      this.#refreshing = false;
    }
  }

  #lookAt(at: Look["at"]): void {
    this.#moving = undefined;
    this.#look = { turn: this.#look.turn + 1, at };
    this.changed();
  }

  /** Begins anew with a page of history; tries until somebody answers, or the reader goes elsewhere. */
  async #load(page: Omit<HistoryPage, "limit">, at: Look["at"]): Promise<void> {
    const generation = ++this.#generation;
    this.#moving = generation;
    const subscriptions = this.#subscriptions;
    try {
      const { messages, top, rev, read, unread } = await this.world.history(this.id, { ...page, limit: PAGE });
      if (generation !== this.#generation) return;
      if (page.unread && read !== undefined && unread) {
        this.#readUpTo = read;
        at = "line";
      }
      this.#timeline.show(messages, top);
      this.#rev = rev;
      this.#missedSince = undefined;
      this.#loaded = true;
      this.#following = this.#timeline.reachesEnd;
      this.#lookAt(at);
      this.world.arrived(messages);
      this.#keep();
      // The page may be older than the subscription that was made while it was under way.
      if (subscriptions !== this.#subscriptions) this.#missed();
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return this.world.gone(this.id);
      this.world.later(RETRY, () => generation === this.#generation && void this.#load(page, at));
    }
  }

  /** Fetches what follows the last message that is there, up to the latest one. */
  async #catchUp(): Promise<void> {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    const generation = this.#generation;
    try {
      for (let page = 0; page < CATCH_UP_PAGES; page++) {
        const { messages, top } = await this.world.history(this.id, { after: this.#timeline.last, limit: CATCH_UP_PAGE });
        if (generation !== this.#generation) return;
        // The chat began anew, with another database.
        if (top < this.#timeline.last) return void this.#load({}, "end");
        this.#timeline.top = Math.max(this.#timeline.top, top);
        this.#timeline.take(messages);
        this.changed();
        this.world.arrived(messages);
        if (this.#timeline.reachesEnd || messages.length === 0) break;
      }
      this.#following = this.#timeline.reachesEnd;
      this.#keep();
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return this.world.gone(this.id);
      this.world.later(RETRY, () => generation === this.#generation && this.isOpen && void this.#catchUp());
    } finally {
      this.#catchingUp = false;
    }
  }

  async #page(side: "older" | "newer"): Promise<void> {
    const { first, last, reachesBeginning, reachesEnd } = this.#timeline;
    if (!this.#loaded || this.#paging || (side === "older" ? reachesBeginning : reachesEnd)) return;
    const generation = this.#generation;
    this.#paging = side;
    this.changed();
    try {
      const page = side === "older" ? { before: first } : { after: last };
      const { messages, top } = await this.world.history(this.id, { ...page, limit: PAGE });
      if (generation !== this.#generation) return;
      this.#timeline.top = Math.max(this.#timeline.top, top);
      this.#timeline.take(messages);
      this.world.arrived(messages);
      if (this.#timeline.messages.length > KEEP.most) this.#timeline.trim(KEEP.least, side === "older" ? "newer" : "older");
      this.#following = this.#timeline.reachesEnd;
    } catch {
      // The reader scrolls again.
    } finally {
      this.#paging = undefined;
      this.changed();
    }
  }

  #keep(): void {
    if (this.#timeline.reachesEnd) this.world.kept(this.id, this.#timeline.messages, this.#missedSince ?? this.#rev);
  }
}
