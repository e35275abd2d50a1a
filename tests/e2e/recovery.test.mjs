// What a client gets that was away: everything it missed, once and in order, or the news that it did not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBare } from './bare.mjs';
import { as, builds, connect, makeClient, subscribe } from './client.mjs';
import { network } from './network.mjs';
import { openConfig, startServer } from './server.mjs';
import { event, hear } from './wait.mjs';

const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const recovering = { positioned: true, recoverable: true };
const recoveringConfig = (namespace = {}, more = {}) =>
  openConfig({ channel: { without_namespace: { force_recovery: true, force_positioning: true, ...namespace } }, ...more });

/** Subscribes through a network that can be cut; `cut` waits until the client has noticed. */
async function behindNetwork(t, server, channel, build, options = recovering) {
  const net = await network(t, server);
  const { client } = await connect(t, server, { ...as('alice'), url: `${net.ws}/connection/websocket` }, build);
  const live = await subscribe(client, channel, options, build);
  const drops = hear(client, 'connecting', ({ code, reason }) => `${code} ${reason}`);
  const resubscribing = hear(live.sub, 'subscribing', ({ code, reason }) => `${code} ${reason}`);
  let cuts = 0;
  return {
    ...live,
    client,
    /** Recovery would hide a connection that broke by itself: only what the test cut may have been lost. */
    lostOnlyWhatWasCut() {
      assert.equal(drops.items.length, cuts, `connections lost: ${drops.items.join(', ')}`);
      assert.equal(resubscribing.items.length, cuts, `subscriptions lost: ${resubscribing.items.join(', ')}`);
    },
    async cut() {
      cuts++;
      const noticed = event(client, 'connecting');
      net.cut();
      await noticed;
    },
    async mend() {
      const again = event(live.sub, 'subscribed');
      net.mend();
      return again;
    },
  };
}

