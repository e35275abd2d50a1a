// The door: who is in the chat in this window.
import { Accounts, type Account } from "../lib/accounts.ts";
import { Api, ApiError, type Session } from "../lib/api.ts";
import { Memory, PREFIX, type Disk } from "../lib/disk.ts";
import { Observed } from "../lib/observed.ts";
import { Chat } from "./chat.ts";
import { network } from "./network.ts";
import { settings } from "./settings.svelte.ts";

/** The query of an address that opens a window for a second person. */
export const GUEST = "?guest";

class Door extends Observed {
  #accounts = new Accounts(disk(() => localStorage), disk(() => sessionStorage));
  #chat: Chat | undefined;
  #here: Account | undefined;
  #opening = true;
  #sessionEnded = false;

  get chat(): Chat | undefined {
    this.seen();
    return this.#chat;
  }

  /** The session of this window is being looked at. */
  get opening(): boolean {
    this.seen();
    return this.#opening;
  }

  /** The session ended without the user's doing. */
  get sessionEnded(): boolean {
    this.seen();
    return this.#sessionEnded;
  }

  /** Who could go on in this window. */
  get accounts(): Account[] {
    this.seen();
    return this.#accounts.all;
  }

  /** A reload goes on as who was here; a new window asks. */
  async open(): Promise<void> {
    addEventListener("storage", this.#storage);
    const here = this.#accounts.here;
    if (here) {
      // The chat opens by what is known of the session, and asks for its rooms at once; meanwhile it is looked at.
      this.#enter(here);
      void this.#look(here);
    }
    if (location.search === GUEST) {
      history.replaceState(null, "", location.pathname);
      if (!here) await this.#enterAsGuest();
    }
    this.#opening = false;
    this.changed();
  }

  /** Comes in under a name that nobody has; where that fails, the door asks. */
  async #enterAsGuest(): Promise<void> {
    const name = `${settings.words.guestName} ${100 + Math.floor(Math.random() * 900)}`;
    await this.logIn(name).catch(() => {});
  }

  /** Looks at a session that is in use: it may have ended, or the WebSocket may be elsewhere. */
  async #look(account: Account): Promise<void> {
    try {
      const session = await new Api(account.token).me();
      if (this.#here?.token !== account.token) return;
      if (session.socket === account.session.socket) this.#accounts.enter({ ...account, session });
      else {
        this.#chat?.close();
        this.#enter({ ...account, session });
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#ended(account);
    }
  }

  /** Goes on with a session of this browser; offline by what is known of it. */
  async goOn(account: Account): Promise<void> {
    try {
      const session = await new Api(account.token).me();
      this.#enter({ ...account, session });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#ended(account);
      else this.#enter(account);
    }
  }

  async logIn(name: string): Promise<void> {
    this.#begin(await new Api(undefined).login(name, this.#accounts.key));
  }

  /** Logs in under a name that has a password. */
  async logInWith(name: string, password: string): Promise<void> {
    this.#begin(await new Api(undefined).loginWith(name, password));
  }

  /** Takes a name, and gives it a password. */
  async register(name: string, password: string): Promise<void> {
    this.#begin(await new Api(undefined).register(name, password, this.#accounts.key));
  }

  /** Ends all sessions of the user, this one last. */
  async logOutEverywhere(): Promise<void> {
    if (!this.#here) return;
    await new Api(this.#here.token).endOtherSessions();
    this.logOut();
  }

  #begin({ token, ...session }: Session & { token: string }): void {
    this.#enter({ token, session: session as Session });
  }

  logOut(): void {
    const here = this.#here;
    if (!here) return;
    this.#chat?.clear();
    this.#leave();
    this.#accounts.forget(here);
    new Api(here.token).logout().catch(() => {});
    this.changed();
  }

  #enter(account: Account): void {
    this.#accounts.enter(account);
    this.#here = account;
    this.#sessionEnded = false;
    const api = new Api(account.token, () => this.#ended(account), account.session.demo ? (input, init) => network.fetch(input, init) : undefined);
    this.#chat = new Chat(account.session, api, { ended: () => this.#ended(account), rebuilt: () => void this.#rebuilt(account) });
    this.changed();
  }

  /** The session is gone: here if this window had it, and from the list in any case. */
  #ended(account: Account): void {
    this.#accounts.forget(account);
    if (this.#here && this.#here.token !== account.token) return;
    this.#sessionEnded = true;
    this.#leave();
    this.changed();
  }

  /** The chat has another database, which may or may not know the session. */
  async #rebuilt(account: Account): Promise<void> {
    this.#leave();
    await this.goOn(account);
  }

  #leave(): void {
    this.#accounts.leave();
    this.#chat?.close();
    this.#chat = undefined;
    this.#here = undefined;
  }

  /** Another window has changed the list: it may have ended the session of this one. */
  #storage = (event: StorageEvent): void => {
    if (event.key !== null && event.key !== `${PREFIX}accounts`) return;
    if (this.#here && !this.#accounts.has(this.#here.token)) this.#ended(this.#here);
    this.changed();
  };
}

/** What the browser keeps, or a disk in memory where it keeps nothing. */
function disk(real: () => Disk): Disk {
  try {
    return real();
  } catch {
    return new Memory();
  }
}

export const door = new Door();
