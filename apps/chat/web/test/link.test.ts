// What the reader is told about the connection, above all when it is neither there nor gone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Link } from "../src/lib/link.ts";

const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

class Bench {
  calls: string[] = [];
  answer: ((answered: boolean) => void) | undefined;
  online = true;
  link = new Link(
    {
      connect: () => this.calls.push("connect"),
      disconnect: () => this.calls.push("disconnect"),
      ask: () => new Promise((done) => (this.answer = done)),
    },
    () => this.online,
  );

  get kind(): string {
    return this.link.state.kind;
  }
}

test("a link that is asked says so, and is connected again when it answers", async () => {
  const bench = new Bench();
  bench.link.connected();
  void bench.link.check();
  assert.equal(bench.kind, "checking");
  bench.answer!(true);
  await settled();
  assert.deepEqual([bench.kind, bench.calls], ["connected", []]);
});

test("a link that swallows everything is made anew", async () => {
  const bench = new Bench();
  bench.link.connected();
  void bench.link.check();
  bench.answer!(false);
  await settled();
  assert.deepEqual(bench.calls, ["disconnect", "connect"]);
});

test("it is asked once at a time, and not at all where it is known to be gone", async () => {
  const bench = new Bench();
  void bench.link.check();
  assert.equal(bench.answer === undefined, true);
  bench.link.connected();
  void bench.link.check();
  const first = bench.answer;
  void bench.link.check();
  assert.equal(bench.answer, first);
  // It breaks by itself before the answer: nothing is broken again.
  bench.link.connecting();
  (first as (answered: boolean) => void)(false);
  await settled();
  assert.deepEqual([bench.kind, bench.calls], ["connecting", []]);
});

test("without a network it says that, and not that it tries", () => {
  const bench = new Bench();
  bench.online = false;
  bench.link.connecting();
  assert.equal(bench.kind, "offline");
  bench.link.pauses(5);
  assert.equal(bench.kind, "offline");
  bench.link.network(true, false);
  assert.equal(bench.kind, "connecting");
  bench.link.pauses(5);
  assert.deepEqual(bench.link.state, { kind: "waiting", at: 5 });
  bench.link.disconnected("no");
  assert.deepEqual(bench.link.state, { kind: "ended", reason: "no" });
});