for (const build of builds) {
  test(`${build.name}: what was published during an outage arrives once and in order`, async (t) => {
    const server = await startServer(t, recoveringConfig());
    const away = await behindNetwork(t, server, 'news', build);
    for (const n of numbers(1, 3)) await server.publish('news', n);
    await away.publications.count(3);
    await away.cut();
    for (const n of numbers(4, 10)) await server.publish('news', n);
    const subscribed = await away.mend();
    assert.equal(subscribed.wasRecovering, true);
    assert.equal(subscribed.recovered, true);
    await server.publish('news', 11);
    await away.publications.until((items) => items.includes(11), 'the live publication');
    assert.deepEqual(away.publications.items, numbers(1, 11));
    away.lostOnlyWhatWasCut();
  });

  test(`${build.name}: publications made while the client recovers are merged without loss or doubling`, async (t) => {
    const server = await startServer(t, recoveringConfig());
    const away = await behindNetwork(t, server, 'news', build);
    const total = 300;
    let sent = 0;
    const publisher = (async () => {
      while (sent < total) await server.publish('news', ++sent);
    })();
    for (const at of [50, 120, 190, 250]) {
      await away.publications.until((items) => items.length >= Math.min(at, total), `publication ${at}`);
      await away.cut();
      const subscribed = await away.mend();
      assert.equal(subscribed.recovered, true);
    }
    await publisher;
    await away.publications.until((items) => items.includes(total), 'the last publication');
    assert.deepEqual(away.publications.items, numbers(1, total));
    away.lostOnlyWhatWasCut();
  });

  test(`${build.name}: when the history no longer reaches back the client is told that it lost something`, async (t) => {
    const server = await startServer(t, recoveringConfig({ history_size: 3 }));
    const away = await behindNetwork(t, server, 'news', build);
    await server.publish('news', 0);
    await away.publications.count(1);
    await away.cut();
    for (const n of numbers(1, 5)) await server.publish('news', n);
    const subscribed = await away.mend();
    assert.deepEqual([subscribed.wasRecovering, subscribed.recovered], [true, false]);
    assert.equal(subscribed.streamPosition.offset, 6);
    await server.publish('news', 'live');
    await away.publications.until((items) => items.includes('live'), 'the live publication');
    assert.deepEqual(away.publications.items, [0, 'live']);
  });

  test(`${build.name}: removed history cannot be recovered, and the client is told`, async (t) => {
    const server = await startServer(t, recoveringConfig());
    const away = await behindNetwork(t, server, 'news', build);
    await server.publish('news', 1);
    await away.publications.count(1);
    await away.cut();
    await server.publish('news', 2);
    await server.call('history_remove', { channel: 'news' });
    assert.equal((await away.mend()).recovered, false);
  });

  test(`${build.name}: nothing was missed, so nothing comes twice`, async (t) => {
    const server = await startServer(t, recoveringConfig());
    const away = await behindNetwork(t, server, 'news', build);
    for (const n of numbers(1, 3)) await server.publish('news', n);
    await away.publications.count(3);
    for (let time = 0; time < 3; time++) {
      await away.cut();
      assert.equal((await away.mend()).recovered, true);
    }
    await server.publish('news', 4);
    await away.publications.count(4);
    assert.deepEqual(away.publications.items, numbers(1, 4));
    away.lostOnlyWhatWasCut();
  });

  test(`${build.name}: after the server was killed memory is new, and recovery says so`, async (t) => {
    const server = await startServer(t, recoveringConfig());
    const { client } = await connect(t, server, as('alice'), build);
    const { sub, publications } = await subscribe(client, 'news', recovering, build);
    await server.publish('news', 'before');
    await publications.count(1);
    const dropped = event(client, 'connecting');
    await server.kill('SIGKILL');
    await dropped;
    const again = event(sub, 'subscribed', () => true, 20_000);
    await server.start();
    const subscribed = await again;
    assert.deepEqual([subscribed.wasRecovering, subscribed.recovered], [true, false]);
    await server.publish('news', 'after');
    assert.deepEqual(await publications.count(2), ['before', 'after']);
  });

  test(`${build.name}: a cache brings the latest however much was missed, and nothing that was seen`, async (t) => {
    const server = await startServer(t, recoveringConfig({ history_size: 1, force_recovery_mode: 'cache' }));
    const away = await behindNetwork(t, server, 'state', build);
    await server.publish('state', 1);
    await away.publications.count(1);
    for (const missed of [[2, 3, 4], [5], []]) {
      await away.cut();
      for (const n of missed) await server.publish('state', n);
      const { wasRecovering, recovered } = await away.mend();
      assert.deepEqual([wasRecovering, recovered], [true, true]);
    }
    await server.publish('state', 6);
    await away.publications.count(4);
    assert.deepEqual(away.publications.items, [1, 4, 5, 6]);
    away.lostOnlyWhatWasCut();
  });

  test(`${build.name}: an application's state is asked for where the stream does not reach back, and only there`, async (t) => {
    const server = await startServer(t, recoveringConfig({ history_size: 2 }));
    const asked = [];
    const getState = async () => {
      const { offset, epoch } = await server.call('history', { channel: 'stock' });
      asked.push(offset);
      return { offset, epoch };
    };
    await server.publish('stock', 1);
    const away = await behindNetwork(t, server, 'stock', build, { getState });
    for (const numbersMissed of [numbers(2, 3), numbers(4, 6)]) {
      await away.cut();
      for (const n of numbersMissed) await server.publish('stock', n);
      await away.mend();
    }
    await server.publish('stock', 7);
    await away.publications.until((items) => items.includes(7), 'the live publication');
    assert.deepEqual([asked, away.publications.items], [[1, 6], [2, 3, 7]]);
  });

  test(`${build.name}: channels of the token recover as well`, async (t) => {
    const server = await startServer(t, recoveringConfig());
    const net = await network(t, server);
    const client = makeClient(t, server, { ...as('alice', { channels: ['personal'] }), url: `${net.ws}/connection/websocket` }, build);
    const heard = hear(client, 'publication', (context) => build.unpack(context.data));
    const subscribed = hear(client, 'subscribed');
    client.connect();
    await subscribed.count(1);
    await server.publish('personal', 1);
    await heard.count(1);
    const noticed = event(client, 'connecting');
    net.cut();
    await noticed;
    for (const n of numbers(2, 5)) await server.publish('personal', n);
    net.mend();
    const [, again] = await subscribed.count(2);
    assert.equal(again.recovered, true);
    await heard.count(5);
    assert.deepEqual(heard.items, numbers(1, 5));
  });

  test(`${build.name}: many subscribers with broken networks all end with the same story`, async (t) => {
    const server = await startServer(t, recoveringConfig());
    const people = await Promise.all(numbers(1, 5).map(() => behindNetwork(t, server, 'news', build)));
    const total = 200;
    const publisher = (async () => {
      for (const n of numbers(1, total)) await server.publish('news', n);
    })();
    await Promise.all(
      people.map(async (away, index) => {
        await away.publications.until((items) => items.length >= 10 + index * 30, 'the moment of the cut');
        await away.cut();
        assert.equal((await away.mend()).recovered, true);
      }),
    );
    await publisher;
    for (const away of people) {
      await away.publications.until((items) => items.includes(total), 'the last publication');
      assert.deepEqual(away.publications.items, numbers(1, total));
      away.lostOnlyWhatWasCut();
    }
  });
}

