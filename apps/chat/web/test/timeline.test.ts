// What a room's list does with messages that come twice, late, or not at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { afterGaps, gap, merge, reuse, rows, type Message } from "../src/lib/timeline.ts";

const message = (seq: number, user = "anna", time = seq * 1000): Message => ({ id: `m${seq}`, room: "general", seq, user, name: user, text: `text ${seq}`, time });
const seqs = (list: readonly Message[]): number[] => list.map(({ seq }) => seq);
const me = { id: "me", name: "Me" };

test("a message that comes by the answer, the channel and history is there once", () => {
  const once = merge([], [message(1)]);
  assert.deepEqual(seqs(merge(merge(once, [message(1), message(2), message(2)]), [message(1)])), [1, 2]);
});

test("nothing new leaves the very same list, so that nothing is drawn again", () => {
  const list = merge([], [message(1), message(2)]);
  assert.equal(merge(list, [message(2)]), list);
});

test("order is the server's, whatever comes first", () => {
  assert.deepEqual(seqs(merge([message(5)], [message(4), message(6), message(3)])), [3, 4, 5, 6]);
});

test("a gap is seen, and closes when what was missing comes", () => {
  const holed = merge([], [message(1), message(2), message(5), message(9)]);
  assert.equal(gap(holed), 2);
  assert.equal(gap(merge(holed, [message(3), message(4)])), 5);
  assert.equal(gap(merge(holed, [3, 4, 6, 7, 8].map((seq) => message(seq)))), undefined);
  assert.equal(gap([]), undefined);
});

test("what cannot be filled is cut off on its older side", () => {
  assert.deepEqual(seqs(afterGaps([1, 2, 5, 6, 9, 10].map((seq) => message(seq)))), [9, 10]);
  assert.deepEqual(seqs(afterGaps([message(1), message(2)])), [1, 2]);
});

test("a waiting message stands last, and becomes the stored one in its place", () => {
  const waiting = { id: "m2", text: "text 2", time: 2000 };
  const before = rows([message(1)], [waiting], me, undefined);
  assert.deepEqual(before.map(({ id, pending }) => [id, pending !== undefined]), [["m1", false], ["m2", true]]);
  const after = rows([message(1), message(2, "me")], [waiting], me, undefined);
  assert.deepEqual(after.map(({ id, pending }) => [id, pending !== undefined]), [["m1", false], ["m2", false]]);
});

test("a run ends with another author, a pause of five minutes, or a day", () => {
  const minute = 60_000;
  const noon = new Date(2026, 0, 10, 12).getTime();
  const list = rows(
    [message(1, "anna", noon), message(2, "anna", noon + minute), message(3, "boris", noon + 2 * minute), message(4, "boris", noon + 8 * minute), message(5, "boris", noon + 24 * 60 * minute)],
    [],
    me,
    undefined,
  );
  assert.deepEqual(list.map(({ first }) => first), [true, false, true, true, true]);
  assert.deepEqual(list.map(({ last }) => last), [false, true, true, true, true]);
  assert.deepEqual(list.map(({ newDay }) => newDay), [true, false, false, false, true]);
});

test("the line is drawn once, above the first unread message of another", () => {
  const list = rows([message(1), message(2, "me"), message(3), message(4)], [], me, 1);
  assert.deepEqual(list.map(({ newLine }) => newLine), [false, false, true, false]);
  assert.ok(rows([message(1), message(2)], [], me, 2).every(({ newLine }) => !newLine));
});

test("only rows that look different are new objects", () => {
  const before = rows([message(1), message(2)], [], me, undefined);
  const known = new Map(before.map((row) => [row.id, row]));
  const messages = before.map((row) => row.message!);
  const after = reuse(rows([...messages, message(3)], [], me, undefined), known);
  // The second one is no longer the last of its run.
  assert.deepEqual(after.map((row, at) => row === before[at]), [true, false, false]);
});

test("a waiting row is drawn anew when it fails", () => {
  const waiting = { id: "w", text: "t", time: 1 };
  const before = rows<typeof waiting & { failed?: string }>([], [waiting], me, undefined);
  const known = new Map(before.map((row) => [row.id, row]));
  assert.equal(reuse(rows([], [{ ...waiting }], me, undefined), known)[0], before[0]);
  assert.notEqual(reuse(rows([], [{ ...waiting, failed: "no" }], me, undefined), known)[0], before[0]);
});
