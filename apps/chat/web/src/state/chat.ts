// One user in the chat: rooms, the open one, the outbox, the connection.
import { Api, type Session } from "../lib/api.ts";
import { newId } from "../lib/ids.ts";
import { Keep } from "../lib/keep.ts";
import type { Trouble } from "../lib/network.ts";
import { Observed } from "../lib/observed.ts";
import { Outbox, type Entry } from "../lib/outbox.ts";
import { Room, type RoomEars, type RoomWire, type RoomWorld } from "../lib/room.ts";
import { Rooms, type Change, type Notice, type Read } from "../lib/rooms.ts";
import type { RoomInfo, User } from "../lib/api.ts";
import { quoteOf, type Message } from "../lib/timeline.ts";
import { recall, remember, settings } from "./settings.svelte.ts";
import { network } from "./network.ts";
import { Connection } from "./wire.ts";

/** How many rooms stay loaded; those that were used least recently are let go of. */
const ROOMS_LOADED = 8;
/** How long a message may wait for its answer before the link is asked, in milliseconds. */
const SEND_TIME = 3_000;
/** The pause before rooms are asked for again, in milliseconds. */
const RETRY = 2_000;
/** How long kept messages wait to be written, in milliseconds. */
const KEEP_PAUSE = 1_000;

export interface ChatWorld {
  /** The session has ended. */
  ended(): void;
  /** The chat has another database: all that is known is void. */
  rebuilt(): void;
}

export class Chat extends Observed {
  readonly rooms: Rooms;
  readonly connection: Connection;
  #keep: Keep;
  #outbox: Outbox;
  #room: Room | undefined;
  /** The room that was asked for and does not exist. */
  #missing: string | undefined;
  #loaded = new Map<string, Room>();
  #toKeep = new Map<string, { messages: readonly Message[]; rev: number }>();
  #keepDue = false;
  /** The list of rooms is under way. */
  #roomsAsked: Promise<void> | undefined;
  /** The channel of the open room that is listened to. */
  #listening: string | undefined;
  #memberships = 0;
  #written = 0;
  #closed = false;

