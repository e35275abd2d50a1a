// How a room's messages are grouped for the eye.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reuse, rows } from "../src/lib/rows.ts";
import type { Message } from "../src/lib/timeline.ts";

const message = (seq: number, user = "anna", time = seq * 1000): Message => ({ id: `m${seq}`, room: "general", seq, user, name: user, text: `text ${seq}`, time });
const me = { id: "me", name: "Me" };

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

test("a day ends at midnight, also where a clock went back over it", () => {
  const midnight = new Date(2026, 0, 11).getTime();
  const days = [midnight - 1, midnight, midnight + 1, midnight - 2].map((time, at) => message(at + 1, "anna", time));
  assert.deepEqual(rows(days, [], me, undefined).map(({ newDay }) => newDay), [true, true, false, true]);
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
