// What is unread: the chat's word about a moment, and what was heard since.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RoomInfo } from "../src/lib/api.ts";
import { Rooms, type Notice, type Read } from "../src/lib/rooms.ts";

const room = (id: string, top: number, read: number, unread = top - read): RoomInfo => ({ id, title: id, top, read, unread });
const notice = (seq: number, user = "anna", id = "tea"): Notice => ({ room: id, seq, user, name: user, text: "text", time: seq });

/** The rooms of "me", whose marks wait for the test's answer. */
class Bench {
  marks: { room: string; seq: number; answer: (read: Read) => void; fail: () => void }[] = [];
  timers: (() => void)[] = [];
  reloads = 0;
  rooms: Rooms;

  constructor(list: RoomInfo[]) {
    this.rooms = new Rooms("me", {
      mark: (room, seq) => new Promise((answer, fail) => this.marks.push({ room, seq, answer, fail: () => fail(new Error("nobody answers")) })),
      reload: () => (this.reloads += 1),
      later: (_, act) => this.timers.push(act),
      kept: () => {},
    });
    this.rooms.load(list);
  }

  tell(): void {
    for (const act of this.timers.splice(0)) act();
  }

  get tea(): [number, number, number] {
    const { top, read, unread } = this.rooms.find("tea")!;
    return [top, read, unread];
  }
}

const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

test("what others write is unread, what oneself writes is not, in any window", () => {
  const bench = new Bench([room("tea", 10, 10)]);
  bench.rooms.hear(notice(11));
  bench.rooms.hear(notice(12, "me"));
  bench.rooms.hear(notice(13));
  assert.deepEqual(bench.tea, [13, 10, 2]);
  assert.equal(bench.rooms.unread, 2);
  assert.equal(bench.reloads, 0);
});

test("one's own message after all was read is read too", () => {
  const bench = new Bench([room("tea", 10, 10)]);
  bench.rooms.hear(notice(11, "me"));
  assert.deepEqual(bench.tea, [11, 11, 0]);
});

test("a notice that comes twice counts once, and one that was missed makes the list be asked for", () => {
  const bench = new Bench([room("tea", 10, 10)]);
  bench.rooms.hear(notice(11));
  bench.rooms.hear(notice(11));
  assert.deepEqual([bench.tea, bench.reloads], [[11, 10, 1], 0]);
  bench.rooms.hear(notice(15));
  assert.equal(bench.reloads, 1);
  bench.rooms.hear(notice(1, "anna", "unknown"));
  assert.equal(bench.reloads, 2);
});

test("reading moves the cursor at once and tells the chat once, with the last place", async () => {
  const bench = new Bench([room("tea", 10, 0)]);
  const messages = Array.from({ length: 10 }, (_, at) => ({ seq: at + 1, user: "anna" }));
  bench.rooms.read("tea", 3, messages);
  bench.rooms.read("tea", 7, messages);
  bench.rooms.read("tea", 5, messages);
  assert.deepEqual(bench.tea, [10, 7, 3]);
  assert.equal(bench.marks.length, 0);
  bench.tell();
  assert.deepEqual(bench.marks.map(({ room, seq }) => [room, seq]), [["tea", 7]]);
  bench.marks[0]!.answer({ room: "tea", seq: 7, unread: 3, top: 10 });
  await settled();
  assert.deepEqual(bench.tea, [10, 7, 3]);
});

test("an answer about an earlier moment does not hide what came since", async () => {
  const bench = new Bench([room("tea", 10, 5)]);
  bench.rooms.read("tea", 10, []);
  bench.tell();
  bench.rooms.hear(notice(11));
  bench.rooms.hear(notice(12, "me"));
  bench.marks[0]!.answer({ room: "tea", seq: 10, unread: 0, top: 10 });
  await settled();
  assert.deepEqual(bench.tea, [12, 10, 1]);
  // Nor does a list that was made before they came.
  bench.rooms.load([room("tea", 10, 10)]);
  assert.deepEqual(bench.tea, [12, 10, 1]);
});

test("another device reads, and two do not set each other back", () => {
  const bench = new Bench([room("tea", 10, 2)]);
  bench.rooms.told({ room: "tea", seq: 8, unread: 2, top: 10 });
  assert.deepEqual(bench.tea, [10, 8, 2]);
  bench.rooms.told({ room: "tea", seq: 4, unread: 6, top: 10 });
  assert.deepEqual(bench.tea, [10, 8, 2]);
});

test("a mark that was not heard is told again with the next list", async () => {
  const bench = new Bench([room("tea", 10, 0)]);
  bench.rooms.read("tea", 10, []);
  bench.tell();
  bench.marks.shift()!.fail();
  await settled();
  bench.rooms.load([room("tea", 10, 0)]);
  assert.deepEqual(bench.tea, [10, 10, 0]);
  assert.deepEqual(bench.marks.map(({ seq }) => seq), [10]);
});

test("a room that is gone is gone, and one that is new is nobody's debt", () => {
  const bench = new Bench([room("tea", 10, 2), room("milk", 1, 1)]);
  bench.rooms.forget("tea");
  assert.equal(bench.rooms.unread, 0);
  bench.rooms.know({ id: "rum", title: "Rum", top: 0 });
  bench.rooms.know({ id: "milk", title: "Other", top: 0 });
  assert.deepEqual(bench.rooms.list.map(({ id, title }) => [id, title]), [["rum", "Rum"], ["milk", "milk"]]);
});

test("the room of the latest message comes first", () => {
  const bench = new Bench([room("tea", 1, 1), room("milk", 1, 1)]);
  bench.rooms.hear(notice(2, "anna", "milk"));
  assert.deepEqual(bench.rooms.list.map(({ id }) => id), ["milk", "tea"]);
});

test("mentions of the user are counted until they are read, and a deleted message is unread no more", () => {
  const bench = new Bench([room("tea", 10, 10)]);
  bench.rooms.hear({ ...notice(11), mentions: ["me"] });
  bench.rooms.hear({ ...notice(12), mentions: ["anna"] });
  assert.equal(bench.rooms.find("tea")?.mentions, 1);
  const last = { user: "anna", name: "anna", text: "", time: 12, deleted: true };
  bench.rooms.amend({ room: "tea", seq: 12, deleted: true, last });
  assert.deepEqual(bench.rooms.find("tea")?.last, last);
  assert.equal(bench.reloads, 1);
  bench.rooms.amend({ room: "tea", seq: 11, deleted: false });
  assert.equal(bench.reloads, 1);
  bench.rooms.read("tea", 12, []);
  assert.equal(bench.rooms.find("tea")?.mentions, 0);
});

test("a room that is called otherwise keeps what is unread in it", () => {
  const bench = new Bench([room("tea", 12, 10)]);
  bench.rooms.rename({ id: "tea", title: "Green tea", topic: "Leaves", archived: true });
  const { title, topic, archived, unread } = bench.rooms.find("tea")!;
  assert.deepEqual([title, topic, archived, unread], ["Green tea", "Leaves", true, 2]);
});
