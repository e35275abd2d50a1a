// The rows of a room's list: stored messages, then one's own that wait, grouped for the eye.
import type { Message, Quote } from "./timeline.ts";

/** A message that waits to be stored. */
export interface Pending {
  id: string;
  text: string;
  time: number;
  reply?: Quote;
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

/** Stored messages, then those of one's own that wait. Unread begins after `readUpTo`; undefined draws no line. */
export function rows<P extends Pending>(
  messages: readonly Message[],
  pending: readonly P[],
  me: { id: string; name: string },
  readUpTo: number | undefined,
): Row<P>[] {
  const waiting = pending.length === 0 ? [] : withoutStored(messages, pending);
  const list: Row<P>[] = [
    ...messages.map((message) => row<P>({ ...message, message })),
    ...waiting.map((entry) => row<P>({ ...entry, user: me.id, name: me.name, pending: entry })),
  ];
  let lineDrawn = readUpTo === undefined;
  let endOfDay = -Infinity;
  list.forEach((current, at) => {
    const previous = list[at - 1];
    current.newDay = current.time >= endOfDay || (previous !== undefined && current.time < beginOfDay(previous.time));
    if (current.newDay) endOfDay = endOfDayAt(current.time);
    const seq = current.message?.seq;
    if (!lineDrawn && seq !== undefined && seq > readUpTo! && current.user !== me.id) {
      lineDrawn = true;
      current.newLine = true;
    }
    const joined = previous !== undefined && previous.user === current.user && previous.name === current.name;
    current.first = !joined || current.newDay || current.newLine || current.time - previous.time > RUN_PAUSE;
    if (previous) previous.last = current.first;
  });
  return list;
}

function withoutStored<P extends Pending>(messages: readonly Message[], pending: readonly P[]): P[] {
  const stored = new Set(messages.map(({ id }) => id));
  return pending.filter(({ id }) => !stored.has(id));
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

function beginOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

function endOfDayAt(time: number): number {
  return new Date(time).setHours(24, 0, 0, 0);
}
