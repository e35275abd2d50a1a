// Who is in a window, where it is, and what it keeps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Accounts, type Account } from "../src/lib/accounts.ts";
import { addressOf, placeOf } from "../src/lib/addresses.ts";
import type { RoomInfo } from "../src/lib/api.ts";
import { charsIn } from "../src/lib/chars.ts";
import { Memory, PREFIX } from "../src/lib/disk.ts";
import { Keep, KEEP_MESSAGES, KEEP_ROOMS } from "../src/lib/keep.ts";
import { heightOf, sliceAround, sliceAt } from "../src/lib/slice.ts";
import { distance, nearest } from "../src/lib/spelling.ts";
import type { Message } from "../src/lib/timeline.ts";

const account = (name: string, token = `token of ${name}`): Account => ({
  token,
  session: { user: { id: name.toLowerCase(), name }, session: "s", house: "h", socket: "/", limits: { name_chars: 1, title_chars: 1, text_chars: 1 } },
});

test("each window has its own account, and a new one asks", () => {
  const shared = new Memory();
  const [one, two] = [new Accounts(shared, new Memory()), new Accounts(shared, new Memory())];
  one.enter(account("Alice"));
  assert.equal(two.here === undefined, true);
  assert.deepEqual(two.all.map(({ session }) => session.user.name), ["Alice"]);
  two.enter(account("Bob"));
  assert.deepEqual([one.here?.session.user.name, two.here?.session.user.name], ["Alice", "Bob"]);
  // The window that is reloaded is a new one over the same disks.
  assert.equal(new Accounts(shared, one.window).here?.session.user.name, "Alice");
});

test("a session that ended in one window is ended in all, and not the one that came after it", () => {
  const shared = new Memory();
  const [one, two] = [new Accounts(shared, new Memory()), new Accounts(shared, new Memory())];
  one.enter(account("Alice"));
  two.enter(account("Alice"));
  two.forget(account("Alice"));
  assert.deepEqual([one.here, one.has("token of Alice")], [undefined, false]);
  one.enter(account("Alice", "new token"));
  one.forget(account("Alice"));
  assert.equal(one.here?.token, "new token");
});

test("a browser has one key, and keeps it", () => {
  const shared = new Memory();
  const { key } = new Accounts(shared, new Memory());
  assert.ok(key.length >= 32);
  assert.equal(new Accounts(shared, new Memory()).key, key);
  assert.notEqual(new Accounts(new Memory(), new Memory()).key, key);
});

test("a damaged list of accounts is an empty one", () => {
  const shared = new Memory();
  for (const text of ["", "{}", "[1]", '[{"token":"x"}]', "[{"]) {
    shared.setItem(`${PREFIX}accounts`, text);
    assert.deepEqual(new Accounts(shared, new Memory()).all, []);
  }
});

test("every place has an address, and every address a place", () => {
  for (const place of [{ view: "rooms" }, { view: "room", room: "tea-2" }, { view: "room", room: "tea", seq: 12 }] as const) {
    assert.deepEqual(placeOf(addressOf(place)), place);
  }
  for (const path of ["/nothing", "/room", "/room/", "/room/Tea", "/room/-a", "/room/a/0", "/room/a/x", "/room/a/1/2", "/room/a/9999999999999999", "/room/../x", "/room/a%20b"]) {
    assert.deepEqual(placeOf(path), { view: "nowhere" }, path);
  }
  assert.deepEqual(placeOf("/room/tea/"), { view: "room", room: "tea" });
});

const room = (id: string): RoomInfo => ({ id, title: id, top: 1, read: 1, unread: 0 });
const messages = (count: number, text = "text", from = 1): Message[] => Array.from({ length: count }, (_, at) => ({ id: `m${from + at}`, room: "tea", seq: from + at, user: "a", name: "A", text, time: 1 }));

test("rooms and their latest messages are kept for their reader", () => {
  const disk = new Memory();
  const keep = new Keep(disk, "anna", "house");
  keep.keepRooms([room("tea")]);
  keep.keepMessages("tea", messages(1_000), 1);
  const again = new Keep(disk, "anna", "house");
  assert.deepEqual(again.rooms.map(({ id }) => id), ["tea"]);
  assert.deepEqual([again.messages("tea").messages.length, again.messages("tea").messages.at(-1)?.seq], [KEEP_MESSAGES, 1_000]);
  assert.deepEqual(new Keep(disk, "boris", "house").messages("tea").messages, []);
});

