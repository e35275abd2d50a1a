// What a room is called on the screen.
import type { RoomInfo } from "./api.ts";
import type { Words } from "./words.ts";

/** The room that every chat begins with has a name in each language, a conversation of two that of the other one; the others have the one they were given. */
export function titleOf({ id, title, with: other }: Pick<RoomInfo, "id" | "title" | "with">, words: Words): string {
  if (other) return other.name;
  return id === "general" ? words.general : title || id;
}
