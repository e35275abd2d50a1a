// Measures what a load costs a server: how much its memory grows while the load is there, whether that memory comes
// back, and what another client on the same worker notices.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { merge, openConfig, startServer } from './server.mjs';
import { processorTime } from './processor-time.mjs';
import { within } from './wait.mjs';

export const KiB = 1024;
export const MiB = 1024 * KiB;

/** What a server may need whatever it is sent: scratch buffers, compressors, pages that the allocator holds. */
const SLACK = 8 * MiB;
/** What may be left when the clients of a load have gone. */
const KEPT = 4 * MiB;
/** How much memory one received byte may take, where a test does not say less. Of compressed input both hold. */
const PER_WIRE_BYTE = 64;
const PER_INFLATED_BYTE = 8;
/** How long the server may work for others until another client is served, at most and usually, in a build that is not
 * optimized. It is time of the processor: how busy the machine is does not count. */
const SLOWEST_MS = 2000;
const MEDIAN_MS = 100;
/** How long memory may take to come back, and a round of clients to be digested. */
const PATIENCE_MS = 30_000;
/** Round trips of the other client without a new peak of memory after which a load counts as digested, and the share of
 * a processor that the server may use meanwhile. The other client alone takes a tenth of it. */
const CALM = 10;
const IDLE_SHARE = 0.5;

/** Memory that is freed goes back to the system at once, so that what is resident is what the server holds. */
export const ALLOCATOR = { MIMALLOC_PURGE_DELAY: '0' };

/** The channel in which nothing but the other client's round trips happens. */
const BYSTANDER = { name: 'bystander', allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true, allow_publish_for_client: true, allow_publish_for_anonymous: true };

const CONFIG = {
  node: { workers: 1 },
  plain: { enabled: true },
  websocket: { compression: true },
  client: { allow_anonymous_connect_without_token: true },
  channel: { namespaces: [BYSTANDER] },
};

/** A server of one worker and a client on it; `overrides` are merged into the configuration. */
export async function measured(t, overrides = {}) {
  const server = await startServer(t, openConfig(merge(CONFIG, overrides)), { env: ALLOCATOR });
  return watched(t, server, 'bystander:1');
}

/** The same for a server that runs already. */
export async function watched(t, server, channel) {
  const bystander = new Bystander({ url: `${server.ws}/connection/websocket`, pid: server.pid, channel });
  t.after(() => bystander.leave());
  await bystander.trips(1);
  return new Measured(server, bystander);
}

class Measured {
  constructor(server, bystander) {
    this.server = server;
    this.bystander = bystander;
  }

  /** Bytes in memory now. */
  resident() {
    return this.#status('VmRSS');
  }

