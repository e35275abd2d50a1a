// The chat's HTTP interface.
import { SendError, type Entry } from "./outbox.ts";
import type { Message } from "./timeline.ts";
import type { Words } from "./words.ts";

export interface User {
  id: string;
  name: string;
}

export interface RoomInfo {
  id: string;
  title: string;
  /** The seq of its latest message. */
  top: number;
  last?: { user: string; name: string; text: string; time: number };
}

export interface Session {
  user: User;
  /** Where the WebSocket is: a path on this origin, or a full address. */
  socket: string;
  limits: { name_chars: number; title_chars: number; text_bytes: number };
}

/** A refusal, in words for a person; status 0 means that nobody answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
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
  constructor(public token: string | undefined) {}

  login(name: string): Promise<Session & { token: string }> {
    return this.#ask("POST", "login", { name });
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

  async rooms(): Promise<RoomInfo[]> {
    return (await this.#ask<{ rooms: RoomInfo[] }>("GET", "rooms")).rooms;
  }

  async createRoom(title: string): Promise<RoomInfo> {
    return (await this.#ask<{ room: RoomInfo }>("POST", "rooms", { title })).room;
  }

  history(room: string, page: { before?: number; after?: number; limit: number }): Promise<{ messages: Message[]; top: number }> {
    const query = new URLSearchParams(Object.entries(page).map(([key, value]) => [key, String(value)]));
    return this.#ask("GET", `rooms/${room}/messages?${query}`);
  }

  /** Stores a message. Refusals that time does not heal are final. */
  async send(entry: Entry): Promise<Message> {
    try {
      const body = { id: entry.id, text: entry.text };
      return (await this.#ask<{ message: Message }>("POST", `rooms/${entry.room}/messages`, body)).message;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const final = error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status);
      throw new SendError(error.code || error.message, final);
    }
  }

  async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (this.token) headers["authorization"] = `Bearer ${this.token}`;
    const request: RequestInit = { method, headers, signal: AbortSignal.timeout(PATIENCE), credentials: "omit", cache: "no-store" };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    let response: Response;
    let answer: unknown;
    try {
      response = await fetch(`/chat/api/${path}`, request);
      answer = await response.json();
    } catch {
      throw new ApiError(0, "unreachable", "the chat does not answer");
    }
    if (!response.ok) {
      const { code, error } = answer as { code?: string; error?: string };
      throw new ApiError(response.status, code ?? "", error ?? `status ${response.status}`);
    }
    return answer as T;
  }
}
