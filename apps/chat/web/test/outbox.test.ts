// Messages on their way: kept, sent in order, sent again, never doubled.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox, OUTBOX_LIMIT, SendError, type Entry } from "../src/lib/outbox.ts";
import type { Message } from "../src/lib/timeline.ts";

const entry = (id: string): Entry => ({ id, room: "general", text: `text of ${id}`, time: 1 });
const stored = ({ id, room, text }: Entry): Message => ({ id, room, seq: 1, user: "me", name: "Me", text, time: 1 });

/** A world in which every send waits for the test's word and no pause ever ends by itself. */
class Bench {
  disk = new Map<string, string>();
  sends: { entry: Entry; givenUp: AbortSignal; answer: (message: Message) => void; fail: (error: Error) => void }[] = [];
  arrived: string[] = [];
  pauses: { pause: number; act: () => void }[] = [];

  outbox(user = "me"): Outbox {
    return new Outbox(user, {
      disk: { getItem: (key) => this.disk.get(key) ?? null, setItem: (key, value) => void this.disk.set(key, value), removeItem: (key) => void this.disk.delete(key) },
      send: (entry, givenUp) => new Promise((answer, fail) => this.sends.push({ entry, givenUp, answer, fail })),
      stored: (message) => this.arrived.push(message.id),
      changed: () => {},
      later: (pause, act) => {
        const timer = { pause, act };
        this.pauses.push(timer);
        return () => void this.pauses.splice(this.pauses.indexOf(timer), 1);
      },
    });
  }

  async answer(): Promise<void> {
    const { entry, answer } = this.sends.shift()!;
    answer(stored(entry));
    await settled();
  }

  async fail(error: Error): Promise<void> {
    this.sends.shift()!.fail(error);
    await settled();
  }
}

const settled = (): Promise<void> => new Promise((done) => setImmediate(done));
const ids = (outbox: Outbox): string[] => outbox.entries.map(({ id }) => id);

test("messages leave one after another, in the order they were written", async () => {
  const bench = new Bench();
  const outbox = bench.outbox();
  for (const id of ["a", "b", "c"]) outbox.add(entry(id));
  assert.deepEqual(bench.sends.map(({ entry }) => entry.id), ["a"]);
  assert.equal(outbox.sending, "a");
  await bench.answer();
  await bench.answer();
  await bench.answer();
  assert.deepEqual(bench.arrived, ["a", "b", "c"]);
  assert.deepEqual(ids(outbox), []);
});

test("a reload in the middle of a send keeps the message and sends it under the same id", async () => {
  const bench = new Bench();
  bench.outbox().add(entry("a"));
  bench.sends = [];
  const again = bench.outbox();
  assert.deepEqual(ids(again), ["a"]);
  again.poke();
  assert.deepEqual(bench.sends.map(({ entry }) => entry.id), ["a"]);
});

test("what one user wrote is never sent by another", () => {
  const bench = new Bench();
  bench.outbox("anna").add(entry("a"));
  assert.deepEqual(ids(bench.outbox("boris")), []);
});

test("without an answer it tries again, later each time, and nothing overtakes", async () => {
  const bench = new Bench();
  const outbox = bench.outbox();
  outbox.add(entry("a"));
  outbox.add(entry("b"));
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    await bench.fail(new SendError("nobody answers", false));
    const { pause, act } = bench.pauses.shift()!;
    pauses.push(pause);
    act();
    assert.deepEqual(bench.sends.map(({ entry }) => entry.id), ["a"]);
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 10000]);
});

test("when the network is back it does not wait out the pause", async () => {
  const bench = new Bench();
  const outbox = bench.outbox();
  outbox.add(entry("a"));
  await bench.fail(new SendError("nobody answers", false));
  assert.equal(bench.sends.length, 0);
  outbox.poke();
  assert.equal(bench.sends.length, 1);
  assert.equal(bench.pauses.length, 0);
});

test("over a new connection a message that hangs is sent again at once, under the same id", async () => {
  const bench = new Bench();
  const outbox = bench.outbox();
  outbox.add(entry("a"));
  outbox.restart();
  const hanging = bench.sends[0]!;
  assert.ok(hanging.givenUp.aborted);
  await bench.fail(new SendError("aborted", false));
  assert.deepEqual(bench.sends.map(({ entry }) => entry.id), ["a"]);
  assert.equal(bench.pauses.length, 0);
  await bench.answer();
  assert.deepEqual([bench.arrived, ids(outbox)], [["a"], []]);
});

test("who is asked to write slower waits as long as he is asked, and is told", async () => {
  const bench = new Bench();
  const outbox = bench.outbox();
  outbox.add(entry("a"));
  await bench.fail(new SendError("slow_down", false, 3_000));
  assert.deepEqual([bench.pauses.map(({ pause }) => pause), outbox.slowed], [[3_000], true]);
  bench.pauses.shift()!.act();
  await bench.answer();
  assert.equal(outbox.slowed, false);
});

test("a refused message stays, with the reason, and lets the next one pass", async () => {
  const bench = new Bench();
  const outbox = bench.outbox();
  outbox.add(entry("a"));
  outbox.add(entry("b"));
  await bench.fail(new SendError("too long", true));
  assert.deepEqual(outbox.entries.map(({ id, failed }) => [id, failed]), [["a", "too long"], ["b", undefined]]);
  await bench.answer();
  assert.deepEqual(ids(outbox), ["a"]);
  outbox.retry("a");
  await bench.answer();
  assert.deepEqual(bench.arrived, ["b", "a"]);
});

test("a message seen in the channel before its answer leaves the outbox once", async () => {
  const bench = new Bench();
  const outbox = bench.outbox();
  outbox.add(entry("a"));
  outbox.drop(["a", "x"]);
  assert.deepEqual(ids(outbox), []);
  await bench.answer();
  assert.deepEqual(ids(outbox), []);
  assert.equal(bench.sends.length, 0);
});

test("what another tab wrote is seen, and kept", () => {
  const bench = new Bench();
  const [one, two] = [bench.outbox(), bench.outbox()];
  one.add(entry("a"));
  two.add(entry("b"));
  one.reload();
  assert.deepEqual(ids(one), ["a", "b"]);
});

test("a damaged disk is an empty outbox, and a full one refuses", () => {
  const bench = new Bench();
  bench.disk.set("veche.chat.outbox.me", '[{"id":1},{"id":"a","room":"r","text":"t","time":1},"x"');
  assert.deepEqual(ids(bench.outbox()), []);
  bench.disk.set("veche.chat.outbox.me", '[{"id":1},{"id":"a","room":"r","text":"t","time":1},"x",null]');
  const outbox = bench.outbox();
  assert.deepEqual(ids(outbox), ["a"]);
  for (let count = 1; count < OUTBOX_LIMIT; count++) assert.ok(outbox.add(entry(`m${count}`)));
  assert.equal(outbox.add(entry("over")), false);
});
