// What can be read without a network: the rooms and their latest messages, from the last visit.
import type { RoomInfo } from "./api.ts";
import { load, save, type Disk } from "./disk.ts";
import type { Message } from "./timeline.ts";

/** How many rooms are kept with their messages, and how much of each, in characters of JSON and in messages. */
export const KEEP_ROOMS = 20;
export const KEEP_CHARS = 60_000;
export const KEEP_MESSAGES = 150;

/**
 * What one user keeps in this browser.
 *
 * It belongs to one database of the chat (its house): with another one it is void. A browser that
 * has no space left keeps the rooms that were used last.
 */
export class Keep {
  constructor(
    readonly disk: Disk,
    readonly user: string,
    readonly house: string,
  ) {
    if (load(disk, this.#key("house"), isText) === house) return;
    this.clear();
    save(disk, this.#key("house"), house);
  }

  get rooms(): RoomInfo[] {
    return load(this.disk, this.#key("rooms"), isRooms) ?? [];
  }

  keepRooms(rooms: readonly RoomInfo[]): void {
    save(this.disk, this.#key("rooms"), rooms);
  }

  /** The latest messages of a room, and the count of changes up to which they are known. */
  messages(room: string): { messages: Message[]; rev: number } {
    return load(this.disk, this.#key(`messages.${room}`), isKept) ?? { messages: [], rev: 0 };
  }

  /** Keeps the latest of these messages, as many as there is place for. */
  keepMessages(room: string, messages: readonly Message[], rev: number): void {
    const latest = { messages: fitting(messages), rev };
    let kept = [room, ...this.#kept.filter((id) => id !== room)];
    for (const id of kept.splice(KEEP_ROOMS)) this.#forget(id);
    while (!save(this.disk, this.#key(`messages.${room}`), latest) && kept.length > 1) this.#forget(kept.pop()!);
    save(this.disk, this.#key("kept"), kept);
  }

  /** Forgets the messages of a room that is gone. */
  forget(room: string): void {
    this.#forget(room);
    save(this.disk, this.#key("kept"), this.#kept.filter((id) => id !== room));
  }

  /** Forgets everything. */
  clear(): void {
    for (const room of this.#kept) this.#forget(room);
    for (const name of ["kept", "rooms", "house"]) save(this.disk, this.#key(name), undefined);
  }

  get #kept(): string[] {
    return load(this.disk, this.#key("kept"), isTexts) ?? [];
  }

  #forget(room: string): void {
    save(this.disk, this.#key(`messages.${room}`), undefined);
  }

  #key(name: string): string {
    return `keep.${this.user}.${name}`;
  }
}

function fitting(messages: readonly Message[]): Message[] {
  const latest: Message[] = [];
  let chars = 0;
  for (const message of messages.slice(-KEEP_MESSAGES).reverse()) {
    chars += message.text.length + 200 + JSON.stringify(message.reactions ?? "").length;
    if (chars > KEEP_CHARS) break;
    latest.unshift(message);
  }
  return latest;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isRooms = (value: unknown): value is RoomInfo[] =>
  Array.isArray(value) && value.every((room: RoomInfo | null) => isText(room?.id) && isText(room.title) && typeof room.top === "number" && typeof room.unread === "number");

const isKept = (value: unknown): value is { messages: Message[]; rev: number } => {
  const kept = value as { messages?: unknown; rev?: unknown } | null;
  return typeof kept?.rev === "number" && isMessages(kept.messages);
};

/** Messages whose seqs follow each other, as they were kept. */
const isMessages = (value: unknown): value is Message[] =>
  Array.isArray(value) &&
  value.every((message: Message | null, at) => isText(message?.id) && isText(message.text) && typeof message.seq === "number" && (at === 0 || message.seq === (value[at - 1] as Message).seq + 1));
