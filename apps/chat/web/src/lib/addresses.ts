// Addresses of the page: each view has one, so that Back, Forward, links and bookmarks work.

export type Place =
  /** The list of rooms; on a wide screen the room that was open last. */
  | { view: "rooms" }
  /** A room, at its unread line or at a message. */
  | { view: "room"; room: string; seq?: number }
  /** An invitation into a private room. */
  | { view: "join"; token: string }
  /** An address that leads nowhere. */
  | { view: "nowhere" };

/** A room's id as the chat spells it. */
const ROOM = /^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/;

/** What an address shows. */
export function placeOf(path: string): Place {
  const [first, room, seq, ...rest] = path.split("/").slice(1);
  if (first === "" && room === undefined) return { view: "rooms" };
  if (first === "join" && room !== undefined && /^[0-9a-f]{32}$/.test(room) && seq === undefined) return { view: "join", token: room };
  if (first !== "room" || room === undefined || !ROOM.test(room) || rest.length > 0) return { view: "nowhere" };
  if (seq === undefined || seq === "") return { view: "room", room };
  return /^[1-9]\d{0,14}$/.test(seq) ? { view: "room", room, seq: Number(seq) } : { view: "nowhere" };
}

/** The address of a place. */
export function addressOf(place: Place): string {
  if (place.view === "join") return `/join/${place.token}`;
  if (place.view !== "room") return "/";
  return place.seq === undefined ? `/room/${place.room}` : `/room/${place.room}/${place.seq}`;
}
