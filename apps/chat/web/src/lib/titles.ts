// What a room is called on the screen.
import type { Words } from "./words.ts";

/** The room that every chat begins with has a name in each language; the others have the one they were given. */
export function titleOf(id: string, title: string | undefined, words: Words): string {
  return id === "general" ? words.general : (title ?? id);
}
