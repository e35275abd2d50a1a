// The messages of a room as this page knows them: one piece of the room without holes, ordered by server id.

/** A stored message. */
export interface Message {
  /** The message id, made by whoever wrote it; it names the message forever. */
  id: string;
  room: string;
  /** The server id: 1, 2, 3 … within the room, without gaps. */
  seq: number;
  user: string;
  name: string;
  text: string;
  /** Milliseconds since 1970. */
  time: number;
  /** The room's count of changes at the last change of this message; 0 where an older visit kept none. */
  rev?: number;
  /** When its text was changed last. */
  edited?: number;
  /** Only its place and its author are left. */
  deleted?: boolean;
  /** The message that it answers. */
  reply?: Quote;
  /** The ids of the users whose names stand behind an `@` in the text. */
  mentions?: string[];
  reactions?: Reaction[];
}

/** A message in short, within another that answers it. */
export interface Quote {
  seq: number;
  user: string;
  name: string;
  text: string;
  deleted?: boolean;
}

/** An emoji and who gave it. */
export interface Reaction {
  emoji: string;
  users: { id: string; name: string }[];
}

/** How much of a message a quote shows, in characters. */
const QUOTE_CHARS = 80;

/** A message in short. */
export function quoteOf({ seq, user, name, text, deleted }: Message): Quote {
  return { seq, user, name, text: [...text].slice(0, QUOTE_CHARS).join("").replace(/\s/g, " "), ...(deleted ? { deleted } : {}) };
}

/**
 * A piece of a room: messages whose seqs follow each other, so that none is there twice and none is
 * missing in between. What does not join it is not taken; the piece then only knows that there is more.
 */
export class Timeline {
  messages: readonly Message[] = [];
  /** The seq of the latest message that the room is known to have. */
  top = 0;

  get first(): number {
    return this.messages[0]?.seq ?? this.top + 1;
  }

  get last(): number {
    return this.messages.at(-1)?.seq ?? 0;
  }

  /** The piece reaches the room's latest message. */
  get reachesEnd(): boolean {
    return this.last === this.top;
  }

  /** The piece begins with the room's first message. */
  get reachesBeginning(): boolean {
    return this.first === 1;
  }

  has(seq: number): boolean {
    return seq >= this.first && seq <= this.last;
  }

  at(seq: number): Message | undefined {
    return this.messages[seq - this.first];
  }

  /** Takes messages in any order, as often as they come; those that join the piece at either end. Gives whether it has grown. */
  take(incoming: readonly Message[]): boolean {
    const sorted = [...incoming].sort((a, b) => a.seq - b.seq);
    this.top = Math.max(this.top, sorted.at(-1)?.seq ?? 0);
    const newer: Message[] = [];
    for (const message of sorted) if (message.seq === this.last + newer.length + 1) newer.push(message);
    if (newer.length > 0) this.messages = [...this.messages, ...newer];
    const older: Message[] = [];
    for (const message of sorted.reverse()) if (this.messages.length > 0 && message.seq === this.first - older.length - 1) older.unshift(message);
    if (older.length > 0) this.messages = [...older, ...this.messages];
    return newer.length + older.length > 0;
  }

  /** Takes messages that have changed, and quotes of them; gives whether anything is different now. */
  amend(incoming: readonly Message[]): boolean {
    const isOld = ({ seq, rev }: Message): boolean => (this.has(seq) ? (this.at(seq)!.rev ?? 0) > (rev ?? 0) : false);
    const bySeq = new Map(incoming.filter((message) => !isOld(message)).map((message) => [message.seq, message]));
    let changed = false;
    const next = this.messages.map((message) => {
      const fresh = bySeq.get(message.seq);
      if (fresh && (fresh.rev ?? 0) > (message.rev ?? 0)) {
        changed = true;
        return fresh;
      }
      const quoted = message.reply && bySeq.get(message.reply.seq);
      if (!quoted || sameQuote(message.reply!, quoteOf(quoted))) return message;
      changed = true;
      return { ...message, reply: quoteOf(quoted) };
    });
    if (changed) this.messages = next;
    return changed;
  }

  /** Begins anew with these messages, which follow each other, in a room whose latest is `top`. */
  show(messages: readonly Message[], top: number): void {
    this.messages = messages;
    this.top = Math.max(top, messages.at(-1)?.seq ?? 0);
  }

  /** Lets go of messages at the beginning, or at the end, so that `keep` are left. */
  trim(keep: number, side: "older" | "newer"): void {
    if (this.messages.length > keep) this.messages = side === "older" ? this.messages.slice(-keep) : this.messages.slice(0, keep);
  }
}

function sameQuote(one: Quote, other: Quote): boolean {
  return one.text === other.text && one.name === other.name && (one.deleted ?? false) === (other.deleted ?? false);
}
