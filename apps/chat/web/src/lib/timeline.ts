// The messages of a room as this page knows them: merged by message id, ordered by server id.

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
}

/** Both lists as one: each message once, in order. Gives `known` itself if nothing is new. */
export function merge(known: readonly Message[], incoming: readonly Message[]): readonly Message[] {
  // Nearly always: what comes is later than all that is there.
  const last = known.at(-1)?.seq ?? -Infinity;
  if (incoming.every(({ seq }, at) => seq > (incoming[at - 1]?.seq ?? last))) {
    return incoming.length === 0 ? known : [...known, ...incoming];
  }
  const ids = new Set(known.map((message) => message.id));
  const fresh = incoming.filter((message) => !ids.has(message.id) && ids.add(message.id));
  if (fresh.length === 0) return known;
  return [...known, ...fresh].sort((a, b) => a.seq - b.seq);
}

/** The seq after which a message is missing, or undefined if the list has no gap. */
export function gap(messages: readonly Message[]): number | undefined {
  const before = messages.findIndex((message, at) => at + 1 < messages.length && messages[at + 1]!.seq !== message.seq + 1);
  return messages[before]?.seq;
}

/** What follows the last gap. */
export function afterGaps(messages: readonly Message[]): readonly Message[] {
  let rest = messages;
  for (let seq = gap(rest); seq !== undefined; seq = gap(rest)) {
    const last = seq;
    rest = rest.filter((message) => message.seq > last);
  }
  return rest;
}

/** A message that waits to be stored. */
export interface Pending {
  id: string;
  text: string;
  time: number;
}

/** A row of the list. */
export interface Row<P extends Pending = Pending> {
  id: string;
  user: string;
  name: string;
  text: string;
  time: number;
  message?: Message;
  pending?: P;
  /** The first of a day. */
  newDay: boolean;
  /** The first and the last of a run by one author. */
  first: boolean;
  last: boolean;
  /** Everything from here on is unread. */
  newLine: boolean;
}

/** How long a run by one author may pause, in milliseconds. */
const RUN_PAUSE = 5 * 60_000;

/** Stored messages, then those of one's own that wait, grouped for the eye. */
export function rows<P extends Pending>(
  messages: readonly Message[],
  pending: readonly P[],
  me: { id: string; name: string },
  readUpTo: number | undefined,
): Row<P>[] {
  const stored = new Set(messages.map((message) => message.id));
  const list: Row<P>[] = [
    ...messages.map((message) => row<P>({ ...message, message })),
    ...pending.filter(({ id }) => !stored.has(id)).map((entry) => row<P>({ ...entry, user: me.id, name: me.name, pending: entry })),
  ];
  let lineDrawn = readUpTo === undefined;
  let lastDay = "";
  list.forEach((current, at) => {
    const previous = list[at - 1];
    const today = day(current.time);
    current.newDay = today !== lastDay;
    lastDay = today;
    const seq = current.message?.seq;
    if (!lineDrawn && seq !== undefined && seq > readUpTo! && current.user !== me.id) {
      lineDrawn = true;
      current.newLine = at > 0;
    }
    const joined = previous !== undefined && previous.user === current.user && previous.name === current.name;
    current.first = !joined || current.newDay || current.newLine || current.time - previous.time > RUN_PAUSE;
    if (previous) previous.last = current.first;
  });
  return list;
}

/** The same list with the row objects of an earlier one wherever nothing changed: only new rows are drawn. */
export function reuse<P extends Pending & { failed?: string }>(list: Row<P>[], earlier: ReadonlyMap<string, Row<P>>): Row<P>[] {
  return list.map((row) => {
    const old = earlier.get(row.id);
    return old && looksLike(old, row) ? old : row;
  });
}

function looksLike<P extends Pending & { failed?: string }>(a: Row<P>, b: Row<P>): boolean {
  const sameShape = a.newDay === b.newDay && a.newLine === b.newLine && a.first === b.first && a.last === b.last;
  const sameState = (a.pending === undefined) === (b.pending === undefined) && a.pending?.failed === b.pending?.failed;
  return sameShape && sameState && a.message === b.message;
}

function row<P extends Pending>(fields: Pick<Row<P>, "id" | "user" | "name" | "text" | "time"> & { message?: Message; pending?: P }): Row<P> {
  const { id, user, name, text, time, message, pending } = fields;
  const base = { id, user, name, text, time, newDay: false, first: true, last: true, newLine: false };
  return { ...base, ...(message ? { message } : {}), ...(pending ? { pending } : {}) };
}

function day(time: number): string {
  return new Date(time).toDateString();
}