  constructor(
    readonly session: Session,
    readonly api: Api,
    readonly world: ChatWorld,
  ) {
    super();
    this.#keep = new Keep(localStorage, session.user.id, session.house);
    this.rooms = new Rooms(
      session.user.id,
      {
        mark: (room, seq) => api.markRead(room, seq),
        reload: () => void this.#loadRooms(),
        later,
        kept: () => this.#keepSoon(),
      },
      this.#keep.rooms,
    );
    this.connection = new Connection(session.socket, api, session.demo ? network : undefined, {
      connected: () => this.#connected(),
      refused: () => void this.#lookAtSession(),
      lobby: (news) => this.#heardOfRoom(news),
      personal: (news) => this.#heardPersonally(news),
      unanswered: () => void this.link.check(),
    });
    this.#outbox = new Outbox(session.user.id, {
      disk: localStorage,
      send: (entry, givenUp) => this.#send(entry, givenUp),
      stored: (message) => this.#stored(message),
      changed: () => this.changed(),
      later: (pause, act) => {
        const timer = setTimeout(act, pause);
        return () => clearTimeout(timer);
      },
    });
    addEventListener("storage", this.#storage);
    addEventListener("online", this.#online);
    addEventListener("pagehide", this.#hide);
    void this.#loadRooms();
    this.#outbox.poke();
  }

  get link(): Connection["link"] {
    return this.connection.link;
  }

  get room(): Room | undefined {
    this.seen();
    return this.#room;
  }

  get missing(): string | undefined {
    this.seen();
    return this.#missing;
  }

  /** One's own messages that wait. */
  get waiting(): readonly Entry[] {
    this.seen();
    return this.#outbox.entries;
  }

  get waitingHere(): readonly Entry[] {
    return this.waiting.filter(({ room }) => room === this.#room?.id);
  }

  /** How many messages were written in this window. */
  get written(): number {
    this.seen();
    return this.#written;
  }

  /** The id of the message under way. */
  get sending(): string | undefined {
    this.seen();
    return this.#outbox.sending;
  }

  /** Grows whenever the members of a room have changed. */
  get memberships(): number {
    this.seen();
    return this.#memberships;
  }

  get slowed(): boolean {
    this.seen();
    return this.#outbox.slowed;
  }

  get info(): RoomInfo | undefined {
    return this.room && this.rooms.find(this.room.id);
  }

  /** The room that was open last. */
  get lastRoom(): string {
    const id = recall(`room.${this.session.user.id}`);
    return id !== undefined && (!this.rooms.loaded || this.rooms.find(id)) ? id : "general";
  }

  /** Shows a room, at a message if one is named. */
  open(id: string, seq?: number): void {
    if (this.#room?.id === id) {
      if (seq !== undefined) this.#room.show(seq);
      return;
    }
    this.leave();
    if (this.rooms.loaded && !this.rooms.find(id)) {
      this.#missing = id;
      this.changed();
      return;
    }
    remember(`room.${this.session.user.id}`, id);
    const room = this.#loaded.get(id) ?? this.#newRoom(id);
    this.#listening = undefined;
    this.#loaded.delete(id);
    this.#loaded.set(id, room);
    for (const old of [...this.#loaded.keys()].slice(0, -ROOMS_LOADED)) this.#loaded.delete(old);
    this.#room = room;
    room.open(this.rooms.loaded ? this.rooms.find(id) : undefined, seq);
    this.changed();
  }

  #newRoom(id: string): Room {
    const { messages, rev } = this.#keep.messages(id);
    return new Room(id, this.session.user.id, this.#roomWorld(), messages, rev);
  }

  /** Shows no room. */
  leave(): void {
    this.#room?.close();
    this.#room = undefined;
    this.#missing = undefined;
    this.changed();
  }

  /** Makes a room, or finds the public one of this title; gives its id. */
  async create(title: string, isPrivate = false): Promise<string> {
    const room = await this.api.createRoom(title, isPrivate);
    if (isPrivate) await this.#loadRooms(true);
    else this.rooms.know(room);
    return room.id;
  }

  /** The conversation with somebody; gives its id. */
  async direct(user: string): Promise<string> {
    const id = await this.api.direct(user);
    if (!this.rooms.find(id)) await this.#loadRooms(true);
    return id;
  }

  /** Comes into a public room again, or by an invitation into a private one. */
  async join(act: () => Promise<unknown>): Promise<void> {
    await act();
    await this.#loadRooms(true);
  }

  async leaveRoom(id: string): Promise<void> {
    await this.api.removeMember(id, this.session.user.id);
    this.#gone(id);
  }

  async delete(id: string): Promise<void> {
    await this.api.deleteRoom(id);
    this.#gone(id);
  }

  mayDelete(room: RoomInfo): boolean {
    return room.id !== "general" && room.kind !== "direct" && (room.role === "owner" || (room.kind !== "private" && room.top === 0));
  }

  /** Takes a message for the open room; false if too many wait. */
  write(text: string): boolean {
    if (!this.#room) return false;
    const { composing } = this.#room;
    const reply = composing.kind === "reply" ? { reply: quoteOf(composing.message) } : {};
    const taken = this.#outbox.add({ id: newId(), room: this.#room.id, text, time: Date.now(), ...reply });
    if (taken) {
      this.#written += 1;
      this.#room.wrote();
    }
    return taken;
  }

  /** Replaces the text of one's own message. */
  async edit(message: Message, text: string): Promise<void> {
    if (text !== message.text) this.#amended(await this.api.edit(message, text));
    if (this.#room?.id === message.room) this.#room.compose({ kind: "new" });
  }

  async deleteMessage(message: Message): Promise<void> {
    this.#amended(await this.api.delete(message));
  }

  /** Gives a reaction, or takes one's own back. */
  async react(message: Message, emoji: string): Promise<void> {
    const given = message.reactions?.some((one) => one.emoji === emoji && one.users.some(({ id }) => id === this.session.user.id)) ?? false;
    this.#amended(await this.api.react(message, emoji, !given));
  }

  /** The user's latest message in the open room that can be changed. */
  get lastOwn(): Message | undefined {
    return this.#room?.messages.findLast((message) => message.user === this.session.user.id && !message.deleted);
  }

  /** Who may be meant by these letters: people in the open room, its authors, and whom the chat knows. */
  async people(letters: string): Promise<User[]> {
    try {
      return letters === "" ? [] : await this.api.people(letters);
    } catch {
      return [];
    }
  }

  #amended(message: Message): void {
    this.#loaded.get(message.room)?.amend([message]);
  }

  retry(id: string): void {
    this.#outbox.retry(id);
  }

  discard(id: string): void {
    this.#outbox.drop([id]);
  }

  /** The reader has seen the open room up to this message. */
  read(seq: number): void {
    // Before the list has come it is not known what is unread.
    if (this.#room && this.rooms.loaded) this.rooms.read(this.#room.id, seq, this.#room.messages);
  }

  close(): void {
    this.#writeKept();
    this.#closed = true;
    network.become("none");
    removeEventListener("storage", this.#storage);
    removeEventListener("online", this.#online);
    removeEventListener("pagehide", this.#hide);
    this.#room?.close();
    this.#outbox.close();
    this.connection.close();
  }

  /** Ends, and forgets what this browser keeps of the user's rooms. */
  clear(): void {
    this.close();
    this.#keep.clear();
  }

  /** Breaks this window's network, or mends it; what waits does not wait for its next attempt then. */
  breakNetwork(trouble: Trouble): void {
    // Somebody goes on writing while this window is away; the wish goes past the network that breaks.
    if (this.session.bot && network.trouble === "none") void new Api(this.api.token).talk(settings.language).catch(() => {});
    const wasBroken = network.trouble === "cut" || network.trouble === "hole";
    network.become(trouble);
    if (!wasBroken || trouble === "cut" || trouble === "hole") return;
    if (this.link.state.kind !== "connected") this.link.connectNow();
    this.#outbox.poke();
  }

  #roomWorld(): RoomWorld {
    return {
      history: (room, page) => this.api.history(room, page),
      changes: (room, part) => this.api.changes(room, part),
      listen: (room, ears) => this.#listen(room, ears),
      arrived: (messages) => this.#arrived(messages),
      kept: (room, messages, rev) => {
        this.#toKeep.set(room, { messages, rev });
        this.#keepSoon();
      },
      gone: (room) => this.#gone(room),
      now: () => Date.now(),
      later,
    };
  }

  /** Listens to a room, as soon as its channels are known. */
  #listen(id: string, ears: RoomEars): RoomWire {
    const info = this.rooms.loaded ? this.rooms.find(id) : undefined;
    const { channel, typing, kind } = info ?? {};
    this.#listening = channel;
    if (channel === undefined || typing === undefined) return { tellTyping() {}, close() {} };
    if (kind === "public") return this.connection.listen([channel, typing], ears);
    // Without a token the room, or its channel, is another one by now: the list knows.
    return this.connection.listen([channel, typing], ears, (name) => this.api.subscriptionToken(id, name), () => void this.#loadRooms());
  }

  #connected(): void {
    // What hangs on a connection that is gone is sent anew; the chat stores it once.
    this.#outbox.restart();
    void this.#loadRooms();
  }

  /** Asks for the list; `anew` after something has changed, so that an answer that is under way does not count. */
  async #loadRooms(anew = false): Promise<void> {
    if (this.#roomsAsked) {
      await this.#roomsAsked;
      // Whoever else waited may have asked again by now.
      if (!anew) return;
      return this.#roomsAsked ?? this.#loadRooms();
    }
    if (this.#closed) return;
    this.#roomsAsked = this.#askRooms();
    await this.#roomsAsked;
  }

  async #askRooms(): Promise<void> {
    try {
      const { rooms, house } = await this.api.rooms();
      if (this.#closed) return;
      if (house !== this.session.house) return this.world.rebuilt();
      this.rooms.load(rooms);
      const open = this.#room;
      if (open && !this.rooms.find(open.id)) return this.#gone(open.id);
      if (open && this.rooms.find(open.id)?.channel !== this.#listening) open.rewire();
    } catch {
      later(RETRY, () => !this.rooms.loaded && void this.#loadRooms());
    } finally {
      this.#roomsAsked = undefined;
    }
  }

  /** The server refused the connection for good: by the session's end, or for a reason of its own. */
  async #lookAtSession(): Promise<void> {
    try {
      const { house } = await this.api.me();
      if (house !== this.session.house) this.world.rebuilt();
    } catch {
      // A session that is gone has been told by the interface; else the reader may connect by hand.
    }
  }

  async #send(entry: Entry, givenUp: AbortSignal): Promise<Message> {
    const timer = setTimeout(() => void this.link.check(), SEND_TIME);
    try {
      return await this.api.send(entry, givenUp);
    } finally {
      clearTimeout(timer);
    }
  }

  /** News about a room: in the lobby if it is public, in the personal channel otherwise. */
  #heardOfRoom(data: unknown): void {
    const news = data as { type?: string; room: RoomInfo & string };
    if (news.type === "room") this.rooms.know(news.room);
    if (news.type === "room-changed") this.rooms.rename(news.room);
    if (news.type === "membership") {
      this.#memberships += 1;
      void this.#loadRooms(true);
      this.changed();
    }
    if (news.type === "room-deleted") this.#gone(news.room);
    if (news.type === "notice") this.rooms.hear(data as Notice);
    if (news.type === "changed") this.rooms.amend(data as Change);
  }

  #heardPersonally(data: unknown): void {
    const news = data as { type?: string; session?: string } & Read;
    if (news.type === "read") this.rooms.told(news);
    this.#heardOfRoom(data);
    if (news.type === "session-ended" && news.session === this.session.session) this.world.ended();
  }

  /** A room does not exist any more. */
  #gone(id: string): void {
    this.rooms.forget(id);
    this.#loaded.delete(id);
    this.#toKeep.delete(id);
    this.#keep.forget(id);
    if (this.#room?.id === id) {
      this.leave();
      this.#missing = id;
    }
    this.changed();
  }

  /** The answer to a message of one's own. */
  #stored(message: Message): void {
    if (this.#room?.id === message.room) this.#room.receive([message]);
    else this.rooms.hear(message);
  }

  /** Messages were seen stored: they need not wait any longer. */
  #arrived(messages: readonly Message[]): void {
    this.#outbox.drop(messages.map(({ id }) => id));
    for (const message of messages) this.rooms.hear(message);
  }

  #keepSoon(): void {
    if (this.#keepDue) return;
    this.#keepDue = true;
    later(KEEP_PAUSE, this.#writeKept);
  }

  #writeKept = (): void => {
    this.#keepDue = false;
    if (this.#closed) return;
    this.#keep.keepRooms(this.rooms.list);
    for (const [room, { messages, rev }] of this.#toKeep) this.#keep.keepMessages(room, messages, rev);
    this.#toKeep.clear();
  };

  /** The window may not come back: what waits in memory is told and written. */
  #hide = (): void => {
    this.rooms.tellMarks();
    this.#writeKept();
  };

  #storage = (event: StorageEvent): void => {
    if (event.key?.startsWith("veche.chat.outbox.")) this.#outbox.reload();
  };

  #online = (): void => this.#outbox.poke();
}

function later(pause: number, act: () => void): void {
  setTimeout(act, pause);
}
