// The piece of a room that is in the page: where it begins, how it grows, what happens when nobody answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, type HistoryPage } from "../src/lib/api.ts";
import { Room, type RoomEars } from "../src/lib/room.ts";
import type { Message } from "../src/lib/timeline.ts";

const message = (seq: number, user = "anna"): Message => ({ id: `m${seq}`, room: "tea", seq, user, name: user, text: "text", time: seq });
const range = (from: number, to: number): Message[] => Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => message(from + at));
const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

/** How many changed messages an answer holds. */
const CHANGES = 3;

/** A room of `top` messages, as the chat has it, and a page that looks at it. */
class Bench {
  top: number;
  isDown = false;
  asked: HistoryPage[] = [];
  timers: (() => void)[] = [];
  ears: RoomEars | undefined;
  goneRooms: string[] = [];
  kept: readonly Message[] = [];
  now = 1_000_000;
  exists = true;
  listens = 0;
  unread = 0;
  rev = 0;
  askedChanges: { since: number; after: number; to: number }[] = [];
  changedMessages: Message[] = [];
  room: Room;

  constructor(top: number, known: Message[] = []) {
    this.top = top;
    this.room = new Room(
      "tea",
      "me",
      {
        history: async (_, page) => ({ ...this.#history(page), rev: this.rev, ...(page.unread ? { read: this.top - this.unread, unread: this.unread } : {}) }),
        changes: async (_, part) => {
          this.askedChanges.push(part);
          if (this.isDown) throw new ApiError(0, "unreachable", "");
          const found = this.changedMessages.filter(({ seq }) => seq > part.after && seq <= part.to).slice(0, CHANGES);
          return { messages: found, rev: this.rev, limit: CHANGES };
        },
        listen: (_, ears) => {
          this.listens += 1;
          this.ears = ears;
          return { tellTyping: () => {}, close: () => (this.ears = undefined) };
        },
        arrived: () => {},
        kept: (_, messages) => (this.kept = messages),
        gone: (room) => this.goneRooms.push(room),
        now: () => this.now,
        later: (_, act) => this.timers.push(act),
      },
      known,
    );
  }

  #history(page: HistoryPage): { messages: Message[]; top: number } {
    this.asked.push(page);
    if (this.isDown) throw new ApiError(0, "unreachable", "");
    if (!this.exists) throw new ApiError(404, "no_such_room", "");
    const { before, after, around, limit } = page;
    let from = this.top - limit + 1;
    if (before !== undefined) from = before - limit;
    if (after !== undefined) from = after + 1;
    if (page.unread && this.unread > 0) from = this.top - this.unread - 5;
    if (around !== undefined) from = Math.min(around - limit / 2, this.top - limit + 1);
    const to = before !== undefined ? before - 1 : Math.max(0, from - 1) === 0 && from < 1 ? Math.min(this.top, limit) : from + limit - 1;
    return { messages: range(Math.max(1, from), Math.min(this.top, to)), top: this.top };
  }

  /** Where somebody stands in the room who has read up to this seq. */
  at(read: number): { read: number; unread: number; top: number } {
    return { read, unread: Math.max(0, this.top - read), top: this.top };
  }

  /** A new message comes by the channel. */
  async publish(seq: number, user = "anna"): Promise<void> {
    this.top = Math.max(this.top, seq);
    this.now += 1_000;
    this.ears?.message(message(seq, user));
    await settled();
  }

  async fire(): Promise<void> {
    for (const act of this.timers.splice(0)) act();
    await settled();
  }

  get seqs(): [number | undefined, number | undefined] {
    return [this.room.messages[0]?.seq, this.room.messages.at(-1)?.seq];
  }
}

test("a room with nothing unread opens at its end, and one with 9000 unread at the first of them", async () => {
  const read = new Bench(10_000);
  read.room.open(read.at(10_000));
  await settled();
  assert.deepEqual([read.seqs[1], read.room.look.at, read.room.atLatest], [10_000, "end", true]);

  const unread = new Bench(10_000);
  unread.room.open(unread.at(1_000));
  await settled();
  assert.equal(unread.asked.length, 1);
  assert.ok(unread.room.messages.some(({ seq }) => seq === 1_001));
  assert.deepEqual([unread.room.look.at, unread.room.readUpTo, unread.room.atLatest], ["line", 1_000, false]);
});

test("what comes while the end is not in the page is not mixed in, and is there after paging", async () => {
  const bench = new Bench(200);
  bench.room.open(bench.at(50));
  await settled();
  const last = bench.seqs[1]!;
  await bench.publish(201);
  assert.deepEqual([bench.seqs[1], bench.room.top], [last, 201]);
  while (!bench.room.atLatest) await bench.room.newer();
  assert.deepEqual(bench.room.messages.map(({ seq }) => seq), range(bench.seqs[0]!, 201).map(({ seq }) => seq));
});

test("a hole in what comes is filled, though 500 passed", async () => {
  const bench = new Bench(10);
  bench.room.open(bench.at(10));
  await settled();
  await bench.publish(511);
  await settled();
  assert.deepEqual(bench.seqs, [1, 511]);
  assert.equal(bench.room.messages.length, 511);
});

test("after a connection that could not recover it asks for what follows, and not for what it has", async () => {
  const bench = new Bench(10);
  bench.room.open(bench.at(10));
  await settled();
  bench.top = 14;
  bench.asked = [];
  bench.ears!.subscribed(false);
  await settled();
  assert.deepEqual([bench.seqs[1], bench.asked.map(({ after }) => after)], [14, [10]]);
  bench.asked = [];
  bench.ears!.subscribed(true);
  await settled();
  assert.deepEqual(bench.asked, []);
});

test("a writer who reads far above comes to the end, where the message is", async () => {
  const bench = new Bench(500);
  bench.room.open(bench.at(100));
  await settled();
  bench.room.wrote();
  await settled();
  assert.deepEqual([bench.room.look.at, bench.room.atLatest, bench.room.readUpTo], ["end", true, undefined]);
});

test("without a network it shows what is known from the last visit, and brings it up to date later", async () => {
  const bench = new Bench(12, range(3, 10));
  bench.isDown = true;
  // The list of rooms is as old as the messages.
  bench.room.open({ read: 10, unread: 0, top: 10 });
  await settled();
  assert.deepEqual([bench.room.loaded, bench.seqs], [true, [3, 10]]);
  bench.isDown = false;
  await bench.fire();
  assert.deepEqual(bench.seqs, [3, 12]);
  assert.equal(bench.kept.at(-1)?.seq, 12);
});

test("a room that is left and opened again is as it was, and up to date", async () => {
  const bench = new Bench(100);
  bench.room.open(bench.at(100));
  await settled();
  await bench.room.older();
  bench.room.close();
  bench.isDown = true;
  bench.room.open(bench.at(100));
  bench.top = 105;
  await settled();
  assert.equal(bench.room.messages.length > 60, true);
  bench.isDown = false;
  await bench.fire();
  assert.equal(bench.seqs[1], 105);
});

test("a chat that began anew, with another database, is shown as it is now", async () => {
  const bench = new Bench(3, range(90, 100));
  bench.room.open(bench.at(100));
  await settled();
  await settled();
  assert.deepEqual(bench.seqs, [1, 3]);
});

test("a room that does not exist is said to be gone and not asked for again", async () => {
  const bench = new Bench(0);
  bench.exists = false;
  bench.room.open(bench.at(0));
  await settled();
  assert.deepEqual([bench.goneRooms, bench.timers.length], [["tea"], 0]);
});

test("who comes back to old messages and many new ones is led to the line, and reads nothing on the way", async () => {
  const bench = new Bench(121, range(1, 1));
  bench.room.open({ read: 1, unread: 0, top: 1 });
  await settled();
  // Now the list comes, and says that even the first one was not read.
  bench.room.open(bench.at(0));
  await settled();
  assert.deepEqual([bench.room.look.at, bench.room.readUpTo, bench.room.moving], ["line", 0, false]);
});

test("while messages for another place are under way, nothing counts as read", async () => {
  const bench = new Bench(500);
  bench.room.open(bench.at(100));
  assert.equal(bench.room.moving, true);
  await settled();
  assert.equal(bench.room.moving, false);
});

test("an answer for a place that was left is not shown", async () => {
  const bench = new Bench(1_000);
  bench.room.open(bench.at(1_000));
  bench.room.show(10);
  await settled();
  assert.ok(bench.room.messages.some(({ seq }) => seq === 10));
  assert.equal(bench.room.look.at, 10);
});

test("a flood is drawn in portions, and none of it is lost", async () => {
  const bench = new Bench(0);
  bench.room.open(bench.at(0));
  await settled();
  for (const one of range(1, 50)) bench.ears!.message(one);
  assert.equal(bench.timers.length, 1);
  await bench.fire();
  assert.equal(bench.room.messages.length, 50);
});

test("what came in a flood begins with a line, which goes with the next message of one's own", async () => {
  const bench = new Bench(10);
  bench.room.open(bench.at(10));
  await settled();
  bench.room.unreadBegins(10);
  assert.equal(bench.room.readUpTo, 10);
  bench.room.wrote();
  assert.equal(bench.room.readUpTo, undefined);
});

test("who looks away having read all finds a line above what came, who had not keeps his", async () => {
  const bench = new Bench(10);
  bench.room.open(bench.at(10));
  await settled();
  bench.room.lookedAway(9);
  assert.equal(bench.room.readUpTo, undefined);
  bench.room.lookedAway(10);
  assert.equal(bench.room.readUpTo, 10);
});

const edited = (seq: number, rev: number, text: string): Message => ({ ...message(seq), rev, text });

test("a change replaces its message, in order of the changes, and what quotes it", async () => {
  const bench = new Bench(5);
  bench.room.open(bench.at(5));
  await settled();
  const answer: Message = { ...message(6), rev: 1, reply: { seq: 2, user: "anna", name: "anna", text: "text" } };
  bench.top = 6;
  bench.ears?.message(answer);
  bench.ears?.changed(edited(2, 3, "new"));
  bench.ears?.changed(edited(2, 2, "older"));
  const [two, six] = [bench.room.messages[1], bench.room.messages[5]];
  assert.deepEqual([two?.text, six?.reply?.text], ["new", "new"]);
  bench.ears?.changed({ ...edited(2, 4, ""), deleted: true });
  assert.deepEqual(bench.room.messages[5]?.reply, { seq: 2, user: "anna", name: "anna", text: "", deleted: true });
});

test("after a gap the page asks what has changed in what it has, since what it knew", async () => {
  const bench = new Bench(10);
  bench.rev = 7;
  bench.room.open(bench.at(10));
  await settled();
  bench.ears?.subscribed(true);
  assert.deepEqual(bench.askedChanges, []);
  bench.changedMessages = [edited(1, 8, "a"), edited(3, 9, "b"), edited(8, 10, "c"), edited(9, 11, "d")];
  bench.rev = 11;
  bench.isDown = true;
  bench.ears?.subscribed(false);
  await settled();
  bench.isDown = false;
  // A change that comes meanwhile does not hide those before it.
  bench.ears?.changed(edited(5, 12, "e"));
  await bench.fire();
  assert.deepEqual(bench.askedChanges.slice(1), [
    { since: 7, after: 0, to: 10 },
    { since: 7, after: 8, to: 10 },
  ]);
  assert.deepEqual(bench.room.messages.map(({ text }) => text), ["a", "text", "b", "text", "e", "text", "text", "c", "d", "text"]);
});

test("a page that was asked for before the channel was there is looked at again", async () => {
  const bench = new Bench(10);
  bench.room.open(bench.at(10));
  bench.ears?.subscribed(false);
  await settled();
  assert.deepEqual(bench.askedChanges, [{ since: 0, after: 0, to: 10 }]);
});

test("what is answered or changed is let go of when it is deleted or sent", async () => {
  const bench = new Bench(3);
  bench.room.open(bench.at(3));
  await settled();
  bench.room.compose({ kind: "reply", message: bench.room.messages[0]! });
  bench.ears?.changed({ ...edited(1, 1, ""), deleted: true });
  assert.equal(bench.room.composing.kind, "new");
  bench.room.compose({ kind: "reply", message: bench.room.messages[1]! });
  bench.room.wrote();
  assert.equal(bench.room.composing.kind, "new");
});

test("when the channels of a room are other ones, those are listened to, and what was missed is fetched", async () => {
  const bench = new Bench(5);
  bench.room.open(bench.at(5));
  await settled();
  bench.ears?.joined({ client: "1", user: "anna" });
  bench.room.rewire();
  assert.deepEqual([bench.listens, bench.room.clients.size], [2, 0]);
  bench.top = 6;
  bench.ears?.subscribed(false);
  await settled();
  assert.deepEqual(bench.seqs, [1, 6]);
  bench.room.close();
  bench.room.rewire();
  assert.equal(bench.listens, 2);
});

test("before it is known how the reader stands, one question brings what is unread, or the end", async () => {
  const bench = new Bench(500);
  bench.unread = 300;
  bench.room.open(undefined);
  await settled();
  assert.deepEqual(bench.asked, [{ unread: true, limit: 60 }]);
  assert.deepEqual([bench.room.look.at, bench.room.readUpTo, bench.seqs], ["line", 200, [195, 254]]);
  const other = new Bench(500, range(400, 450));
  other.room.open(undefined);
  assert.deepEqual(other.seqs, [400, 450]);
  await settled();
  assert.deepEqual([other.room.look.at, other.room.readUpTo, other.seqs, other.asked.length], ["end", undefined, [441, 500], 1]);
});
