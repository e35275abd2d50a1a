// The rooms as one user sees them: their order, what was read in them and what was not.
import type { RoomInfo } from "./api.ts";
import { Observed } from "./observed.ts";

/** Where the user stands in a room, as the chat says it. */
export interface Read {
  room: string;
  seq: number;
  /** Messages of others between `seq` and `top`. */
  unread: number;
  /** How many of them mention the user. */
  mentions?: number;
  top: number;
}

/** A new message somewhere, in short. */
export interface Notice {
  room: string;
  seq: number;
  user: string;
  name: string;
  text: string;
  time: number;
  mentions?: string[];
}

/** A message somewhere is different now; with `last` it is the latest of its room. */
export interface Change {
  room: string;
  seq: number;
  deleted: boolean;
  last?: NonNullable<RoomInfo["last"]>;
}

export interface RoomsWorld {
  /** Tells the chat how far the user has read. */
  mark(room: string, seq: number): Promise<Read>;
  /** What was heard does not fit to what is known: the list is needed anew. */
  reload(): void;
  /** Calls back once, after a pause in milliseconds. */
  later(pause: number, act: () => void): void;
  /** The list has changed: it may be kept for the next visit. */
  kept(rooms: readonly RoomInfo[]): void;
}

/** How long marks are gathered before they are told, in milliseconds. */
const MARK_PAUSE = 400;
/** How many notices are remembered, to count what came after an answer was made. */
const HEARD = 500;

/**
 * The list of rooms.
 *
 * What is unread is never counted here alone: it is what the chat said about a moment, and the
 * notices since that moment. A cursor only moves forward, here as in the chat.
 */
export class Rooms extends Observed {
  #list: readonly RoomInfo[];
  #loaded = false;
  #heard: Notice[] = [];
  #marks = new Map<string, number>();
  #markTimer = false;

  constructor(
    readonly me: string,
    readonly world: RoomsWorld,
    known: readonly RoomInfo[] = [],
  ) {
    super();
    this.#list = known;
  }

  get list(): readonly RoomInfo[] {
    this.seen();
    return this.#list;
  }

  /** The list came from the chat, and not from an earlier visit. */
  get loaded(): boolean {
    this.seen();
    return this.#loaded;
  }

  find(id: string): RoomInfo | undefined {
    return this.list.find((room) => room.id === id);
  }

  /** Messages of others that were not read, in all rooms. */
  get unread(): number {
    return this.list.reduce((sum, room) => sum + room.unread, 0);
  }

