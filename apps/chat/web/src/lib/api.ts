// The chat's HTTP interface.
import { SendError, type Entry } from "./outbox.ts";
import type { Read } from "./rooms.ts";
import { firstOf } from "./signals.ts";
import type { Message } from "./timeline.ts";
import type { Language, Words } from "./words.ts";

export interface User {
  id: string;
  name: string;
}

export type Kind = "public" | "private" | "direct";
export type Role = "owner" | "moderator" | "member";

export interface RoomInfo {
  id: string;
  /** Empty for a conversation of two. */
  title: string;
  topic?: string;
  kind?: Kind;
  archived?: boolean;
  /** The channels of its messages and of who is typing. */
  channel?: string;
  typing?: string;
  /** What the user may do there; nothing for a visitor of a public room. */
  role?: Role;
  /** With whom a conversation of two is. */
  with?: User;
  /** The seq of its latest message. */
  top: number;
  /** The id of the user who made it. */
  creator?: string;
  /** The seq up to which this user has read, and how many messages of others stand behind it. */
  read: number;
  unread: number;
  /** How many of them mention the user. */
  mentions?: number;
  last?: { user: string; name: string; text: string; time: number; deleted?: boolean };
}

export interface Member extends User {
  role: Role | null;
}

/** A link into a private room. */
export interface Invite {
  token: string;
  /** In milliseconds since 1970. */
  expires: number;
}

/** Where a link leads. */
export interface Invitation {
  room: string;
  title: string;
  members: number;
  by: string;
}

/** A public room, as who looks around sees it. */
export interface PublicRoom {
  id: string;
  title: string;
  topic: string;
  top: number;
  archived: boolean;
  /** It is in the user's list. */
  joined: boolean;
}

/** A session of the user, somewhere. */
export interface Device {
  id: string;
  /** What the browser said it is. */
  agent: string;
  /** In milliseconds since 1970; 0 where it is not known. */
  created: number;
  seen: number;
}

export interface Session {
  user: User;
  /** The name has a password. */
  registered?: boolean;
  /** The session's name, which gives no access. */
  session: string | null;
  /** Names the chat's database: with another one, all that is known of the old one is void. */
  house: string;
  /** A chat to try things out. */
  demo?: boolean;
  /** A bot writes in the general room. */
  bot?: boolean;
  /** Where the WebSocket is: a path on this origin, or a full address. */
  socket: string;
  limits: { name_chars: number; title_chars: number; text_chars: number };
}

/** A part of a room's history: the latest messages, or those before, after or around a seq. */
export interface HistoryPage {
  before?: number;
  after?: number;
  around?: number;
  /** Around the first unread message, or the latest ones; the answer says where the user stands. */
  unread?: true;
  limit: number;
}

/** A refusal, in words for a person; status 0 means that nobody answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** When the same request may succeed, in milliseconds. */
    readonly wait?: number,
  ) {
    super(message);
  }
}

/** Why something was refused, in the reader's language where the reason is a known one. */
export function refusal(words: Words, error: unknown): string {
  if (!(error instanceof ApiError) || error.status === 0) return words.serverUnreachable;
  return words.refusals[error.code] ?? error.message;
}

/** How long an answer is waited for, in milliseconds. */
const PATIENCE = 15_000;

export class Api {
  constructor(
    readonly token: string | undefined,
    /** The chat knows the session no more; called once for each refusal. */
    readonly ended: () => void = () => {},
    readonly fetch: (input: string, init: RequestInit) => Promise<Response> = (input, init) => globalThis.fetch(input, init),
  ) {}

  /** Has the bot of a demonstration write some lines. */
  async talk(language: Language): Promise<void> {
    await this.#ask("POST", "bot/talk", { language });
  }

  /** Logs in by name; the name belongs to the browser with this key from the first time on. */
  login(name: string, key: string): Promise<Session & { token: string }> {
    return this.#ask("POST", "login", { name, key });
  }

  /** Logs in with the password of a name, in any browser. */
  loginWith(name: string, password: string): Promise<Session & { token: string }> {
    return this.#ask("POST", "login", { name, password });
  }

  /** Gives a name a password, and logs in; a name of this browser goes with its key. */
  register(name: string, password: string, key: string): Promise<Session & { token: string }> {
    return this.#ask("POST", "register", { name, password, key });
  }

  /** A first password, or another one; all other sessions end. */
  changePassword(password: string, current?: string): Promise<{ ended: number }> {
    return this.#ask("POST", "password", { password, ...(current === undefined ? {} : { current }) });
  }

  sessions(): Promise<{ sessions: Device[]; current: string }> {
    return this.#ask("GET", "sessions");
  }

  endSession(id: string): Promise<unknown> {
    return this.#ask("DELETE", `sessions/${id}`);
  }

  /** Ends all sessions but this one. */
  endOtherSessions(): Promise<{ ended: number }> {
    return this.#ask("DELETE", "sessions");
  }

  logout(): Promise<unknown> {
    return this.#ask("POST", "logout", {});
  }

  me(): Promise<Session> {
    return this.#ask("GET", "me");
  }

