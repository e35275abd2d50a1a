// Lists of connections, users and channels: in pages, filtered, and complete while clients come and go.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { as, builds, connect, protobuf, subscribe } from './client.mjs';
import { API_KEY, openConfig, startServer } from './server.mjs';
import { token } from './tokens.mjs';
import { event } from './wait.mjs';

const two = { node: { workers: 2 } };

/** All pages of a list: `{items, pages}`, where items are in order and an item that comes twice is an error. */
async function all(server, method, params = {}, between = () => {}) {
  const items = new Map();
  let pages = 0;
  let cursor = '';
  do {
    const page = await server.call(method, { ...params, cursor });
    for (const [key, value] of Object.entries(page[method])) {
      assert.ok(!items.has(key), `${key} comes twice`);
      items.set(key, value);
    }
    cursor = page.cursor ?? '';
    pages += 1;
    await between();
  } while (cursor);
  return { items, pages };
}

test('a connection is listed with its user, program, protocol, channels and where they come from', async (t) => {
  const server = await startServer(t, openConfig());
  const before = Date.now();
  const { client, connected } = await connect(t, server, { ...as('alice', { channels: ['from-token'] }), name: 'app', version: '2.1' });
  await subscribe(client, 'own');
  await subscribe(client, 'by-token', { token: token({ sub: 'alice', channel: 'by-token' }) });
  await server.call('subscribe', { user: 'alice', channel: 'by-api' });
  const anonymous = await connect(t, server, as(''), protobuf);
  const { connections } = await server.call('connections');
  assert.equal(Object.keys(connections).length, 2);
  const alice = connections[connected.client];
  assert.ok(alice.connected_at_ms >= before - 1 && alice.connected_at_ms <= Date.now() + 1);
  delete alice.connected_at_ms;
  assert.deepEqual(alice, {
    app_name: 'app',
    app_version: '2.1',
    transport: 'websocket',
    protocol: 'json',
    user: 'alice',
    state: {
      channels: { 'by-api': { source: 10 }, 'by-token': { source: 3 }, 'from-token': { source: 1 }, own: { source: 6 } },
    },
    ping_pong_latency_ms: -1,
  });
  const nobody = connections[anonymous.connected.client];
  assert.deepEqual([nobody.protocol, nobody.user, nobody.state], ['protobuf', undefined, undefined]);
});

test('the time from a ping to its pong is told', async (t) => {
  const server = await startServer(t, openConfig({ client: { ping_interval: '1s', pong_timeout: '500ms' } }));
  const { connected } = await connect(t, server, as('alice'));
  const deadline = Date.now() + 10_000;
  let latency = -1;
  while (latency < 0) {
    assert.ok(Date.now() < deadline, 'no pong is told');
    ({ ping_pong_latency_ms: latency } = (await server.call('connections')).connections[connected.client]);
  }
  assert.ok(latency < 500, `${latency}`);
});

for (const build of builds) {
  test(`${build.name}: what stays is in the lists once while others come and go`, async (t) => {
    const server = await startServer(t, openConfig(two));
    const stays = new Map();
    for (let number = 0; number < 20; number++) {
      const user = `user-${number % 15}`;
      const { client, connected } = await connect(t, server, as(user), build);
      await subscribe(client, `stay-${number}`, {}, build);
      stays.set(connected.client, user);
    }
    const passing = [];
    const churn = async () => {
      const { client } = await connect(t, server, as(`passing-${passing.length}`), build);
      await subscribe(client, `passing-${passing.length}`, {}, build);
      passing.push(client);
      if (passing.length % 3 === 0) {
        const gone = event(passing[0], 'disconnected');
        passing.shift().disconnect();
        await gone;
      }
    };
    const connections = await all(server, 'connections', { limit: 3 }, churn);
    for (const [client, user] of stays) assert.equal(connections.items.get(client)?.user, user);
    const users = await all(server, 'users', { limit: 3 }, churn);
    for (let number = 0; number < 15; number++) {
      assert.deepEqual(users.items.get(`user-${number}`), { num_clients: number < 5 ? 2 : 1 });
    }
    const channels = await all(server, 'channels', { limit: 3, pattern: 'stay-*' }, churn);
    assert.equal(channels.items.size, 20);
    assert.ok(channels.pages >= 7 && users.pages >= 5 && connections.pages >= 7);
    assert.deepEqual([...channels.items.keys()], [...channels.items.keys()].sort());
    assert.deepEqual((await server.call('channels', { pattern: 'stay-*' })).channels, Object.fromEntries(channels.items));
  });
}

test('connections are filtered by user, channel, pattern, protocol and time', async (t) => {
  const server = await startServer(t, openConfig(two));
  for (const [user, channel, build] of [
    ['anna', 'chat-1', builds[0]],
    ['anna', 'chat-2', builds[1]],
    ['bob', 'chat-2', builds[0]],
    ['eve', 'news', builds[0]],
  ]) {
    const { client } = await connect(t, server, as(user), build);
    await subscribe(client, channel, {}, build);
  }
  const now = Date.now() + 1;
  for (const [filter, count] of [
    [{}, 4],
    [{ user: 'anna' }, 2],
    [{ user: 'nobody' }, 0],
    [{ channel: 'chat-2' }, 2],
    [{ channel: 'chat-2', user: 'bob' }, 1],
    [{ pattern: 'chat-*' }, 3],
    [{ pattern: '{news,chat-1}' }, 2],
    [{ protocol: 'protobuf' }, 1],
    [{ transport: 'websocket' }, 4],
    [{ transport: 'sse' }, 0],
    [{ connected_after_ms: now }, 0],
    [{ connected_before_ms: now }, 4],
  ]) {
    const { items } = await all(server, 'connections', { ...filter, limit: 1 });
    assert.equal(items.size, count, JSON.stringify(filter));
  }
  assert.deepEqual([...(await all(server, 'users', { pattern: '*n*' })).items.keys()], ['anna']);
});

test('cursors that no list gave, and filters that are not known, are refused in words', async (t) => {
  const server = await startServer(t, openConfig());
  for (const user of ['a', 'b']) await connect(t, server, as(user));
  const cursors = {};
  for (const method of ['connections', 'users']) cursors[method] = (await server.call(method, { limit: 1 })).cursor;
  for (const [method, params, words] of [
    ['connections', { cursor: 'nonsense' }, /`cursor` is not one that this method gave/],
    ['connections', { cursor: cursors.users }, /`cursor`/],
    ['users', { cursor: cursors.connections }, /`cursor`/],
    ['channels', { cursor: cursors.users }, /`cursor`/],
    ['connections', { expression: 'true' }, /`expression` is not supported/],
    ['connections', { label_filter: { key: 'region' } }, /no labels/],
  ]) {
    const { error } = await server.api(method, params);
    assert.equal(error?.code, 107);
    assert.match(error.message, words);
  }
  assert.equal((await server.post('/api/connections', '{}')).status, 401);
  assert.equal((await server.post('/api/connections', '{"limit": -1}', { 'X-API-Key': API_KEY })).status, 400);
  await server.kill('SIGTERM');
  await server.start();
  const { error } = await server.api('connections', { cursor: cursors.connections });
  assert.match(error.message, /restarted/);
});