  /** Takes the list that the chat gave. */
  load(rooms: readonly RoomInfo[]): void {
    this.#loaded = true;
    this.#change(
      rooms.map((room) => {
        const marked = this.#marks.get(room.id) ?? 0;
        const later = this.#since(room.id, room.top);
        const latest = later.at(-1);
        const fresh = { ...room, unread: room.unread + later.filter(({ user }) => user !== this.me).length, mentions: (room.mentions ?? 0) + later.filter((notice) => this.#isMentioned(notice)).length, ...(latest ? { top: latest.seq, last: lastOf(latest) } : {}) };
        // What was read a moment ago and is not told yet.
        return marked > room.read ? passed(fresh, marked, undefined, this.me) : fresh;
      }),
    );
    this.tellMarks();
  }

  /** A room is new, or its title is. */
  know(room: Omit<RoomInfo, "read" | "unread">): void {
    if (this.#list.some(({ id }) => id === room.id)) return;
    const role = room.creator === this.me ? { role: "owner" as const } : {};
    this.#change([{ ...room, ...role, read: 0, unread: 0 }, ...this.#list]);
  }

  /** A room is called otherwise, or is archived. */
  rename({ id, ...changed }: Pick<RoomInfo, "id" | "title" | "topic" | "archived">): void {
    this.#change(this.#list.map((room) => (room.id === id ? { ...room, ...changed } : room)));
  }

  /** A room is gone. */
  forget(id: string): void {
    this.#marks.delete(id);
    this.#heard = this.#heard.filter(({ room }) => room !== id);
    if (this.#list.some((room) => room.id === id)) this.#change(this.#list.filter((room) => room.id !== id));
  }

  /** There is a new message in a room. */
  hear(notice: Notice): void {
    const room = this.#list.find(({ id }) => id === notice.room);
    if (!room) return this.#loaded ? this.world.reload() : undefined;
    if (notice.seq <= room.top) return;
    const isNext = notice.seq === room.top + 1;
    const isOwn = notice.user === this.me;
    this.#heard = [...this.#heard.slice(-HEARD), notice];
    const next = { ...room, top: notice.seq, last: lastOf(notice), unread: room.unread + (isOwn ? 0 : 1), mentions: (room.mentions ?? 0) + (this.#isMentioned(notice) ? 1 : 0) };
    // One's own message is no reason to come back: all before it was read, so it is too.
    if (isOwn && room.read === notice.seq - 1) next.read = notice.seq;
    this.#change([next, ...this.#list.filter(({ id }) => id !== notice.room)]);
    // Some were missed: the chat knows how many of them were others'.
    if (!isNext) this.world.reload();
  }

  /** A message somewhere was edited or deleted. */
  amend({ room: id, seq, deleted, last }: Change): void {
    const room = this.#list.find((room) => room.id === id);
    if (!room) return;
    if (last && room.top === seq) this.#change(this.#list.map((one) => (one === room ? { ...room, last } : one)));
    // It may have been one of the unread ones: the chat knows.
    if (deleted && seq > room.read) this.world.reload();
  }

  /** The user has seen everything up to `seq`; `between` are the messages of the room that are known. */
  read(id: string, seq: number, between: readonly { seq: number; user: string; deleted?: boolean }[]): void {
    const room = this.#list.find((room) => room.id === id);
    if (!room || seq <= room.read) return;
    this.#change(this.#list.map((one) => (one === room ? passed(room, seq, between, this.me) : one)));
    this.#marks.set(id, seq);
    if (this.#markTimer) return;
    this.#markTimer = true;
    this.world.later(MARK_PAUSE, () => {
      this.#markTimer = false;
      this.tellMarks();
    });
  }

  /** The chat says where the user stands: an answer, or news from another device. */
  told({ room: id, seq, unread, mentions, top }: Read): void {
    const room = this.#list.find((room) => room.id === id);
    // An older answer than what was seen here since.
    if (!room || seq < room.read) return;
    const later = this.#since(id, top);
    const now = { ...room, read: seq, unread: unread + later.filter(({ user }) => user !== this.me).length, mentions: (mentions ?? 0) + later.filter((notice) => this.#isMentioned(notice)).length };
    this.#change(this.#list.map((one) => (one === room ? now : one)));
  }

  /** Tells the chat what was read, without waiting for more. */
  tellMarks(): void {
    for (const [room, seq] of this.#marks) {
      this.world.mark(room, seq).then(
        (read) => {
          if (this.#marks.get(room) === seq) this.#marks.delete(room);
          this.told(read);
        },
        // Nobody answers: the next list, after the next connect, brings it up again.
        () => {},
      );
    }
  }

  #isMentioned(notice: Notice): boolean {
    return notice.user !== this.me && (notice.mentions?.includes(this.me) ?? false);
  }

  #since(id: string, top: number): Notice[] {
    return this.#heard.filter(({ room, seq }) => room === id && seq > top);
  }

  #change(list: readonly RoomInfo[]): void {
    this.#list = list;
    this.changed();
    this.world.kept(list);
  }
}

/** The room after the user has read up to `seq`. Where not all in between is known, the count waits for the chat's. */
function passed(room: RoomInfo, seq: number, between: readonly { seq: number; user: string; deleted?: boolean }[] | undefined, me: string): RoomInfo {
  if (seq >= room.top) return { ...room, read: seq, unread: 0, mentions: 0 };
  const first = between?.[0];
  if (!between || !first || first.seq > room.read + 1) return { ...room, read: seq };
  const others = between.filter((message) => message.seq > room.read && message.seq <= seq && message.user !== me && !message.deleted).length;
  return { ...room, read: seq, unread: Math.max(0, room.unread - others) };
}

function lastOf({ user, name, text, time }: Notice): NonNullable<RoomInfo["last"]> {
  return { user, name, text, time };
}
