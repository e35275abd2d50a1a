// One user in the chat: rooms, the open one, the outbox, the connection.
import { ApiError, type Api, type RoomInfo, type Session } from "../lib/api.ts";
import { newId } from "../lib/ids.ts";
import { Outbox, type Entry } from "../lib/outbox.ts";
import type { Message } from "../lib/timeline.ts";
import { Link } from "./link.svelte.ts";
import { Room } from "./room.svelte.ts";
import { recall, remember } from "./settings.svelte.ts";

export class Chat {
  rooms = $state.raw<readonly RoomInfo[]>([]);
  room = $state.raw<Room | undefined>(undefined);
  waiting = $state.raw<readonly Entry[]>([]);
  sending = $state<string | undefined>(undefined);
  /** The seq read last, by room. */
  read = $state<Record<string, number>>({});
  readonly link: Link;
  #outbox: Outbox;
  #knowsReading: boolean;

  constructor(
    readonly session: Session,
    readonly api: Api,
    readonly ended: () => void,
  ) {
    const known = recall(this.#readKey);
    this.#knowsReading = known !== undefined;
    this.read = known === undefined ? {} : (JSON.parse(known) as Record<string, number>);
    this.link = new Link(session.socket, api, ended);
    this.#outbox = new Outbox(session.user.id, {
      disk: localStorage,
      send: (entry) => api.send(entry),
      stored: (message) => this.#stored(message),
      changed: () => this.#outboxChanged(),
      later: (pause, act) => {
        const timer = setTimeout(act, pause);
        return () => clearTimeout(timer);
      },
    });
    this.#outboxChanged();
    this.#listen();
    this.open(recall(`room.${session.user.id}`) ?? "general");
    this.#outbox.poke();
  }

  /** Unread messages of a room. */
  unread(room: RoomInfo): number {
    return Math.max(0, room.top - (this.read[room.id] ?? 0));
  }

  /** Those of one's own messages that wait for the open room. */
  get waitingHere(): readonly Entry[] {
    return this.waiting.filter(({ room }) => room === this.room?.id);
  }

  get info(): RoomInfo | undefined {
    return this.rooms.find(({ id }) => id === this.room?.id);
  }

  open(id: string): void {
    if (this.room?.id === id) return;
    this.room?.close();
    remember(`room.${this.session.user.id}`, id);
    const room = new Room(id, this.session.user.id, this.api, this.link.client, (messages) => this.#arrived(messages));
    room.readUpTo = this.read[id];
    this.room = room;
  }

  /** Makes a room, or finds the one of this title; gives its id. */
  async create(title: string): Promise<string> {
    const room = await this.api.createRoom(title);
    this.#knowRoom(room);
    return room.id;
  }

  /** Takes a message for the open room; false if too many wait. */
  write(text: string): boolean {
    if (!this.room) return false;
    const taken = this.#outbox.add({ id: newId(), room: this.room.id, text, time: Date.now() });
    if (taken) {
      this.room.readUpTo = undefined;
      this.room.typingEnded();
    }
    return taken;
  }

  retry(id: string): void {
    this.#outbox.retry(id);
  }

  discard(id: string): void {
    this.#outbox.drop([id]);
  }

  /** The reader has seen the open room up to its last message. */
  markRead(): void {
    const room = this.room;
    if (!room?.loaded) return;
    const seq = Math.max(room.latest, this.read[room.id] ?? 0);
    if (seq !== this.read[room.id]) {
      this.read[room.id] = seq;
      remember(this.#readKey, JSON.stringify(this.read));
    }
  }

  close(): void {
    removeEventListener("storage", this.#storage);
    removeEventListener("online", this.#online);
    this.room?.close();
    this.#outbox.close();
    this.link.close();
  }

  get #readKey(): string {
    return `read.${this.session.user.id}`;
  }

  #listen(): void {
    addEventListener("storage", this.#storage);
    addEventListener("online", this.#online);
    const client = this.link.client;
    client.on("connected", () => {
      this.#outbox.poke();
      void this.#loadRooms();
    });
    const lobby = client.newSubscription("lobby:all");
    lobby.on("publication", ({ data }) => {
      const notice = data as { type?: string; room: RoomInfo & string; seq: number; user: string; name: string; text: string; time: number };
      if (notice.type === "room") this.#knowRoom(notice.room);
      if (notice.type === "notice") this.#heard(notice.room, notice.seq, notice);
    });
    lobby.subscribe();
    client.connect();
    void this.#loadRooms();
  }

  async #loadRooms(): Promise<void> {
    try {
      const rooms = await this.api.rooms();
      if (!this.#knowsReading) {
        // The first visit from this browser: what was said before is not unread.
        for (const room of rooms) this.read[room.id] = room.top;
        remember(this.#readKey, JSON.stringify(this.read));
        this.#knowsReading = true;
      }
      // A top can only be below what was read if the chat began anew, with an empty database.
      for (const { id, top } of rooms) this.read[id] = Math.min(this.read[id] ?? 0, top);
      const known = new Map(this.rooms.map((room) => [room.id, room]));
      this.rooms = rooms.map((room) => ((known.get(room.id)?.top ?? 0) > room.top ? known.get(room.id)! : room));
      if (this.room && !rooms.some(({ id }) => id === this.room?.id)) this.open("general");
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.ended();
    }
  }

  #knowRoom(room: RoomInfo): void {
    if (!this.rooms.some(({ id }) => id === room.id)) this.rooms = [room, ...this.rooms];
  }

  #heard(id: string, seq: number, last: { user: string; name: string; text: string; time: number }): void {
    const room = this.rooms.find((room) => room.id === id);
    if (!room || room.top >= seq) return;
    const { user, name, text, time } = last;
    this.rooms = [{ ...room, top: seq, last: { user, name, text, time } }, ...this.rooms.filter((room) => room.id !== id)];
  }

  /** The answer to a message of one's own. */
  #stored(message: Message): void {
    if (this.room?.id === message.room) this.room.receive([message]);
    else this.#heard(message.room, message.seq, message);
  }

  /** Messages were seen stored: they need not wait any longer. */
  #arrived(messages: readonly Message[]): void {
    this.#outbox.drop(messages.map(({ id }) => id));
    const last = messages.at(-1);
    if (last) this.#heard(last.room, last.seq, last);
  }

  #outboxChanged(): void {
    this.waiting = this.#outbox.entries;
    this.sending = this.#outbox.sending;
  }

  #storage = (event: StorageEvent): void => {
    if (event.key?.startsWith("veche.chat.outbox.")) this.#outbox.reload();
  };

  #online = (): void => this.#outbox.poke();
}
