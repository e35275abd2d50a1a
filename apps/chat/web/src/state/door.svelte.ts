// The door: a session that is remembered, a login by name, a logout.
import { Api, ApiError, type Session } from "../lib/api.ts";
import { Chat } from "./chat.svelte.ts";
import { recall, remember } from "./settings.svelte.ts";

class Door {
  chat = $state.raw<Chat | undefined>(undefined);
  /** The remembered session is being looked at. */
  opening = $state(true);
  /** The session ended without the user's doing. */
  sessionEnded = $state(false);

  /** Goes in by the remembered session, if there is one; offline by what is known of it. */
  async open(): Promise<void> {
    const token = recall("token");
    if (token) {
      const api = new Api(token);
      try {
        const session = await api.me();
        remember("session", JSON.stringify(session));
        this.#enter(session, api);
      } catch (error) {
        const known = recall("session");
        if (error instanceof ApiError && error.status === 401) this.sessionEnded = true;
        else if (known) this.#enter(JSON.parse(known) as Session, api);
      }
    }
    this.opening = false;
  }

  async logIn(name: string): Promise<void> {
    const { token, ...session } = await new Api(undefined).login(name);
    remember("token", token);
    remember("session", JSON.stringify(session));
    this.sessionEnded = false;
    this.#enter(session, new Api(token));
  }

  logOut(): void {
    const api = this.chat?.api;
    this.#leave();
    api?.logout().catch(() => {});
  }

  #enter(session: Session, api: Api): void {
    this.chat = new Chat(session, api, () => {
      this.sessionEnded = true;
      this.#leave();
    });
  }

  #leave(): void {
    remember("token", undefined);
    remember("session", undefined);
    this.chat?.close();
    this.chat = undefined;
  }
}

export const door = new Door();
