// Subscribers who take a part: only what has the tags they ask for, live and after an outage.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBare } from './bare.mjs';
import { as, builds, connect, subscribe } from './client.mjs';
import { network } from './network.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { event } from './wait.mjs';

const config = (namespace = {}) =>
  openConfig({ channel: { without_namespace: { allow_tags_filter: true, force_recovery: true, force_positioning: true, ...namespace } } });

const dear = { op: 'and', nodes: [{ key: 'ticker', cmp: 'in', vals: ['AAPL', 'MSFT'] }, { op: 'not', nodes: [{ key: 'price', cmp: 'lt', val: '100' }] }] };
const QUOTES = [
  { ticker: 'AAPL', price: '150' },
  { ticker: 'GOOG', price: '150' },
  { ticker: 'MSFT', price: '99.5' },
  { ticker: 'MSFT', price: '100' },
];

async function publishAll(server, name) {
  for (const [n, tags] of QUOTES.entries()) await server.publish('stock', `${name} ${n}`, { tags });
  await server.publish('stock', `${name} without tags`);
}

for (const build of builds) {
  test(`${build.name}: a filter lets through what matches, and another subscriber hears all`, async (t) => {
    const server = await startServer(t, config());
    const some = await connect(t, server, as('alice'), build);
    const all = await connect(t, server, as('bob'), build);
    const { publications } = await subscribe(some.client, 'stock', { tagsFilter: dear }, build);
    const everything = await subscribe(all.client, 'stock', {}, build);
    await publishAll(server, 'live');
    await everything.publications.count(5);
    assert.deepEqual(await publications.count(2), ['live 0', 'live 3']);
  });

  test(`${build.name}: what was missed is filtered too, and what was filtered is no gap`, async (t) => {
    const server = await startServer(t, config());
    const net = await network(t, server);
    const { client } = await connect(t, server, { ...as('alice'), url: `${net.ws}/connection/websocket` }, build);
    const { sub, publications } = await subscribe(client, 'stock', { tagsFilter: dear, positioned: true, recoverable: true }, build);
    await publishAll(server, 'live');
    await publications.count(2);
    const cut = event(client, 'connecting');
    net.cut();
    await cut;
    await publishAll(server, 'missed');
    const again = event(sub, 'subscribed');
    net.mend();
    assert.equal((await again).recovered, true);
    await publishAll(server, 'again');
    await publications.count(6);
    assert.deepEqual(publications.items, ['live 0', 'live 3', 'missed 0', 'missed 3', 'again 0', 'again 3']);
  });

  test(`${build.name}: another filter holds from the next subscribe`, async (t) => {
    const server = await startServer(t, config());
    const { client } = await connect(t, server, as('alice'), build);
    const { sub, publications } = await subscribe(client, 'stock', { tagsFilter: dear }, build);
    sub.unsubscribe();
    sub.setTagsFilter({ key: 'ticker', cmp: 'sw', val: 'GO' });
    const again = event(sub, 'subscribed');
    sub.subscribe();
    await again;
    await publishAll(server, 'live');
    assert.deepEqual(await publications.count(1), ['live 1']);
  });

  test(`${build.name}: a filter is refused with 107 where it is wrong, or none is allowed`, async (t) => {
    const server = await startServer(t, config({}));
    const closed = await startServer(t, config({ allow_tags_filter: false }));
    for (const [where, tagsFilter] of [[server, { key: 'a', cmp: 'like', val: 'b' }], [server, { op: 'and', nodes: [] }], [closed, dear]]) {
      const { client } = await connect(t, where, as('alice'), build);
      const sub = client.newSubscription('stock', { tagsFilter });
      sub.on('error', () => {});
      const over = event(sub, 'unsubscribed');
      sub.subscribe();
      assert.equal((await over).code, 107, JSON.stringify(tagsFilter));
    }
  });
}

test('a filter and deltas go together: each delta fits what came before it', { skip: !isVeche && 'the original leaves the filter out' }, async (t) => {
  const server = await startServer(t, config({ allowed_delta_types: ['fossil'], delta_publish: true }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  await bare.ask({ id: 1, connect: as('alice') });
  const { subscribe: answer } = await bare.ask({ id: 2, subscribe: { channel: 'stock', delta: 'fossil', tf: { key: 'odd', cmp: 'eq', val: 'yes' } } });
  assert.equal(answer.delta, true);
  const text = (n) => `${'a long text that stays as it is '.repeat(9)} ${n}`;
  for (let n = 0; n < 6; n++) await server.publish('stock', text(n), { tags: { odd: n % 2 ? 'yes' : 'no' } });
  const pushes = (await bare.frames.until((frames) => frames.filter((frame) => frame.push?.pub).length === 3, 'three publications')).filter((frame) => frame.push?.pub);
  assert.deepEqual(pushes.map(({ push }) => [push.pub.offset, push.pub.delta ?? false]), [[2, false], [4, true], [6, true]]);
  assert.equal(JSON.parse(pushes[0].push.pub.data), text(1));
});
