// The server API that backends call, and what operators read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBare } from './bare.mjs';
import { as, builds, connect, refusal, subscribe } from './client.mjs';
import { API_KEY, isVeche, openConfig, startServer } from './server.mjs';
import { event, hear } from './wait.mjs';

test('the API answers 401 without its key and takes the key in any of three places', async (t) => {
  const server = await startServer(t, openConfig());
  const body = JSON.stringify({ channel: 'news', data: 1 });
  for (const headers of [{}, { 'X-API-Key': 'wrong' }, { Authorization: 'apikey wrong' }]) {
    const { status, text } = await server.post('/api/publish', body, headers);
    assert.equal(status, 401);
    if (isVeche) assert.equal(JSON.parse(text).error.code, 101);
  }
  assert.equal((await server.post('/api/publish', body, { 'X-API-Key': API_KEY })).status, 200);
  assert.equal((await server.post('/api/publish', body, { Authorization: `apikey ${API_KEY}` })).status, 200);
  assert.equal((await server.post(`/api/publish?api_key=${API_KEY}`, body)).status, 200);
});

test('an empty key in the configuration closes the API', async (t) => {
  const server = await startServer(t, openConfig({ http_api: { key: '' } }));
  assert.equal((await server.post('/api/info', '{}', { 'X-API-Key': '' })).status, 401);
});

test('bad requests to the API are told apart', async (t) => {
  const server = await startServer(t, openConfig({ channel: { namespaces: [{ name: 'plain' }] } }));
  const headers = { 'X-API-Key': API_KEY };
  assert.equal((await server.post('/api/publish', 'not json', headers)).status, 400);
  assert.equal((await server.post('/api/publish', '', headers)).status, 400);
  const nonsense = await server.post('/api/nonsense', '{}', headers);
  assert.equal(nonsense.status, 404);
  if (isVeche) assert.deepEqual(JSON.parse(nonsense.text), { error: { code: 104, message: 'not found' } });
  assert.equal((await server.get('/api/publish', headers)).status, 405);
  const codes = async (method, body) => (await server.api(method, body)).error?.code;
  assert.equal(await codes('publish', { channel: '', data: 1 }), 107);
  assert.equal(await codes('publish', { channel: 'news' }), 107);
  assert.equal(await codes('publish', { channel: 'unknown:news', data: 1 }), 102);
  assert.equal(await codes('history', { channel: 'plain:news' }), 108);
  assert.equal(await codes('presence', { channel: 'plain:news' }), 108);
  assert.equal(await codes('presence_stats', { channel: 'plain:news' }), 108);
  const transport = await server.post('/api/history', JSON.stringify({ channel: 'plain:news' }), { ...headers, 'X-Centrifugo-Error-Mode': 'transport' });
  assert.deepEqual([transport.status, JSON.parse(transport.text).code], [400, 108]);
});

test('a call that is to reach others than it can name is refused, and reaches nobody', { skip: !isVeche && 'filters of the commercial edition' }, async (t) => {
  const server = await startServer(t, openConfig());
  const { client } = await connect(t, server, as('alice'), builds[0]);
  await subscribe(client, 'news', {}, builds[0]);
  const ends = hear(client, 'disconnected');
  const filters = [['label_filter', { key: 'device', cmp: 'eq', val: 'tv' }], ['all_users', true]];
  for (const [field, value] of filters) {
    for (const method of ['subscribe', 'unsubscribe', 'disconnect', 'refresh']) {
      const params = { user: 'alice', channel: 'news', [field]: value };
      const alone = await server.api(method, params);
      const batch = await server.api('batch', { commands: [{ [method]: params }, { presence_stats: { channel: 'news' } }] });
      for (const { error } of [alone, batch.replies[0]]) {
        assert.equal(error.code, 107);
        assert.match(error.message, new RegExp(`\`${field}\` is not supported`));
      }
      assert.equal(batch.replies[1].presence_stats.num_clients, 1);
    }
  }
  assert.deepEqual(ends.items, []);
});

test('a bare server says at its root what is there', { skip: !isVeche && 'a page of ours' }, async (t) => {
  const server = await startServer(t, openConfig({ swagger: { enabled: true } }));
  const page = await server.get('/');
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type'), /text\/html/);
  for (const [, href] of page.text.matchAll(/<a href="([^"]+)"/g)) {
    assert.equal((await server.get(`/${href}`)).status, 200, href);
  }
  assert.match(page.text, /href="swagger"/);
  assert.match(page.text, /href="health"/);
});

