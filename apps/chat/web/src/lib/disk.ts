// What stays between visits.

/** The part of `localStorage` and `sessionStorage` that is used. */
export interface Disk {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Every key of the chat begins so: the origin may be shared with other pages. */
export const PREFIX = "veche.chat.";

/** Reads a value; undefined where there is none, it is damaged, or the browser keeps nothing. */
export function load<T>(disk: Disk, key: string, isRight: (value: unknown) => value is T): T | undefined {
  try {
    const text = disk.getItem(PREFIX + key);
    const value: unknown = text === null ? undefined : JSON.parse(text);
    return isRight(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a value, or forgets it; false if the browser does not keep it. */
export function save(disk: Disk, key: string, value: unknown): boolean {
  try {
    if (value === undefined) disk.removeItem(PREFIX + key);
    else disk.setItem(PREFIX + key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** A disk in memory: for tests, and for browsers that keep nothing. */
export class Memory implements Disk {
  #values = new Map<string, string>();

  getItem(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#values.set(key, value);
  }

  removeItem(key: string): void {
    this.#values.delete(key);
  }
}