  #status(field) {
    const status = readFileSync(`/proc/${this.server.pid}/status`, 'utf8');
    return Number(status.match(new RegExp(`${field}:\\s+(\\d+)`))[1]) * KiB;
  }

  /** From now on [`#peak`] is the most that was resident since (proc(5), clear_refs). */
  #forgetPeak() {
    writeFileSync(`/proc/${this.server.pid}/clear_refs`, '5');
  }

  #peak() {
    return this.#status('VmHWM');
  }

  /** Waits until memory has come back to `limit`. */
  async #comesBackTo(limit, what) {
    const deadline = performance.now() + PATIENCE_MS;
    while (this.resident() > limit) {
      assert.ok(performance.now() < deadline, `${what}: ${mib(this.resident())} stay, more than ${mib(limit)}`);
      await this.bystander.trips(5);
    }
  }

  /** Waits until the server works for the other client only, and the peak of memory does not rise any more. */
  async #calm() {
    const deadline = performance.now() + PATIENCE_MS;
    for (let isCalm = false; !isCalm && performance.now() < deadline; ) {
      const [peak, worked, begun] = [this.#peak(), processorTime(this.server.pid), performance.now()];
      await this.bystander.trips(CALM);
      const share = (processorTime(this.server.pid) - worked) / (performance.now() - begun);
      isCalm = share < IDLE_SHARE && this.#peak() === peak;
    }
  }

  /**
   * Asserts that memory and the other client's round trip stay bounded under a load, and that memory comes back.
   *
   * `load(clients)` lets so many clients send what they have, and resolves with `{wire, inflated, leave}`: the bytes
   * they sent, before and after inflating, and how they go. A quarter of them comes first, to warm the server up.
   * `allowance` is what each client may cost besides the bytes that it sent.
   */
  async bounded(load, { clients, allowance = 64 * KiB, perInflatedByte = PER_INFLATED_BYTE, perWireByte = PER_WIRE_BYTE, kept = KEPT }) {
    await this.#round(load, Math.ceil(clients / 4));
    await this.bystander.trips(CALM);
    const before = this.resident();
    this.#forgetPeak();
    const { wire, inflated, slowest, median } = await this.#round(load, clients);
    const growth = this.#peak() - before;
    const bound = SLACK + clients * allowance + Math.min(perWireByte * wire, perInflatedByte * inflated);
    const figures = `${clients} clients sent ${mib(wire)} (${mib(inflated)} inflated): memory grew by ${mib(growth)}, at most ${mib(bound)}; another client waited for ${slowest} ms of work, usually ${median} ms`;
    if (process.env.GROWTH_FIGURES) console.error(figures);
    assert.ok(growth <= bound, figures);
    assert.ok(slowest <= SLOWEST_MS && median <= MEDIAN_MS, figures);
    await this.#comesBackTo(before + kept, figures);
  }

  async #round(load, clients) {
    this.bystander.begin();
    const { wire, inflated = wire, leave } = await load(clients);
    await this.#calm();
    const times = this.bystander.times();
    await leave();
    return { wire, inflated, ...times };
  }

  /** Asserts that rounds of clients leave nothing: a kilobyte for each of them at most. The allocator has pages of 64 KiB
   * for each size, some more of which are in use after the first rounds than after one. */
  async leaksNothing(round, { clients, rounds = 6 }) {
    const after = async () => {
      await round(clients);
      await this.bystander.trips(CALM);
    };
    for (let n = 0; n < 4; n++) await after();
    const before = this.resident();
    for (let n = 0; n < rounds; n++) await after();
    await this.#comesBackTo(before + rounds * clients * KiB, `${rounds} rounds of ${clients} clients`);
  }
}

/** Another client of the server, and its round trips. */
class Bystander {
  #worker;
  #times = [];
  #heard = () => {};
  #failure;

  constructor(client) {
    this.#worker = new Worker(new URL('./growth-bystander.mjs', import.meta.url), { workerData: client });
    this.#worker.on('message', ({ ms, closed }) => {
      if (closed) this.#fail(new Error(`the other client was closed with ${closed}`));
      else this.#times.push(ms);
      this.#heard();
    });
    this.#worker.on('error', (error) => this.#fail(error));
  }

  #fail(error) {
    this.#failure ??= error;
    this.#heard();
  }

  begin() {
    this.#times = [];
  }

  /** Waits for so many round trips from now on. */
  trips(count) {
    const until = this.#times.length + count;
    const waiting = async () => {
      while (this.#times.length < until) {
        if (this.#failure) throw this.#failure;
        await new Promise((done) => (this.#heard = done));
      }
    };
    return within(waiting(), `${count} round trips of another client`, PATIENCE_MS);
  }

  /** The slowest and the median of all round trips since `begin`. */
  times() {
    const times = this.#times.toSorted((a, b) => a - b);
    return { slowest: times.at(-1) ?? 0, median: times[times.length >> 1] ?? 0 };
  }

  leave() {
    return this.#worker.terminate();
  }
}

const mib = (bytes) => `${(bytes / MiB).toFixed(1)} MiB`;