test("what belongs to another database is void", () => {
  const disk = new Memory();
  const keep = new Keep(disk, "anna", "house");
  keep.keepRooms([room("tea")]);
  keep.keepMessages("tea", messages(3), 1);
  const other = new Keep(disk, "anna", "another");
  assert.deepEqual([other.rooms, other.messages("tea").messages], [[], []]);
});

test("the rooms used last are kept, and long messages are fewer", () => {
  const keep = new Keep(new Memory(), "anna", "house");
  for (let at = 0; at <= KEEP_ROOMS; at++) keep.keepMessages(`room-${at}`, messages(3), 1);
  assert.deepEqual([keep.messages("room-0").messages.length, keep.messages(`room-${KEEP_ROOMS}`).messages.length], [0, 3]);
  keep.keepMessages("long", messages(100, "x".repeat(4_000)), 1);
  assert.ok(keep.messages("long").messages.length < 20 && keep.messages("long").messages.at(-1)?.seq === 100);
  keep.forget("long");
  assert.deepEqual(keep.messages("long").messages, []);
});

test("a disk that is full keeps the room that is being read", () => {
  const disk = new Memory();
  const full = new Keep(
    {
      getItem: (key) => disk.getItem(key),
      removeItem: (key) => disk.removeItem(key),
      setItem: (key, value) => {
        const size = ["one", "two"].map((name) => disk.getItem(`${PREFIX}keep.anna.messages.${name}`)?.length ?? 0).reduce((a, b) => a + b);
        if (key.includes("messages") && size > 0) throw new Error("quota");
        disk.setItem(key, value);
      },
    },
    "anna",
    "house",
  );
  full.keepMessages("one", messages(2), 1);
  full.keepMessages("two", messages(2), 1);
  assert.deepEqual([full.messages("one").messages.length, full.messages("two").messages.length], [0, 2]);
});

test("what was kept with a hole in it is not shown", () => {
  const disk = new Memory();
  const keep = new Keep(disk, "anna", "house");
  disk.setItem(`${PREFIX}keep.anna.messages.tea`, JSON.stringify({ rev: 1, messages: [...messages(2), ...messages(2, "text", 9)] }));
  assert.deepEqual(keep.messages("tea").messages, []);
});

test("as many rows are drawn in a list of 10 000 as in one of 200", () => {
  const [few, many] = [200, 10_000].map((count) => sliceAt(Array.from({ length: count }, () => 40), count * 20, 600));
  assert.deepEqual([few!.end - few!.start, many!.end - many!.start], [45, 45]);
});

test("the drawn rows cover the screen at the beginning, in the middle and at the end", () => {
  const heights = Array.from({ length: 500 }, (_, at) => 30 + ((at * 7) % 90));
  const total = heightOf(heights, { start: 0, end: 500 });
  for (const top of [0, 1, 5_000, total - 700]) {
    const slice = sliceAt(heights, top, 700);
    assert.ok(heightOf(heights, { start: 0, end: slice.start }) <= top, `${top}`);
    assert.ok(heightOf(heights, { start: 0, end: slice.end }) >= Math.min(total, top + 700), `${top}`);
  }
  for (const at of [0, 7, 250, 499]) {
    const { start, end } = sliceAround(500, at);
    assert.ok(start <= at && at < end && end - start === 80, `${at}`);
  }
  assert.deepEqual(sliceAround(3, 1), { start: 0, end: 3 });
});

test("a slip of the finger finds the room that was meant", () => {
  const rooms = ["General", "Tea", "Вечер"].map((title) => ({ title }));
  const found = (typed: string): string[] => nearest(rooms, typed).map(({ title }) => title);
  assert.deepEqual(found("genral"), ["General"]);
  assert.deepEqual(found("genaerl"), ["General"]);
  assert.deepEqual(found("вчеер"), ["Вечер"]);
  assert.deepEqual(found("te"), []);
  assert.deepEqual(found("music"), []);
  assert.deepEqual([distance("ab", "ba", 2), distance("abc", "abc", 1), distance("a", "abcd", 1)], [1, 0, 2]);
});

test("a text is as long as the chat counts it", () => {
  assert.deepEqual(["", "a", "я", "茶", "👋", "👋🏽", "a👋b"].map(charsIn), [0, 1, 1, 1, 1, 2, 3]);
});
