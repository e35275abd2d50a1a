// A network that breaks in each way, and what the page sees of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DELAY, Network, type SocketLike, type Trouble } from "../src/lib/network.ts";

const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

// The events of a browser, as far as they are used.
class Closed extends Event {
  readonly code: number;
  constructor(type: string, { code }: { code: number }) {
    super(type);
    this.code = code;
  }
}
(globalThis as unknown as { CloseEvent: unknown }).CloseEvent ??= Closed;

class Inner {
  binaryType: BinaryType = "blob";
  readyState = 1;
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onerror: SocketLike["onerror"] = null;
  onclose: SocketLike["onclose"] = null;
  sent: unknown[] = [];
  isClosed = false;
  send(data: unknown): void {
    this.sent.push(data);
  }
  close(): void {
    this.isClosed = true;
  }
}

class Bench {
  time = 0;
  timers: { at: number; act: () => void }[] = [];
  inner: Inner[] = [];
  asked: string[] = [];
  chance = 1;
  heard: string[] = [];
  network = new Network({
    fetch: (input) => {
      this.asked.push(input);
      return Promise.resolve(new Response("fine"));
    },
    open: () => {
      const inner = new Inner();
      this.inner.push(inner);
      return inner;
    },
    later: (pause, act) => void this.timers.push({ at: this.time + pause, act }),
    now: () => this.time,
    chance: () => this.chance,
  });

  open(): SocketLike {
    const socket = this.network.open("ws://x");
    socket.onopen = () => this.heard.push("open");
    socket.onmessage = ({ data }) => this.heard.push(data as string);
    socket.onclose = ({ code }) => this.heard.push(`close ${code}`);
    return socket;
  }

  says(text: string): void {
    this.inner.at(-1)!.onmessage?.({ data: text } as MessageEvent);
  }

  /** Lets time pass, timer by timer. */
  async pass(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      await settled();
      const next = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers.splice(this.timers.indexOf(next), 1);
      this.time = next.at;
      next.act();
    }
    this.time = until;
  }
}

test("a whole network changes nothing", async () => {
  const bench = new Bench();
  const socket = bench.open();
  bench.inner[0]!.onopen?.(new Event("open"));
  socket.send("a");
  bench.says("b");
  assert.deepEqual([bench.heard, bench.inner[0]!.sent], [["open", "b"], ["a"]]);
  assert.equal(await (await bench.network.fetch("/x")).text(), "fine");
});

test("a cut ends connections and requests at once, and none can be made", async () => {
  const bench = new Bench();
  bench.open();
  let answer!: (response: Response) => void;
  bench.network.world.fetch = (_, { signal }) =>
    new Promise((done, failed) => {
      answer = done;
      signal!.addEventListener("abort", () => failed(new DOMException("", "AbortError")));
    });
  const underWay = bench.network.fetch("/x");
  await settled();
  bench.network.become("cut");
  await assert.rejects(underWay);
  answer(new Response("late"));
  assert.deepEqual([bench.heard, bench.inner[0]!.isClosed], [["close 1006"], true]);
  await assert.rejects(bench.network.fetch("/y"));
  bench.open();
  await bench.pass(1);
  assert.deepEqual([bench.heard, bench.inner.length], [["close 1006", "close 1006"], 1]);
});

test("a black hole tells nobody, and what it has swallowed ends when it does", async () => {
  const bench = new Bench();
  const quiet = bench.open();
  bench.open();
  bench.network.become("hole");
  bench.says("lost");
  const waiting = bench.network.fetch("/x");
  const opened = bench.open();
  await bench.pass(60_000);
  assert.deepEqual([bench.heard, bench.asked, opened.readyState, bench.inner.length], [[], [], 0, 2]);
  bench.network.become("none");
  await assert.rejects(waiting);
  assert.deepEqual([bench.heard, quiet.readyState], [["close 1006", "close 1006"], 1]);
});

test("a request that is given up in a black hole ends", async () => {
  const bench = new Bench();
  bench.network.become("hole");
  const given = new AbortController();
  const waiting = bench.network.fetch("/x", { signal: given.signal });
  given.abort();
  await assert.rejects(waiting);
});

test("a slow network keeps the order, also when it becomes quick again", async () => {
  const bench = new Bench();
  const socket = bench.open();
  bench.network.become("slow");
  socket.send("1");
  bench.says("a");
  await bench.pass(DELAY - 1);
  assert.deepEqual([bench.heard, bench.inner[0]!.sent], [[], []]);
  bench.network.become("none");
  socket.send("2");
  bench.says("b");
  await bench.pass(1);
  assert.deepEqual([bench.heard, bench.inner[0]!.sent], [["a", "b"], ["1", "2"]]);
});

test("a flaky network loses the answer of a request that was carried out", async () => {
  const bench = new Bench();
  bench.network.become("flaky");
  const chances = [0.9, 0.1];
  bench.network.world.chance = () => chances.shift()!;
  await assert.rejects(bench.network.fetch("/x"));
  assert.deepEqual(bench.asked, ["/x"]);
});

test("a flaky network breaks a connection at a message, which is lost", () => {
  const bench = new Bench();
  const socket = bench.open();
  bench.network.become("flaky");
  socket.send("1");
  bench.chance = 0;
  socket.send("2");
  assert.deepEqual([bench.heard, bench.inner[0]!.sent, socket.readyState], [["close 1006"], ["1"], 3]);
});

test("whatever breaks, a socket closes once and then says nothing", async () => {
  for (const trouble of ["cut", "hole", "slow", "flaky"] satisfies Trouble[]) {
    const bench = new Bench();
    const socket = bench.open();
    bench.network.become(trouble);
    socket.close();
    bench.inner[0]!.onclose?.(new Closed("close", { code: 1000 }) as unknown as CloseEvent);
    await bench.pass(10_000);
    bench.says("late");
    bench.network.become("none");
    assert.equal(bench.heard.length, 1, `${trouble}: ${bench.heard}`);
    assert.match(bench.heard[0]!, /^close/);
  }
});