for (const build of builds) {
  test(`${build.name}: what the API publishes and broadcasts reaches the subscribers`, async (t) => {
    const server = await startServer(t, openConfig());
    const { client } = await connect(t, server, as('alice'), build);
    const news = await subscribe(client, 'news', {}, build);
    const chat = await subscribe(client, 'chat', {}, build);
    const tagged = hear(news.sub, 'publication', (context) => context.tags);
    const first = await server.publish('news', { n: 1 }, { tags: { event: 'post' } });
    assert.equal(first.offset, 1);
    assert.ok(first.epoch);
    const { responses } = await server.call('broadcast', { channels: ['news', 'chat', 'unknown:x'], data: { n: 2 } });
    assert.deepEqual(responses.map(({ result, error }) => result?.offset ?? error.code), [2, 1, 102]);
    assert.deepEqual(await news.publications.count(2), [{ n: 1 }, { n: 2 }]);
    assert.deepEqual(await chat.publications.count(1), [{ n: 2 }]);
    assert.deepEqual(tagged.items[0], { event: 'post' });
  });

  test(`${build.name}: the API ends subscriptions and connections with a code the client hears`, async (t) => {
    const server = await startServer(t, openConfig());
    const { client } = await connect(t, server, as('alice'), build);
    const { sub } = await subscribe(client, 'news', {}, build);
    const bystander = await connect(t, server, as('bob'), build);
    const drops = hear(bystander.client, 'disconnected');
    const over = event(sub, 'unsubscribed');
    await server.call('unsubscribe', { user: 'alice', channel: 'news' });
    assert.equal((await over).code, 2000);
    const disconnected = event(client, 'disconnected');
    await server.call('disconnect', { user: 'alice' });
    assert.equal((await disconnected).code, 3503);

    const other = await connect(t, server, as('alice'), build);
    const again = event(other.client, 'disconnected');
    await server.call('disconnect', { user: 'alice', disconnect: { code: 4501, reason: 'banned' } });
    const context = await again;
    assert.deepEqual([context.code, context.reason], [4501, 'banned']);
    assert.deepEqual(drops.items, []);
  });
}

test('an unsubscribe followed by a publish is seen in that order', async (t) => {
  const server = await startServer(t, openConfig());
  const { client } = await connect(t, server, as('alice'));
  const story = [];
  const { sub } = await subscribe(client, 'news');
  sub.on('publication', (context) => story.push(context.data));
  sub.on('unsubscribed', () => story.push('unsubscribed'));
  await server.publish('news', 1);
  const over = event(sub, 'unsubscribed');
  await server.call('unsubscribe', { user: 'alice', channel: 'news' });
  await server.publish('news', 2);
  await over;
  await client.history('news', { limit: 0 });
  assert.deepEqual(story, [1, 'unsubscribed']);
});

test('an idempotency key is published once', async (t) => {
  const server = await startServer(t, openConfig());
  const { client } = await connect(t, server, as('alice'));
  const { publications } = await subscribe(client, 'news');
  for (let time = 0; time < 3; time++) {
    assert.equal((await server.publish('news', 'once', { idempotency_key: 'key-1' })).offset, 1);
  }
  await server.publish('news', 'next');
  assert.deepEqual(await publications.count(2), ['once', 'next']);
});

test('history, presence, channels and info tell what is there', async (t) => {
  const server = await startServer(t, openConfig());
  const { client, connected } = await connect(t, server, as('alice'));
  await subscribe(client, 'news');
  for (const n of [1, 2, 3]) await server.publish('news', n);
  const history = await server.call('history', { channel: 'news', limit: 2, reverse: true });
  assert.deepEqual([history.publications.map(({ data, offset }) => [data, offset]), history.offset], [[[3, 3], [2, 2]], 3]);
  const { presence } = await server.call('presence', { channel: 'news' });
  assert.deepEqual(presence, { [connected.client]: { client: connected.client, user: 'alice' } });
  assert.deepEqual(await server.call('presence_stats', { channel: 'news' }), { num_clients: 1, num_users: 1 });
  assert.deepEqual((await server.call('channels')).channels, { news: { num_clients: 1 } });
  assert.deepEqual((await server.call('channels', { pattern: 'x*' })).channels, {});
  const { nodes } = await server.call('info');
  assert.equal(nodes.length, 1);
  // The original counts for this answer every few seconds only.
  if (isVeche) {
    assert.deepEqual([nodes[0].num_clients, nodes[0].num_users, nodes[0].num_channels, nodes[0].num_subs], [1, 1, 1, 1]);
    assert.equal('metrics' in nodes[0], false);
  }
  await server.call('history_remove', { channel: 'news' });
  const removed = await server.call('history', { channel: 'news', limit: 10 });
  assert.deepEqual([removed.publications, removed.offset, removed.epoch], [[], 3, history.epoch]);
});

