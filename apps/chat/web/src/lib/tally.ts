// What became of the messages of a room since somebody began to count.
import type { Message } from "./timeline.ts";

/** Counts by what is on the page, not by what was sent to it. */
export class Tally {
  /** The seqs that were on the page. */
  #seen = new Set<number>();
  #own = 0;
  #last: number;
  #doubled = 0;

  /** Counts messages behind `start` in `room`; `me` is who writes here. */
  constructor(
    readonly room: string,
    readonly start: number,
    readonly me: string,
  ) {
    this.#last = start;
  }

  /** Looks at the messages that are on the page now. */
  see(messages: readonly Message[]): void {
    const here = messages.filter(({ seq }) => seq > this.start);
    for (const { seq, user } of here) {
      if (this.#seen.has(seq)) continue;
      this.#seen.add(seq);
      if (user === this.me) this.#own += 1;
      this.#last = Math.max(this.#last, seq);
    }
    this.#doubled = Math.max(this.#doubled, here.length - new Set(here.map(({ id }) => id)).size);
  }

  /** One's own messages that are on the page for everybody. */
  get own(): number {
    return this.#own;
  }

  /** Messages of others. */
  get others(): number {
    return this.#seen.size - this.#own;
  }

  get doubled(): number {
    return this.#doubled;
  }

  /** Messages that should be on the page and are not: `written` are one's own, of which so many still wait. */
  lost(written: number, waiting: number): number {
    const holes = this.#last - this.start - this.#seen.size;
    return holes + Math.max(0, written - waiting - this.#own);
  }
}
