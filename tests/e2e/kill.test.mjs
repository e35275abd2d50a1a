// The server is killed at random moments while everybody publishes, again and again: what was confirmed is there, under
// its offset, and every client recovers.
//
// KILL_SECONDS says for how long (40 by default); KILL_SEED makes the moments of an earlier run.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { as, builds, connect } from './client.mjs';
import { openConfig, startServer } from './server.mjs';
import { hear } from './wait.mjs';

const SECONDS = Number(process.env.KILL_SECONDS ?? 40);
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);
const CHANNELS = ['chat:a', 'chat:b', 'orders:c'];
const PUBLISHERS = 8;
const KEPT = 1_000_000;

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const rules = (name, more = {}) => ({
  name,
  history_size: KEPT,
  history_ttl: '24h',
  force_recovery: true,
  force_positioning: true,
  allow_subscribe_for_client: true,
  ...more,
});

/** What is known of a channel: which publication has which offset. Nothing may ever say otherwise. */
class Ledger {
  offsets = new Map();
  confirmed = new Map();
  epoch;

  note(id, offset, epoch, who) {
    if (epoch) this.epoch ??= epoch;
    if (epoch) assert.equal(epoch, this.epoch, `${who}: another epoch`);
    const known = this.offsets.get(offset);
    assert.ok(known === undefined || known === id, `${who}: offset ${offset} is ${id}, and was ${known}`);
    this.offsets.set(offset, id);
  }
}

/** Publishes one after the other until told to stop; what fails is sent again under its key, or given up without one. */
async function publisher(server, number, ledgers, state) {
  const hasKeys = number % 2 === 0;
  for (let n = 0; !state.isOver; n++) {
    const channel = CHANNELS[n % CHANNELS.length];
    const id = `${number}-${n}`;
    const body = { channel, data: { id, text: 'x'.repeat((n * 37) % 300) }, ...(hasKeys && { idempotency_key: id }) };
    for (;;) {
      try {
        const { offset, epoch } = await server.call('publish', body);
        ledgers[channel].note(id, offset, epoch, 'the API');
        ledgers[channel].confirmed.set(id, offset);
        state.count++;
        break;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        if (state.isOver || !hasKeys) break;
        await pause(10);
      }
    }
  }
}

/** A client of every channel, which checks what it hears as it comes. */
async function listener(t, server, user, build, ledgers) {
  const { client } = await connect(t, server, { ...as(user), maxReconnectDelay: 100 }, build);
  const failures = [];
  const subscriptions = CHANNELS.map((channel) => {
    const sub = client.newSubscription(channel, { positioned: true, recoverable: true });
    const state = { sub, channel, last: undefined, subscribed: undefined };
    sub.on('publication', ({ offset, data }) => {
      try {
        const { id } = build.unpack(data);
        ledgers[channel].note(id, offset, undefined, user);
        if (state.last !== undefined) assert.equal(offset, state.last + 1, `${user}: ${channel} is not whole`);
        state.last = offset;
      } catch (error) {
        failures.push(error);
      }
    });
    state.subscribed = hear(sub, 'subscribed', ({ wasRecovering, recovered }) => ({ wasRecovering, recovered }));
    sub.subscribe();
    return state;
  });
  for (const { subscribed } of subscriptions) await subscribed.count(1);
  return { user, subscriptions, failures };
}

test(`killed at random moments for ${SECONDS} s, seed ${SEED}: nothing that was confirmed is lost, and everybody recovers`, { timeout: (SECONDS + 120) * 1000 }, async (t) => {
  const rand = random(SEED);
  const config = openConfig({
    engine: { type: 'disk', disk: { path: 'history', cache_size: 4 << 20 } },
    client: { recovery_max_publication_limit: KEPT, history_max_publication_limit: KEPT },
    channel: { namespaces: [rules('chat'), rules('orders', { history_durability: 'sync' })] },
  });
  const server = await startServer(t, config);
  const ledgers = Object.fromEntries(CHANNELS.map((channel) => [channel, new Ledger()]));
  const listeners = await Promise.all(
    Array.from({ length: 6 }, (_, i) => listener(t, server, `user-${i}`, builds[i % builds.length], ledgers)),
  );
  const state = { isOver: false, count: 0 };
  const publishers = Array.from({ length: PUBLISHERS }, (_, number) => publisher(server, number, ledgers, state));

  const end = Date.now() + SECONDS * 1000;
  let kills = 0;
  while (Date.now() < end) {
    await pause(200 + rand() * 1500);
    await server.kill('SIGKILL');
    kills++;
    await server.start();
    for (const { user, subscriptions, failures } of listeners) {
      for (const { subscribed, channel } of subscriptions) {
        const items = await subscribed.count(kills + 1);
        const { wasRecovering, recovered } = items[kills];
        assert.ok(wasRecovering && recovered, `${user} did not recover in ${channel} after kill ${kills}`);
      }
      if (failures.length) throw failures[0];
    }
  }
  state.isOver = true;
  await Promise.all(publishers);

  for (const channel of CHANNELS) {
    const { offsets, confirmed } = ledgers[channel];
    let since;
    let top = 0;
    for (;;) {
      const page = await server.call('history', { channel, limit: 1000, ...(since && { since }) });
      for (const { offset, data } of page.publications) {
        assert.equal(offset, top + 1, `history of ${channel} has a hole`);
        ledgers[channel].note(data.id, offset, page.epoch, 'history');
        top = offset;
      }
      if (page.publications.length < 1000) break;
      since = { offset: top, epoch: page.epoch };
    }
    for (const [id, offset] of confirmed) assert.ok(offset <= top && offsets.get(offset) === id, `${id} at ${offset} of ${channel} is lost`);
    assert.equal(new Set(offsets.values()).size, offsets.size, `something is twice in ${channel}`);
    for (const { subscriptions } of listeners) {
      const { last, sub } = subscriptions.find((it) => it.channel === channel);
      if (last !== top) await new Promise((done) => sub.on('publication', ({ offset }) => offset === top && done()));
    }
  }
  for (const { failures } of listeners) if (failures.length) throw failures[0];
  assert.ok(kills >= SECONDS / 6, `only ${kills} kills`);
  assert.ok(state.count > kills * 10, `only ${state.count} publications`);
  t.diagnostic(`${kills} kills, ${state.count} publications were confirmed`);
});
