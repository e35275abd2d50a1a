// What happens in channels: publications, history, presence, and who may do what.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBare } from './bare.mjs';
import { as, builds, connect, json, makeClient, protobuf, refusal, subscribe } from './client.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { inSeconds, token } from './tokens.mjs';
import { event, hear } from './wait.mjs';

test('JSON and Protobuf clients meet in one channel and hear each other', async (t) => {
  const server = await startServer(t, openConfig());
  const people = await Promise.all(
    builds.map(async (build) => {
      const { client } = await connect(t, server, as(build.name), build);
      return { build, client, ...(await subscribe(client, 'news', {}, build)) };
    }),
  );
  for (const { build, client } of people) await client.publish('news', build.pack({ from: build.name }));
  for (const { publications } of people) {
    assert.deepEqual(await publications.count(2), [{ from: 'JSON' }, { from: 'Protobuf' }]);
  }
});

for (const build of builds) {
  test(`${build.name}: a publication carries its publisher, offset and data, and reaches the publisher too`, async (t) => {
    const server = await startServer(t, openConfig());
    const alice = await connect(t, server, as('alice', { info: { name: 'Alice' } }), build);
    const bob = await connect(t, server, as('bob'), build);
    const mine = await subscribe(alice.client, 'news', {}, build);
    const { sub } = await subscribe(bob.client, 'news', {}, build);
    const heard = hear(sub, 'publication');
    await mine.sub.publish(build.pack({ text: '<&> “ы” \\u0000' }));
    const [publication] = await heard.count(1);
    assert.deepEqual(build.unpack(publication.data), { text: '<&> “ы” \\u0000' });
    assert.equal(publication.offset, 1);
    assert.equal(publication.info.user, 'alice');
    assert.equal(publication.info.client, alice.connected.client);
    assert.deepEqual(build.unpack(publication.info.connInfo), { name: 'Alice' });
    assert.deepEqual(await mine.publications.count(1), [{ text: '<&> “ы” \\u0000' }]);
  });

  test(`${build.name}: history is read forwards, backwards, in pages and since a position`, async (t) => {
    const server = await startServer(t, openConfig());
    for (let n = 1; n <= 5; n++) await server.publish('log', n);
    const { client } = await connect(t, server, as('alice'), build);
    const read = async (options) => {
      const result = await client.history('log', options);
      return { ...result, numbers: result.publications.map((publication) => build.unpack(publication.data)) };
    };
    const all = await read({ limit: -1 });
    assert.deepEqual([all.numbers, all.offset], [[1, 2, 3, 4, 5], 5]);
    assert.ok(all.epoch);
    const since = { offset: 2, epoch: all.epoch };
    assert.deepEqual((await read({ limit: 2, since })).numbers, [3, 4]);
    assert.deepEqual((await read({ limit: 2, reverse: true })).numbers, [5, 4]);
    assert.deepEqual((await read({ limit: 10, reverse: true, since: { offset: 3, epoch: all.epoch } })).numbers, [2, 1]);
    assert.deepEqual((await read({ limit: 0 })).numbers, []);
    assert.equal((await refusal(client.history('log', { limit: 1, since: { offset: 1, epoch: 'other' } }))).code, 112);
  });

  test(`${build.name}: presence lists who is in the channel and its counts agree`, async (t) => {
    const server = await startServer(t, openConfig());
    const people = await Promise.all(['alice', 'bob', 'bob'].map((user) => connect(t, server, as(user, { info: { name: user } }), build)));
    const { sub } = await subscribe(people[0].client, 'room', { joinLeave: true }, build);
    const leaves = hear(sub, 'leave');
    for (const { client } of people.slice(1)) await subscribe(client, 'room', {}, build);
    const { clients } = await people[0].client.presence('room');
    assert.deepEqual(Object.keys(clients).sort(), people.map(({ connected }) => connected.client).sort());
    assert.deepEqual(build.unpack(clients[people[1].connected.client].connInfo), { name: 'bob' });
    const stats = await people[0].client.presenceStats('room');
    assert.deepEqual([stats.numClients, stats.numUsers], [3, 2]);
    people[1].client.disconnect();
    await leaves.count(1, 'the leave');
    const after = await people[0].client.presenceStats('room');
    assert.deepEqual([after.numClients, after.numUsers], [2, 2]);
  });

  test(`${build.name}: join and leave are told to those who ask for them`, async (t) => {
    const server = await startServer(t, openConfig());
    const alice = await connect(t, server, as('alice'), build);
    const bob = await connect(t, server, as('bob'), build);
    const { sub } = await subscribe(alice.client, 'room', { joinLeave: true }, build);
    const joins = hear(sub, 'join', (context) => context.info.user);
    const leaves = hear(sub, 'leave', (context) => context.info.user);
    const { sub: visit } = await subscribe(bob.client, 'room', {}, build);
    await joins.until((users) => users.includes('bob'), "bob's join");
    visit.unsubscribe();
    assert.deepEqual(await leaves.count(1), ['bob']);
    visit.subscribe();
    await joins.until((users) => users.filter((user) => user === 'bob').length === 2, "bob's second join");
    bob.client.disconnect();
    assert.deepEqual(await leaves.count(2), ['bob', 'bob']);
  });

  test(`${build.name}: after unsubscribe nothing more comes, and a new subscription hears again`, async (t) => {
    const server = await startServer(t, openConfig());
    const { client } = await connect(t, server, as('alice'), build);
    const { sub, publications } = await subscribe(client, 'news', {}, build);
    await server.publish('news', 'one');
    await publications.count(1);
    const over = event(sub, 'unsubscribed');
    sub.unsubscribe();
    assert.equal((await over).code, 0);
    // The answer to a later command proves that the server has done the unsubscribe.
    await client.history('news', { limit: 0 });
    await server.publish('news', 'two');
    const again = event(sub, 'subscribed');
    sub.subscribe();
    await again;
    await server.publish('news', 'three');
    await publications.until((items) => items.includes('three'), 'the third publication');
    assert.deepEqual(publications.items, ['one', 'three']);
  });

  test(`${build.name}: what a namespace does not allow is refused with 102, 103 or 108`, async (t) => {
    const server = await startServer(t, openConfig({ channel: { namespaces: [{ name: 'closed' }, { name: 'open', allow_subscribe_for_client: true }] } }));
    const { client } = await connect(t, server, as('alice'), build);
    const failed = async (channel) => {
      const sub = client.newSubscription(channel);
      sub.on('error', () => {});
      const over = event(sub, 'unsubscribed');
      sub.subscribe();
      return (await over).code;
    };
    assert.equal(await failed('unknown:news'), 102);
    assert.equal(await failed('closed:news'), 103);
    assert.equal(await failed('$news'), 103);
    assert.equal(await failed('x'.repeat(256)), 107);
    await subscribe(client, 'open:news', {}, build);
    assert.equal((await refusal(client.publish('open:news', build.pack(1)))).code, 103);
    assert.equal((await refusal(client.history('open:news', { limit: 1 }))).code, 108);
    assert.equal((await refusal(client.presence('open:news'))).code, 108);
    assert.equal((await refusal(client.presenceStats('open:news'))).code, 108);
    assert.equal((await refusal(client.publish('unknown:news', build.pack(1)))).code, 102);
  });

  test(`${build.name}: a private channel is opened by a subscription token for it and by no other`, async (t) => {
    const server = await startServer(t, openConfig());
    const { client } = await connect(t, server, as('alice'), build);
    const { publications } = await subscribe(client, '$plans', { token: token({ sub: 'alice', channel: '$plans' }) }, build);
    await server.publish('$plans', 'secret');
    assert.deepEqual(await publications.count(1), ['secret']);

    const forged = client.newSubscription('$forged', { token: token({ sub: 'alice', channel: '$forged' }, { secret: 'other' }) });
    forged.on('error', () => {});
    const over = event(forged, 'unsubscribed');
    forged.subscribe();
    assert.equal((await over).code, 103);

    const other = await connect(t, server, as('bob'), build);
    const disconnected = event(other.client, 'disconnected');
    other.client.newSubscription('$plans', { token: token({ sub: 'alice', channel: '$plans' }) }).subscribe();
    assert.equal((await disconnected).code, 3500);
  });

  test(`${build.name}: an expired subscription token is renewed through getToken`, async (t) => {
    const server = await startServer(t, openConfig());
    const { client } = await connect(t, server, as('alice'), build);
    const channels = [];
    const { publications } = await subscribe(
      client,
      '$plans',
      {
        token: token({ sub: 'alice', channel: '$plans', exp: inSeconds(-5) }),
        getToken: async ({ channel }) => {
          channels.push(channel);
          return token({ sub: 'alice', channel, exp: inSeconds(600) });
        },
      },
      build,
    );
    assert.deepEqual(channels, ['$plans']);
    await server.publish('$plans', 1);
    await publications.count(1);
  });

  test(`${build.name}: channels named in the token are subscribed by the server`, async (t) => {
    const server = await startServer(t, openConfig());
    const client = makeClient(t, server, as('alice', { channels: ['personal', 'news'] }), build);
    const subscribed = hear(client, 'subscribed', (context) => context.channel);
    const publications = hear(client, 'publication', (context) => [context.channel, build.unpack(context.data)]);
    client.connect();
    assert.deepEqual([...(await subscribed.count(2))].sort(), ['news', 'personal']);
    await server.publish('personal', 'for you');
    assert.deepEqual(await publications.count(1), [['personal', 'for you']]);
  });

  test(`${build.name}: a user-limited channel is open to its users only`, async (t) => {
    const server = await startServer(t, openConfig({ channel: { without_namespace: { allow_user_limited_channels: true } } }));
    const alice = await connect(t, server, as('alice'), build);
    await subscribe(alice.client, 'pair#alice,bob', {}, build);
    const carol = await connect(t, server, as('carol'), build);
    const sub = carol.client.newSubscription('pair#alice,bob');
    sub.on('error', () => {});
    const over = event(sub, 'unsubscribed');
    sub.subscribe();
    assert.equal((await over).code, 103);
  });
}

