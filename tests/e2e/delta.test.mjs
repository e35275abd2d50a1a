// Deltas and numbers in the place of names, as the official client reads them: what it shows is what was published.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { as, builds, connect, subscribe } from './client.mjs';
import { network } from './network.mjs';
import { openConfig, startServer } from './server.mjs';
import { event, hear } from './wait.mjs';

const wish = { delta: 'fossil', positioned: true, recoverable: true };
const config = (namespace = {}) =>
  openConfig({
    channel: {
      without_namespace: {
        allowed_delta_types: ['fossil'],
        delta_publish: true,
        force_recovery: true,
        force_positioning: true,
        allow_tags_filter: true,
        ...namespace,
      },
    },
  });

const state = (n) => ({
  n,
  score: `${n % 7}:${n % 5}`,
  where: 'площадь, где каждый слышит каждого & <никто> не лишний',
  people: ['Анна', 'Борис', 'Вера', 'Глеб'].map((name, at) => ({ name, points: (n * (at + 3)) % 11 })),
});
const states = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => state(from + i));

/** How many publications came as a delta, and how many whole. */
function kinds(sub) {
  const stats = sub.deltaStats();
  return { deltas: stats.numDeltaPayloads, whole: stats.numFullPayloads };
}

for (const build of builds) {
  test(`${build.name}: after a whole publication come deltas, and the client sees what was published`, async (t) => {
    const server = await startServer(t, config());
    const { client } = await connect(t, server, as('alice'), build);
    const { sub, publications } = await subscribe(client, 'news', wish, build);
    for (const data of states(1, 20)) await server.publish('news', data);
    assert.deepEqual(await publications.count(20), states(1, 20));
    assert.deepEqual(kinds(sub), { deltas: 19, whole: 1 });
  });

  test(`${build.name}: a newcomer gets one whole publication, and those who are there none`, async (t) => {
    const server = await startServer(t, config());
    const first = await connect(t, server, as('alice'), build);
    const second = await connect(t, server, as('bob'), build);
    const there = await subscribe(first.client, 'news', wish, build);
    for (const data of states(1, 5)) await server.publish('news', data);
    const newcomer = await subscribe(second.client, 'news', wish, build);
    for (const data of states(6, 10)) await server.publish('news', data);
    assert.deepEqual(await there.publications.count(10), states(1, 10));
    assert.deepEqual(await newcomer.publications.count(5), states(6, 10));
    assert.deepEqual(kinds(there.sub), { deltas: 9, whole: 1 });
    assert.deepEqual(kinds(newcomer.sub), { deltas: 4, whole: 1 });
  });

  test(`${build.name}: what was missed comes as a chain of deltas, and goes on live`, async (t) => {
    const server = await startServer(t, config());
    const net = await network(t, server);
    const url = `${net.ws}/connection/websocket`;
    const { client } = await connect(t, server, { ...as('alice'), url }, build);
    const { sub, publications } = await subscribe(client, 'news', wish, build);
    for (const data of states(1, 3)) await server.publish('news', data);
    await publications.count(3);
    for (const missed of [4, 0]) {
      const cut = event(client, 'connecting');
      net.cut();
      await cut;
      const count = publications.items.length;
      for (const data of states(count + 1, count + missed)) await server.publish('news', data);
      const again = event(sub, 'subscribed');
      net.mend();
      assert.equal((await again).recovered, true);
      for (const data of states(count + missed + 1, count + missed + 2)) await server.publish('news', data);
      await publications.count(count + missed + 2);
    }
    assert.deepEqual(publications.items, states(1, 11));
    // Whole came the first, the first that was missed, and the first after an outage in which nothing was missed.
    assert.deepEqual(kinds(sub), { deltas: 8, whole: 3 });
  });

  test(`${build.name}: what has no place in the stream, or a stream that was emptied, begins anew`, async (t) => {
    const server = await startServer(t, config());
    const { client } = await connect(t, server, as('alice'), build);
    const { sub, publications } = await subscribe(client, 'news', wish, build);
    await server.publish('news', state(1));
    await server.publish('news', state(2));
    await server.publish('news', state(3), { skip_history: true });
    await server.publish('news', state(4));
    await server.publish('news', state(5));
    await server.call('history_remove', { channel: 'news' });
    await server.publish('news', state(6));
    await server.publish('news', state(7));
    assert.deepEqual(await publications.count(7), states(1, 7));
    assert.deepEqual(kinds(sub), { deltas: 3, whole: 4 });
  });

  test(`${build.name}: a publisher may ask for a delta where the namespace does not`, async (t) => {
    const server = await startServer(t, config({ delta_publish: false }));
    const { client } = await connect(t, server, as('alice'), build);
    const { sub, publications } = await subscribe(client, 'news', wish, build);
    await server.publish('news', state(1));
    await server.publish('news', state(2));
    await server.publish('news', state(3), { delta: true });
    assert.deepEqual(await publications.count(3), states(1, 3));
    assert.deepEqual(kinds(sub), { deltas: 1, whole: 2 });
  });

  test(`${build.name}: who takes no deltas beside those who do gets data as they are`, async (t) => {
    const server = await startServer(t, config());
    const { client } = await connect(t, server, as('alice'), build);
    const other = await connect(t, server, as('bob'), build);
    const deltas = await subscribe(client, 'news', wish, build);
    const plain = await subscribe(other.client, 'news', {}, build);
    for (const data of states(1, 4)) await server.publish('news', data);
    assert.deepEqual(await deltas.publications.count(4), states(1, 4));
    assert.deepEqual(await plain.publications.count(4), states(1, 4));
    assert.deepEqual(kinds(plain.sub), { deltas: 0, whole: 0 });
  });

  test(`${build.name}: binary data reach a subscriber with deltas`, async (t) => {
    const server = await startServer(t, config());
    const { client } = await connect(t, server, as('alice'), build);
    const { publications } = await subscribe(client, 'news', wish, build);
    const bytes = (n) => Buffer.concat([Buffer.alloc(100, 0xfe), Buffer.from([n])]);
    for (const n of [1, 2, 3]) {
      await server.call('publish', { channel: 'news', b64data: bytes(n).toString('base64') });
    }
    await publications.count(3);
    const read = (item) => (Buffer.isBuffer(item) ? item : Buffer.from(item.base64, 'base64'));
    assert.deepEqual(publications.items.map(read), [1, 2, 3].map(bytes));
  });
}

// The Protobuf build compares numbers of channels as objects where the package `long` is there, and finds none.
for (const deltas of [false, true]) {
  const how = deltas ? 'with deltas' : 'without deltas';
  test(`JSON: a number stands for the channel's name, ${how}`, async (t) => {
    const server = await startServer(t, config({ allow_channel_compaction: true, force_push_join_leave: true }));
    const { client } = await connect(t, server, as('alice'));
    const names = ['news', 'sport', 'weather'];
    const subs = [];
    for (const name of names) subs.push(await subscribe(client, name, deltas ? wish : {}));
    const joins = hear(subs[1].sub, 'join', ({ info }) => info.user);
    const other = await connect(t, server, as('bob'));
    await subscribe(other.client, 'sport', {});
    await joins.first((user) => user === 'bob');
    for (const n of [1, 2, 3]) {
      for (const name of names) await server.publish(name, { name, ...state(n) });
    }
    for (const [at, name] of names.entries()) {
      const expected = states(1, 3).map((data) => ({ name, ...data }));
      assert.deepEqual(await subs[at].publications.count(3), expected);
    }
  });
}
