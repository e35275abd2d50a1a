// Counting what became of messages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Tally } from "../src/lib/tally.ts";
import type { Message } from "../src/lib/timeline.ts";

const message = (seq: number, user: string, id = `${seq}`): Message => ({ id, seq, user, room: "r", name: user, text: "", time: 0, rev: 0 }) as Message;

test("own messages and those of others are counted from the start on, also when they leave the page", () => {
  const tally = new Tally("r", 10, "anna");
  tally.see([message(9, "anna"), message(10, "boris"), message(11, "anna"), message(12, "boris")]);
  tally.see([message(13, "boris")]);
  assert.deepEqual([tally.own, tally.others, tally.lost(1, 0), tally.doubled], [1, 2, 0, 0]);
});

test("a hole in the numbers is lost, and so is what was written, waits no longer, and is not there", () => {
  const tally = new Tally("r", 0, "anna");
  tally.see([message(1, "anna"), message(3, "boris")]);
  assert.equal(tally.lost(1, 0), 1);
  assert.equal(tally.lost(3, 1), 2);
  tally.see([message(2, "anna")]);
  assert.equal(tally.lost(3, 1), 0);
});

test("a message that stands on the page twice is doubled", () => {
  const tally = new Tally("r", 0, "anna");
  tally.see([message(1, "boris", "a"), message(2, "boris", "a")]);
  assert.equal(tally.doubled, 1);
});