test('subscribing twice to a channel on one connection is refused with 105', async (t) => {
  const server = await startServer(t, openConfig({ client: { insecure: true } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  await bare.ask({ id: 1, connect: {} });
  assert.ok((await bare.ask({ id: 2, subscribe: { channel: 'news' } })).subscribe);
  assert.equal((await bare.ask({ id: 3, subscribe: { channel: 'news' } })).error.code, 105);
});

test('a client beyond its channel limit is refused with 106', async (t) => {
  const server = await startServer(t, openConfig({ client: { insecure: true, channel_limit: 2 } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  await bare.ask({ id: 1, connect: {} });
  for (const [id, channel] of [[2, 'a'], [3, 'b']]) assert.ok((await bare.ask({ id, subscribe: { channel } })).subscribe);
  assert.equal((await bare.ask({ id: 4, subscribe: { channel: 'c' } })).error.code, 106);
});

test('a namespace that is no stream is closed to everybody, and the others are served', { skip: !isVeche && 'the original serves it' }, async (t) => {
  const namespaces = [
    { name: 'score', subscription_type: 'map', map: { mode: 'ephemeral', key_ttl: '60s', allow_publish_for_client: true }, allow_subscribe_for_client: true },
    { name: 'news', allow_subscribe_for_client: true },
  ];
  const server = await startServer(t, openConfig({ client: { insecure: true }, channel: { namespaces } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  await bare.ask({ id: 1, connect: {} });
  const refused = [
    { subscribe: { channel: 'score:a' } },
    { subscribe: { channel: 'score:a', type: 1, phase: 2 } },
    { publish: { channel: 'score:a', data: 1 } },
    { publish: { channel: 'score:a', data: 1, type: 1, key: 'k' } },
    { presence: { channel: 'score:a' } },
    { history: { channel: 'score:a' } },
  ];
  for (const [at, command] of refused.entries()) {
    assert.equal((await bare.ask({ id: at + 2, ...command })).error?.code, 102, JSON.stringify(command));
  }
  assert.equal((await server.api('publish', { channel: 'score:a', data: 1 })).error?.code, 102);
  assert.ok((await bare.ask({ id: 99, subscribe: { channel: 'news:a' } })).subscribe);
});

test('JSON data is delivered byte for byte, without its newlines', async (t) => {
  const server = await startServer(t, openConfig({ client: { insecure: true } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  const texts = [];
  bare.socket.on('message', (bytes) => texts.push(bytes.toString()));
  await bare.ask({ id: 1, connect: {} });
  await bare.ask({ id: 2, subscribe: { channel: 'news' } });
  await server.post('/api/publish', '{"channel":"news","data":{ "a":1.50,\n "b" : "\\u0041", "a":2}}', { 'X-API-Key': 'e2e-api-key' });
  await bare.frames.first((frame) => frame.push?.pub, 'the publication');
  assert.ok(texts.some((text) => text.includes('"data":{ "a":1.50, "b" : "\\u0041", "a":2}')), texts.at(-1));
});

test('bytes of a Protobuf client reach Protobuf clients unchanged', async (t) => {
  const server = await startServer(t, openConfig());
  const { client } = await connect(t, server, as('alice'), protobuf);
  const { publications } = await subscribe(client, 'photos', {}, protobuf);
  const bytes = Buffer.from([0, 255, 254, 10, 13, 128, 1]);
  await client.publish('photos', bytes);
  assert.deepEqual(await publications.count(1), [bytes]);
});

test('bytes that are no JSON never throw JSON clients out of the channel', { skip: !isVeche && 'the original closes them with 3506' }, async (t) => {
  const server = await startServer(t, openConfig());
  const reader = await connect(t, server, as('alice'), json);
  const drops = hear(reader.client, 'connecting');
  const { publications } = await subscribe(reader.client, 'photos', {}, json);
  const writer = await connect(t, server, as('bob'), protobuf);
  const bytes = Buffer.from([0, 255, 254, 10, 13, 128, 1]);
  await writer.client.publish('photos', bytes);
  await writer.client.publish('photos', Buffer.from('"after"'));
  const [first, second] = await publications.count(2);
  assert.deepEqual([first.binary, Buffer.from(first.base64, 'base64')], [true, bytes]);
  assert.equal(second, 'after');
  assert.deepEqual(drops.items, []);
});