test('a recovered reply carries the offset the client came with and the publications after it', async (t) => {
  const server = await startServer(t, recoveringConfig({}, { client: { insecure: true } }));
  for (const n of numbers(1, 4)) await server.publish('news', n);
  const { epoch } = await server.call('history', { channel: 'news' });
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  await bare.ask({ id: 1, connect: {} });
  const { subscribe: result } = await bare.ask({ id: 2, subscribe: { channel: 'news', recover: true, offset: 1, epoch } });
  assert.equal(result.recovered, true);
  assert.equal(result.was_recovering, true);
  assert.equal(result.offset, 1);
  assert.deepEqual(result.publications.map((publication) => publication.offset), [2, 3, 4]);
});

test('a position of another epoch or from the future is not recovered', async (t) => {
  const server = await startServer(t, recoveringConfig({}, { client: { insecure: true } }));
  await server.publish('news', 1);
  const { epoch } = await server.call('history', { channel: 'news' });
  for (const position of [{ offset: 1, epoch: 'other' }, { offset: 9, epoch }]) {
    const bare = await openBare(t, `${server.ws}/connection/websocket`);
    await bare.ask({ id: 1, connect: {} });
    const { subscribe: result } = await bare.ask({ id: 2, subscribe: { channel: 'news', recover: true, ...position } });
    assert.equal(result.recovered ?? false, false);
    assert.equal(result.publications, undefined);
    assert.deepEqual([result.offset, result.epoch], [1, epoch]);
  }
});

test('300 missed publications recover and 301 do not', async (t) => {
  const server = await startServer(t, recoveringConfig({}, { client: { insecure: true } }));
  for (let n = 0; n < 301; n++) await server.publish('news', n);
  const { epoch } = await server.call('history', { channel: 'news' });
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  await bare.ask({ id: 1, connect: {} });
  const { subscribe: all } = await bare.ask({ id: 2, subscribe: { channel: 'news', recover: true, offset: 1, epoch } });
  assert.deepEqual([all.recovered, all.publications.length], [true, 300]);
  await bare.ask({ id: 3, unsubscribe: { channel: 'news' } });
  const { subscribe: none } = await bare.ask({ id: 4, subscribe: { channel: 'news', recover: true, offset: 0, epoch } });
  assert.deepEqual([none.recovered ?? false, none.publications], [false, undefined]);
});
