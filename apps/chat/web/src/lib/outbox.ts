// Messages that wait to be stored: kept on disk for their author, sent in order, retried until answered.
import { PREFIX, type Disk } from "./disk.ts";
import type { Message, Quote } from "./timeline.ts";

/** A message on its way. Its id never changes, so sending it twice is sending it once. */
export interface Entry {
  id: string;
  room: string;
  text: string;
  /** The message that it answers. */
  reply?: Quote;
  /** When it was written, in milliseconds since 1970. */
  time: number;
  /** Why the chat refused it, as a code where it has one; only the author can send it again. */
  failed?: string;
}

/** How an attempt failed. `final` means that trying again cannot help. */
export class SendError extends Error {
  constructor(
    message: string,
    readonly final: boolean,
    /** How long the chat asks to wait, in milliseconds. */
    readonly wait?: number,
  ) {
    super(message);
  }
}

export interface World {
  disk: Disk;
  /** Sends a message; `given up` aborts what hangs on a connection that is gone. */
  send(entry: Entry, givenUp: AbortSignal): Promise<Message>;
  /** The message is stored. */
  stored(message: Message): void;
  /** Entries, or which of them is being sent, have changed. */
  changed(): void;
  /** Calls back once, after a pause in milliseconds; gives a way to call it off. */
  later(pause: number, act: () => void): () => void;
}

/** How many messages may wait; more are not accepted. */
export const OUTBOX_LIMIT = 200;
const PAUSE_MIN = 500;
const PAUSE_MAX = 10_000;

/**
 * The outbox of one user in this browser.
 *
 * What is on disk is the truth: other tabs change it too. Two tabs may send the same entry; the
 * chat stores it once. An entry is sent only after all before it were answered, so order is kept.
 */
export class Outbox {
  #key: string;
  #world: World;
  #memory: Entry[] = [];
  #sending: { id: string; attempt: AbortController } | undefined;
  #slowed = false;
  #pause = PAUSE_MIN;
  #callOff: (() => void) | undefined;
  #closed = false;

  constructor(user: string, world: World) {
    this.#key = `${PREFIX}outbox.${user}`;
    this.#world = world;
    this.#memory = this.#read();
  }

  get entries(): readonly Entry[] {
    return this.#memory;
  }

  /** The id of the entry under way. */
  get sending(): string | undefined {
    return this.#sending?.id;
  }

  /** The chat asked its author to write slower; what waits leaves by itself. */
  get slowed(): boolean {
    return this.#slowed;
  }

  /** Takes a message; false if too many wait already. */
  add(entry: Entry): boolean {
    if (this.#read().length >= OUTBOX_LIMIT) return false;
    this.#change((entries) => [...entries, entry]);
    this.#pump();
    return true;
  }

  /** Sends a refused message again. */
  retry(id: string): void {
    this.#change((entries) =>
      entries.map((entry) => {
        if (entry.id !== id) return entry;
        const { failed: _, ...again } = entry;
        return again;
      }),
    );
    this.poke();
  }

  /** Forgets messages: they were seen stored, or their author gave them up. */
  drop(ids: Iterable<string>): void {
    const gone = new Set(ids);
    if (this.#memory.some(({ id }) => gone.has(id))) {
      this.#change((entries) => entries.filter(({ id }) => !gone.has(id)));
    }
  }

  /** Another tab has changed the disk. */
  reload(): void {
    this.#memory = this.#read();
    this.#world.changed();
    this.#pump();
  }

  /** Tries at once: the network is back. */
  poke(): void {
    this.#pause = PAUSE_MIN;
    this.#callOff?.();
    this.#callOff = undefined;
    this.#pump();
  }

  /** The connection is another one: what was sent over the old one is sent again at once, under the same id. */
  restart(): void {
    this.#sending?.attempt.abort();
    this.poke();
  }

  /** Ends all attempts; the entries stay on disk. */
  close(): void {
    this.#closed = true;
    this.#sending?.attempt.abort();
    this.#callOff?.();
  }

  #pump(): void {
    if (this.#closed || this.#sending !== undefined || this.#callOff) return;
    const entry = this.#memory.find(({ failed }) => failed === undefined);
    if (entry) void this.#send(entry);
  }

  async #send(entry: Entry): Promise<void> {
    const attempt = new AbortController();
    this.#sending = { id: entry.id, attempt };
    this.#world.changed();
    try {
      const message = await this.#world.send(entry, attempt.signal);
      this.#pause = PAUSE_MIN;
      this.#slowed = false;
      // First into the list, then out of the outbox: the row on the screen stays the same one.
      this.#world.stored(message);
      this.drop([entry.id]);
    } catch (error) {
      if (error instanceof SendError && error.final) {
        this.#change((entries) => entries.map((one) => (one.id === entry.id ? { ...one, failed: error.message } : one)));
      } else if (!attempt.signal.aborted) {
        const asked = error instanceof SendError ? error.wait : undefined;
        this.#slowed = asked !== undefined;
        this.#callOff = this.#world.later(asked ?? this.#pause, () => {
          this.#callOff = undefined;
          this.#pump();
        });
        this.#pause = Math.min(this.#pause * 2, PAUSE_MAX);
      }
    } finally {
      this.#sending = undefined;
      if (!this.#closed) this.#world.changed();
      this.#pump();
    }
  }

  #change(change: (entries: Entry[]) => Entry[]): void {
    this.#memory = change(this.#read());
    try {
      this.#world.disk.setItem(this.#key, JSON.stringify(this.#memory));
    } catch {
      // No disk, or no space on it: the entries live as long as the page.
    }
    this.#world.changed();
  }

  #read(): Entry[] {
    try {
      const text = this.#world.disk.getItem(this.#key);
      if (text === null) return this.#memory;
      const list: unknown = JSON.parse(text);
      return Array.isArray(list) ? list.filter(isEntry) : [];
    } catch {
      return this.#memory;
    }
  }
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Entry | null;
  return typeof entry?.id === "string" && typeof entry.room === "string" && typeof entry.text === "string" && typeof entry.time === "number";
}