test('a batch answers each command in its place', async (t) => {
  const server = await startServer(t, openConfig());
  for (const parallel of [false, true]) {
    const channel = `batch-${parallel}`;
    const { replies } = await server.call('batch', {
      parallel,
      commands: [{ publish: { channel, data: 1 } }, { publish: { channel: 'unknown:x', data: 1 } }, { presence_stats: { channel } }],
    });
    assert.equal(replies[0].publish.offset, 1);
    assert.equal(replies[1].error.code, 102);
    assert.deepEqual(replies[2].presence_stats, { num_clients: 0, num_users: 0 });
  }
});

test('the metrics carry the names that dashboards know', async (t) => {
  const server = await startServer(t, openConfig({ prometheus: { enabled: true } }));
  const { client } = await connect(t, server, as('alice'));
  const { publications } = await subscribe(client, 'news');
  await server.publish('news', 1);
  await publications.count(1);
  const { status, text } = await server.get('/metrics');
  assert.equal(status, 200);
  const names = new Set(text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.match(/^\w+/)[0]));
  const missing = [
    'centrifugo_node_messages_sent_count',
    'centrifugo_node_messages_received_count',
    'centrifugo_node_num_clients',
    'centrifugo_node_num_users',
    'centrifugo_node_num_subscriptions',
    'centrifugo_node_num_nodes',
    'centrifugo_node_num_channels',
    'centrifugo_node_build',
    'centrifugo_node_broadcast_duration_seconds_count',
    'centrifugo_client_command_duration_seconds_count',
    'centrifugo_client_connections_accepted',
    'centrifugo_client_connections_inflight',
    'centrifugo_client_subscriptions_inflight',
    'centrifugo_transport_messages_sent',
    'centrifugo_transport_messages_sent_size',
    'centrifugo_transport_messages_received',
    'centrifugo_transport_messages_received_size',
    'centrifugo_api_command_duration_seconds_count',
  ].filter((name) => !names.has(name));
  assert.deepEqual(missing, [], `there are: ${[...names].filter((name) => name.startsWith('centrifugo')).join(' ')}`);
  // The original counts its clients every few seconds only.
  if (isVeche) assert.match(text, /^centrifugo_node_num_clients 1$/m);
});

test('who was not let in is counted by reason', { skip: !isVeche && 'names of ours' }, async (t) => {
  const server = await startServer(t, openConfig({ client: { connection_limit: 1 }, prometheus: { enabled: true } }));
  const url = `${server.ws}/connection/websocket`;
  await refusal(openBare(t, url, { headers: { origin: 'https://evil.example.org' } }));
  assert.equal((await server.get('/connection/websocket')).status, 400);
  await openBare(t, url);
  for (let time = 0; time < 2; time++) await refusal(openBare(t, url));
  const { text } = await server.get('/metrics');
  assert.match(text, /^centrifugo_node_client_connection_limit 2$/m);
  for (const [reason, count] of [['connection_limit', 2], ['connection_rate_limit', 0], ['origin', 1], ['handshake', 1]]) {
    assert.match(text, new RegExp(`^veche_upgrades_refused\\{reason="${reason}"\\} ${count}$`, 'm'));
  }
});

test('a path with empty or dotted parts is told where it leads', async (t) => {
  const server = await startServer(t, openConfig());
  const body = JSON.stringify({ channel: 'news', data: 1 });
  const ask = (path, options = {}) => fetch(server.http + path, { method: 'POST', body, headers: { 'X-API-Key': API_KEY }, redirect: 'manual', ...options });
  for (const [path, leads] of [['/api//publish', '/api/publish'], ['//api/publish?a=b', '/api/publish?a=b'], ['//connection/websocket', '/connection/websocket']]) {
    const answer = await ask(path);
    assert.deepEqual([answer.status, answer.headers.get('location')], [307, leads], path);
  }
  const followed = await ask('/api//publish', { redirect: 'follow' });
  assert.equal((await followed.json()).result.offset, 1);
});

test('health is answered while the server lives', async (t) => {
  const server = await startServer(t, openConfig());
  const { status, text } = await server.get('/health');
  assert.deepEqual([status, text], [200, '{}']);
});

test('a client that stops reading is closed as slow while the others notice nothing', { skip: !isVeche && 'kernel buffers differ' }, async (t) => {
  const server = await startServer(t, openConfig({ client: { queue_max_size: 262_144 }, prometheus: { enabled: true } }));
  const { client: reader } = await connect(t, server, as('reader'));
  const { publications } = await subscribe(reader, 'flood');
  const { client: sleeper } = await connect(t, server, as('sleeper'));
  await subscribe(sleeper, 'flood');
  sleeper._transport._transport._socket.pause();
  const data = 'x'.repeat(30_000);
  for (let n = 1; n <= 600; n++) await server.publish('flood', data);
  await publications.count(600, 'all publications', 30_000);
  const { text } = await server.get('/metrics');
  assert.match(text, /^centrifugo_client_num_server_disconnects\{[^}]*code="3008"[^}]*\} 1$/m);
});