  async connectionToken(): Promise<string> {
    return (await this.#ask<{ token: string }>("POST", "connection-token", {})).token;
  }

  rooms(): Promise<{ rooms: RoomInfo[]; house: string }> {
    return this.#ask("GET", "rooms");
  }

  deleteRoom(room: string): Promise<unknown> {
    return this.#ask("DELETE", `rooms/${room}`);
  }

  /** The user has seen everything up to this message. */
  markRead(room: string, seq: number): Promise<Read> {
    // It arrives though the window closes.
    return this.#ask("POST", `rooms/${room}/read`, { seq }, { keepalive: true });
  }

  async createRoom(title: string, isPrivate = false): Promise<RoomInfo> {
    return (await this.#ask<{ room: RoomInfo }>("POST", "rooms", { title, private: isPrivate })).room;
  }

  changeRoom(room: string, change: { title?: string; topic?: string; archived?: boolean }): Promise<unknown> {
    return this.#ask("PATCH", `rooms/${room}`, change);
  }

  /** All rooms that anybody may come into. */
  async publicRooms(): Promise<PublicRoom[]> {
    return (await this.#ask<{ rooms: PublicRoom[] }>("GET", "public-rooms")).rooms;
  }

  /** Comes back into a public room. */
  joinRoom(room: string): Promise<unknown> {
    return this.#ask("POST", `rooms/${room}/join`, {});
  }

  async members(room: string): Promise<Member[]> {
    return (await this.#ask<{ members: Member[] }>("GET", `rooms/${room}/members`)).members;
  }

  /** Brings somebody in by name, or gives a role. */
  setMember(room: string, user: string, role?: Role): Promise<unknown> {
    return this.#ask("PUT", `rooms/${room}/members/${encodeURIComponent(user)}`, role ? { role } : {});
  }

  /** Removes somebody, or leaves. */
  removeMember(room: string, user: string): Promise<unknown> {
    return this.#ask("DELETE", `rooms/${room}/members/${encodeURIComponent(user)}`);
  }

  async invite(room: string): Promise<Invite | null> {
    return (await this.#ask<{ invite: Invite | null }>("GET", `rooms/${room}/invite`)).invite;
  }

  async renewInvite(room: string): Promise<Invite> {
    return (await this.#ask<{ invite: Invite }>("POST", `rooms/${room}/invite`, {})).invite;
  }

  revokeInvite(room: string): Promise<unknown> {
    return this.#ask("DELETE", `rooms/${room}/invite`);
  }

  async invitation(token: string): Promise<Invitation> {
    return (await this.#ask<{ invite: Invitation }>("GET", `invites/${token}`)).invite;
  }

  /** Follows a link; gives the room that it leads to. */
  async followInvite(token: string): Promise<string> {
    return (await this.#ask<{ room: string }>("POST", `invites/${token}`, {})).room;
  }

  /** The conversation with somebody; gives its id. */
  async direct(user: string): Promise<string> {
    return (await this.#ask<{ room: string }>("POST", "direct", { user })).room;
  }

  /** A token for a channel of a private room. */
  async subscriptionToken(room: string, channel: string): Promise<string> {
    return (await this.#ask<{ token: string }>("POST", `rooms/${room}/subscription-token`, { channel })).token;
  }

  history(room: string, page: HistoryPage): Promise<{ messages: Message[]; top: number; rev: number; read?: number; unread?: number }> {
    const query = new URLSearchParams(Object.entries(page).map(([key, value]) => [key, String(value)]));
    return this.#ask("GET", `rooms/${room}/messages?${query}`);
  }

  /** Of the messages behind `after`, up to `to`, those that have changed since the count `since`. */
  changes(room: string, { since, after, to }: { since: number; after: number; to: number }): Promise<{ messages: Message[]; rev: number; limit: number }> {
    return this.#ask("GET", `rooms/${room}/changes?since=${since}&after=${after}&to=${to}`);
  }

  async edit({ room, seq }: Message, text: string): Promise<Message> {
    return (await this.#ask<{ message: Message }>("PATCH", `rooms/${room}/messages/${seq}`, { text })).message;
  }

  async delete({ room, seq }: Message): Promise<Message> {
    return (await this.#ask<{ message: Message }>("DELETE", `rooms/${room}/messages/${seq}`)).message;
  }

  /** Gives a reaction, or takes it back. */
  async react({ room, seq }: Message, emoji: string, given: boolean): Promise<Message> {
    const path = `rooms/${room}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`;
    return (await this.#ask<{ message: Message }>(given ? "PUT" : "DELETE", path)).message;
  }

  /** People whose names, or a word of them, begin so. */
  async people(find: string): Promise<User[]> {
    return (await this.#ask<{ people: User[] }>("GET", `people?find=${encodeURIComponent(find)}`)).people;
  }

  /** Stores a message. Refusals that time does not heal are final. */
  async send(entry: Entry, givenUp: AbortSignal): Promise<Message> {
    try {
      const body = { id: entry.id, text: entry.text, ...(entry.reply ? { reply: entry.reply.seq } : {}) };
      return (await this.#ask<{ message: Message }>("POST", `rooms/${entry.room}/messages`, body, { givenUp })).message;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const final = error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status);
      throw new SendError(error.code || error.message, final, error.status === 429 ? error.wait : undefined);
    }
  }

  async #ask<T>(method: string, path: string, body?: unknown, { givenUp, keepalive = false }: { givenUp?: AbortSignal; keepalive?: boolean } = {}): Promise<T> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (this.token) headers["authorization"] = `Bearer ${this.token}`;
    const request: RequestInit = { method, headers, keepalive, signal: firstOf(AbortSignal.timeout(PATIENCE), givenUp), credentials: "omit", cache: "no-store" };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    let response: Response;
    let answer: unknown;
    try {
      response = await this.fetch(`/chat/api/${path}`, request);
      answer = await response.json();
    } catch {
      throw new ApiError(0, "unreachable", "the chat does not answer");
    }
    if (!response.ok) {
      const { code, error } = answer as { code?: string; error?: string };
      // A wrong password is no end of the session.
      if (response.status === 401 && code === "unauthorized" && this.token) this.ended();
      const wait = Number(response.headers.get("retry-after")) * 1000 || undefined;
      throw new ApiError(response.status, code ?? "", error ?? `status ${response.status}`, wait);
    }
    return answer as T;
  }
}
