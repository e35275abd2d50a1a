// Who is in a room and who is typing, from presence, joins, leaves and typing notices.

export interface Person {
  id: string;
  name: string;
  /** How many connections: two tabs are one person. */
  connections: number;
}

/** What the server says of a connection. */
export interface ClientInfo {
  client: string;
  user: string;
  connInfo?: unknown;
}

/** The name behind a connection: from its token, else the user's id as bare clients give it. */
export function nameOf(info: ClientInfo): string {
  const name = (info.connInfo as { name?: unknown } | undefined)?.name;
  return typeof name === "string" && name !== "" ? name : info.user || "?";
}

/** Connections counted as people, in the order of the alphabet, oneself first. */
export function people(clients: Iterable<ClientInfo>, me: string, language: string): Person[] {
  const byUser = new Map<string, Person>();
  for (const info of clients) {
    const person = byUser.get(info.user);
    if (person) person.connections += 1;
    else byUser.set(info.user, { id: info.user, name: nameOf(info), connections: 1 });
  }
  const collator = new Intl.Collator(language);
  return [...byUser.values()].sort((a, b) => Number(b.id === me) - Number(a.id === me) || collator.compare(a.name, b.name));
}

/** How long a typing notice holds without another, and how often one is sent, in milliseconds. */
export const TYPING_HOLDS = 4_000;
export const TYPING_EVERY = 2_500;

/** Who is typing: name by user id, until when. */
export type Typing = ReadonlyMap<string, { name: string; until: number }>;

export function heardTyping(typing: Typing, user: string, name: string, now: number): Typing {
  return new Map(typing).set(user, { name, until: now + TYPING_HOLDS });
}

/** Without those whose time is over, and without `stopped`; the same map if nobody goes. */
export function stillTyping(typing: Typing, now: number, stopped?: string): Typing {
  const left = [...typing].filter(([user, { until }]) => until > now && user !== stopped);
  return left.length === typing.size ? typing : new Map(left);
}

/** A hue for a person, 0 to 359: the same everywhere, by the user's id. */
export function hueOf(id: string): number {
  return [...id].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 360, 7);
}
