// A room's messages as one piece without holes, whatever comes twice, late, or not at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Timeline, type Message } from "../src/lib/timeline.ts";

const message = (seq: number): Message => ({ id: `m${seq}`, room: "general", seq, user: "anna", name: "Anna", text: `text ${seq}`, time: seq * 1000 });
const messages = (...seqs: number[]): Message[] => seqs.map(message);

function timeline(seqs: number[], top = 0): Timeline {
  const made = new Timeline();
  made.show(messages(...seqs), top);
  return made;
}
const seqs = (of: Timeline): number[] => of.messages.map(({ seq }) => seq);

test("a message that comes by the answer, the channel and history is there once", () => {
  const piece = new Timeline();
  piece.take(messages(1));
  piece.take(messages(1, 2, 2));
  piece.take(messages(2, 1));
  assert.deepEqual(seqs(piece), [1, 2]);
});

test("nothing new leaves the very same list, so that nothing is drawn again", () => {
  const piece = timeline([1, 2]);
  const before = piece.messages;
  assert.equal(piece.take(messages(2, 1)), false);
  assert.equal(piece.messages, before);
});

test("order is the server's, whatever comes first", () => {
  const piece = timeline([5]);
  piece.take(messages(4, 6, 3));
  assert.deepEqual(seqs(piece), [3, 4, 5, 6]);
});

test("what does not join is not taken, but it is known that there is more", () => {
  const piece = timeline([1, 2]);
  assert.ok(piece.reachesEnd);
  piece.take(messages(5, 6));
  assert.deepEqual([seqs(piece), piece.top, piece.reachesEnd], [[1, 2], 6, false]);
  piece.take(messages(3, 4, 5, 6));
  assert.deepEqual([seqs(piece), piece.reachesEnd], [[1, 2, 3, 4, 5, 6], true]);
});

test("a piece in the middle grows on both sides by pages, and knows where the room begins and ends", () => {
  const piece = timeline([40, 41], 100);
  assert.deepEqual([piece.reachesBeginning, piece.reachesEnd], [false, false]);
  piece.take(Array.from({ length: 39 }, (_, at) => message(at + 1)));
  assert.ok(piece.reachesBeginning);
  piece.take(Array.from({ length: 59 }, (_, at) => message(at + 42)));
  assert.ok(piece.reachesEnd);
  assert.equal(piece.at(77)?.seq, 77);
  assert.deepEqual([piece.has(100), piece.has(101), piece.has(0)], [true, false, false]);
});

test("an empty room takes its first message, and no later one without it", () => {
  const empty = timeline([]);
  assert.deepEqual([empty.reachesBeginning, empty.reachesEnd], [true, true]);
  empty.take(messages(2));
  assert.deepEqual([seqs(empty), empty.top], [[], 2]);
  empty.take(messages(1, 2));
  assert.deepEqual(seqs(empty), [1, 2]);
});

test("what is let go of can be paged back", () => {
  const piece = timeline([1, 2, 3, 4, 5]);
  piece.trim(2, "older");
  assert.deepEqual([seqs(piece), piece.reachesBeginning], [[4, 5], false]);
  piece.take(messages(1, 2, 3));
  piece.trim(3, "newer");
  assert.deepEqual([seqs(piece), piece.reachesEnd], [[1, 2, 3], false]);
});
