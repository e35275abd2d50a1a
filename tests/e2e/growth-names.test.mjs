// Names, keys and filters: what a server remembers of them is bounded by their number, not by their length, and goes
// with whoever brought them.

import { test } from 'node:test';
import { DIALECTS, messages, openDialect } from './dialects.mjs';
import { KiB, MiB, measured } from './growth.mjs';
import { token } from './tokens.mjs';
import { within } from './wait.mjs';

const times = (count, command) => Array.from({ length: count }, (_, n) => ({ id: n + 2, ...command(n) }));
const MANY = { client: { channel_limit: 10_000 } };

/** Clients that have had all these commands carried out, and stay. */
function load(t, it, dialect, commands, options = {}) {
  const { wire, inflated } = messages(dialect, commands, options);
  return async (clients) => {
    const raws = await Promise.all(Array.from({ length: clients }, (_, n) => openDialect(t, it.server, dialect, { ...options, token: options.token?.(n) })));
    await Promise.all(raws.map((raw) => carriedOut(raw, wire, dialect)));
    return { wire: clients * wire.length, inflated: clients * inflated, leave: async () => raws.forEach(({ socket }) => socket.resetAndDestroy()) };
  };
}

const MARK = 'the last of all';

/** Sends these frames, and waits until what is published behind them comes back. */
async function carriedOut(raw, wire, dialect) {
  raw.socket.removeAllListeners('data');
  let rest = '';
  const heard = new Promise((done) => {
    raw.socket.on('data', (bytes) => {
      rest = rest.slice(-1000) + bytes.toString('latin1');
      if (rest.includes(`"${MARK}"`)) done(true);
    });
  });
  const mark = [{ id: 1_000_000, subscribe: { channel: 'mark' } }, { id: 1_000_001, publish: { channel: 'mark', data: MARK } }];
  raw.write(wire, messages(dialect, mark, { perMessage: 1 }).wire);
  const isDone = await within(Promise.race([heard, raw.ended]), 'the end of a load', 30_000);
  if (isDone !== true) throw new Error(`the connection ended: ${rest}`);
}

const each = (name, run) => {
  for (const dialect of Object.keys(DIALECTS)) test(`${name} (${dialect})`, (t) => run(t, dialect));
};

each('subscriptions to channels with the longest names cost a bounded factor of these names', async (t, dialect) => {
  const it = await measured(t, MANY);
  const name = (n) => `${n}${'x'.repeat(249)}`;
  await it.bounded(load(t, it, dialect, times(500, (n) => ({ subscribe: { channel: name(n) } }))), { clients: 16, perInflatedByte: 8 });
});

each('names of which most are too long are not kept', async (t, dialect) => {
  const it = await measured(t, MANY);
  const name = (n) => `${n}${'x'.repeat(50_000)}`;
  const commands = times(120, (n) => (n % 2 ? { subscribe: { channel: name(n) } } : { publish: { channel: name(n), data: 1 } }));
  await it.bounded(load(t, it, dialect, commands), { clients: 6, perInflatedByte: 0.25 });
});

each('users with long names cost a bounded factor of these names', async (t, dialect) => {
  const it = await measured(t);
  const named = (n) => token({ sub: `${n}${'x'.repeat(30_000)}` });
  const wire = named(0).length;
  const loaded = load(t, it, dialect, times(20, (n) => ({ subscribe: { channel: `c${n}` } })), { token: named });
  await it.bounded(async (clients) => {
    const done = await loaded(clients);
    return { ...done, wire: done.wire + clients * wire, inflated: done.inflated + clients * wire };
  }, { clients: 60, perInflatedByte: 8, allowance: 64 * KiB });
});

test('keys of publications are not kept at their length', async (t) => {
  const it = await measured(t);
  let round = 0;
  const publish = (n) => ({ publish: { channel: 'c', data: 1, key: `${round}-${n}-${'k'.repeat(50_000)}` } });
  await it.bounded((clients) => (round++, load(t, it, 'plain', times(300, publish))(clients)), { clients: 3, perInflatedByte: 0.25 });
});

test('keys of the API are not kept at their length', async (t) => {
  const it = await measured(t);
  let last = 0;
  const calls = async (clients) => {
    const before = last;
    for (let n = 0; n < clients; n++) await it.server.api('publish', { channel: 'c', data: 1, idempotency_key: `${last++}-${'k'.repeat(50_000)}` });
    return { wire: (last - before) * 50_000, leave: async () => {} };
  };
  await it.bounded(calls, { clients: 600, perWireByte: 0.25, allowance: 2 * KiB });
});

const FILTERED = { channel: { without_namespace: { allow_subscribe_for_client: true, allow_publish_for_client: true, allow_tags_filter: true } }, ...MANY };

/** Filters that are as large as they can be, in a few bytes each. */
const FILTERS = {
  'a filter of many values': { key: 'k', cmp: 'in', vals: Array.from({ length: 6000 }, (_, n) => `${n}`) },
  'a filter of many parts': { op: 'and', nodes: Array.from({ length: 1000 }, () => ({ key: 'k', cmp: 'eq', val: 'v' })) },
  'a deep filter': Array.from({ length: 30 }).reduce((inner) => ({ op: 'not', nodes: [inner] }), { key: 'k', cmp: 'ex' }),
};

for (const [what, tf] of Object.entries(FILTERS)) {
  each(`${what} costs a bounded factor of what it says, and little of others' time`, async (t, dialect) => {
    const it = await measured(t, FILTERED);
    const subscribes = times(20, (n) => ({ subscribe: { channel: `c${n}`, tf } }));
    const publishes = times(200, (n) => ({ publish: { channel: `c${n % 20}`, data: 1 } }));
    await it.bounded(load(t, it, dialect, [...subscribes, ...publishes]), { clients: 6, perInflatedByte: 12 });
  });
}

test('names of events cost a bounded factor of what they say, and little of others\' time', async (t) => {
  const it = await measured(t, FILTERED);
  const events = Array.from({ length: 6000 }, (_, n) => `e${n}`);
  const subscribes = times(20, (n) => ({ subscribe: { channel: `c${n}`, events } }));
  const publishes = times(400, (n) => ({ publish: { channel: `c${n % 20}`, data: 1 } }));
  await it.bounded(load(t, it, 'plain', [...subscribes, ...publishes]), { clients: 6, perInflatedByte: 12 });
});
