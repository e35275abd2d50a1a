// Mentions while one writes: which name is being typed, and who could be meant.
import type { User } from "./api.ts";

/** The letters behind the `@` before the caret, and where the `@` stands; undefined where no name is being typed. */
export function typedName(text: string, caret: number): { from: number; letters: string } | undefined {
  const from = text.lastIndexOf("@", caret - 1);
  if (from < 0 || caret - from > 33) return undefined;
  const before = text[from - 1];
  if (before !== undefined && /[\p{L}\p{N}]/u.test(before)) return undefined;
  const letters = text.slice(from + 1, caret);
  return /^(?:[^\s@][^\n@]*)?$/.test(letters) ? { from, letters } : undefined;
}

/** The text with the name in place of what was typed of it, and where the caret is then. */
export function withName(text: string, from: number, caret: number, name: string): { text: string; caret: number } {
  const rest = text.slice(caret);
  const before = `${text.slice(0, from)}@${name}${rest.startsWith(" ") ? "" : " "}`;
  return { text: before + rest, caret: before.length + (rest.startsWith(" ") ? 1 : 0) };
}

/** Those whose name, or a word of it, begins so: first who is near, each once; without oneself. */
export function candidates(letters: string, near: Iterable<User>, found: Iterable<User>, me: string, most = 6): User[] {
  const wanted = letters.toLocaleLowerCase();
  const list = new Map<string, User>();
  for (const user of [...near, ...found]) {
    if (user.id === me || list.has(user.id)) continue;
    if (user.id.startsWith(wanted) || user.id.includes(` ${wanted}`)) list.set(user.id, { id: user.id, name: user.name });
  }
  return [...list.values()].slice(0, most);
}
