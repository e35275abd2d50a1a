// Who may be in the chat from this browser, and who is in it in this window.
import { newId } from "./ids.ts";
import { load, save, type Disk } from "./disk.ts";
import type { Session } from "./api.ts";

/** A session of this browser, and the token that proves it. */
export interface Account {
  token: string;
  session: Session;
}

const ALL = "accounts";
const HERE = "account";
const KEY = "key";

/**
 * The accounts of a browser. All windows share them; each window is one of them, or asks.
 *
 * A reload keeps the window's account. A new window has none: it offers those that are there.
 */
export class Accounts {
  constructor(
    /** What all windows share. */
    readonly shared: Disk,
    /** What this window keeps through a reload. */
    readonly window: Disk,
  ) {}

  /** All accounts, the one used last first. */
  get all(): Account[] {
    return load(this.shared, ALL, isAccounts) ?? [];
  }

  /** What proves that a name was chosen in this browser; made at the first need. */
  get key(): string {
    const known = load(this.shared, KEY, (value): value is string => typeof value === "string" && value.length >= 32);
    if (known !== undefined) return known;
    const made = newId() + newId();
    save(this.shared, KEY, made);
    return made;
  }

  /** The account of this window. */
  get here(): Account | undefined {
    const id = load(this.window, HERE, (value): value is string => typeof value === "string");
    return this.all.find(({ session }) => session.user.id === id);
  }

  /** The window goes on as this account, which comes first from now on. */
  enter(account: Account): void {
    const others = this.all.filter(({ session }) => session.user.id !== account.session.user.id);
    save(this.shared, ALL, [account, ...others]);
    save(this.window, HERE, account.session.user.id);
  }

  /** Forgets a session that has ended; one that replaced it under the same name stays. */
  forget(account: Account): void {
    save(this.shared, ALL, this.all.filter(({ token }) => token !== account.token));
  }

  /** The window has no account any more. */
  leave(): void {
    save(this.window, HERE, undefined);
  }

  /** Whether the session is still one of this browser: another window may have ended it. */
  has(token: string): boolean {
    return this.all.some((account) => account.token === token);
  }
}

function isAccounts(value: unknown): value is Account[] {
  return Array.isArray(value) && value.every(isAccount);
}

function isAccount(value: unknown): value is Account {
  const account = value as Account | null;
  return typeof account?.token === "string" && typeof account.session?.user?.id === "string" && typeof account.session.user.name === "string";
}
