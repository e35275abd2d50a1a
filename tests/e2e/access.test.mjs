// Who comes in, how many, and what each gets with the connection.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBare } from './bare.mjs';
import { as, builds, connect, makeClient, refusal, subscribe } from './client.mjs';
import { frame, openRaw, TEXT, upgrade } from './raw.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { token } from './tokens.mjs';
import { event, hear } from './wait.mjs';

const path = '/connection/websocket';
const headersOf = (server, key) => [`Host: 127.0.0.1:${server.port}`, 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`];

/** Asks for an upgrade on a connection that was used for something else before. */
async function upgradeLater(t, server, more = []) {
  const raw = await openRaw(t, server);
  raw.write(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`);
  assert.equal((await raw.head()).status, 200);
  raw.write(upgrade(path, (key) => [...headersOf(server, key), ...more]).request);
  return raw;
}

test('one connection too many is refused with 503, by whatever way it comes, until another leaves', async (t) => {
  const server = await startServer(t, openConfig({ client: { connection_limit: 1 } }));
  const { client } = await connect(t, server, as('alice'));
  const error = await refusal(openBare(t, `${server.ws}${path}`));
  assert.equal(error.status, 503);
  const later = await (await upgradeLater(t, server)).head();
  assert.equal(later.status, 503);
  if (isVeche) {
    assert.match(error.text, /client\.connection_limit/);
    assert.match(later.body, /client\.connection_limit/);
  }
  const disconnected = event(client, 'disconnected');
  client.disconnect();
  await disconnected;
  // The server hears of it a little later; the SDK tries until it is let in.
  await connect(t, server, as('bob'));
});

test('more connections than the burst are refused with 503, and come in one each second', async (t) => {
  const server = await startServer(t, openConfig({ client: { connection_rate_limit: 2 } }));
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => openBare(t, `${server.ws}${path}`)));
  const refused = tries.filter((attempt) => attempt.status === 'rejected');
  assert.ok(refused.length >= 1 && refused.length <= 18, `${refused.length} refused`);
  for (const { reason } of refused) {
    assert.equal(reason.status, 503);
    if (isVeche) assert.match(reason.text, /client\.connection_rate_limit/);
  }
  // The SDK tries until it is let in.
  await connect(t, server, as('patient'));
});

test('the plain dialect is told by WebSocket that there is no room, where it asks for that', { skip: !isVeche && 'a dialect of ours' }, async (t) => {
  const server = await startServer(t, openConfig({ client: { connection_limit: 1 }, plain: { enabled: true } }));
  await connect(t, server, as('alice'));
  assert.equal((await refusal(openBare(t, `${server.ws}/connection/plain`))).status, 503);
  const bare = await openBare(t, `${server.ws}/connection/plain?errors=ws`);
  assert.match(JSON.stringify(await bare.next()), /client\.connection_limit/);
  assert.equal((await bare.close()).code, 4429);
});

test('the header of a proxy names the user, by whatever way the connection comes', async (t) => {
  const server = await startServer(t, openConfig({ client: { user_id_http_header: 'X-User-Id' } }));
  const bare = await openBare(t, `${server.ws}${path}`, { headers: { 'x-user-id': 'anna' } });
  await bare.ask({ id: 1, connect: {} });
  await bare.ask({ id: 2, subscribe: { channel: 'news' } });
  const raw = await upgradeLater(t, server, ['X-USER-ID: bob']);
  assert.equal((await raw.head()).status, 101);
  raw.write(frame(TEXT, '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"news"}}'));
  await raw.object((value) => value.id === 2 && value.subscribe);
  const { presence } = await server.call('presence', { channel: 'news' });
  assert.deepEqual(Object.values(presence).map((info) => info.user).sort(), ['anna', 'bob']);
  const nobody = await openBare(t, `${server.ws}${path}`);
  nobody.send({ id: 1, connect: {} });
  assert.equal((await nobody.close()).code, 3501);
});

test('a token decides who the user is, whatever the header says', async (t) => {
  const server = await startServer(t, openConfig({ client: { user_id_http_header: 'X-User-Id' } }));
  const bare = await openBare(t, `${server.ws}${path}`, { headers: { 'x-user-id': 'anna' } });
  await bare.ask({ id: 1, connect: { token: token({ sub: 'bob' }) } });
  await bare.ask({ id: 2, subscribe: { channel: 'news' } });
  const { presence } = await server.call('presence', { channel: 'news' });
  assert.deepEqual(Object.values(presence).map((info) => info.user), ['bob']);
  const wrong = await openBare(t, `${server.ws}${path}`, { headers: { 'x-user-id': 'anna' } });
  wrong.send({ id: 1, connect: { token: 'not.a.token' } });
  assert.equal((await wrong.close()).code, 3500);
});

test('the plain dialect needs no login where the header names the user', { skip: !isVeche && 'a dialect of ours' }, async (t) => {
  const server = await startServer(t, openConfig({ client: { user_id_http_header: 'X-User-Id' }, plain: { enabled: true } }));
  const bare = await openBare(t, `${server.ws}/connection/plain`, { headers: { 'x-user-id': 'anna' } });
  const welcome = await bare.next();
  assert.equal(welcome.user, 'anna', JSON.stringify(welcome));
});

const personal = (more = {}) => ({ client: { subscribe_to_user_personal_channel: { enabled: true, personal_channel_namespace: 'own', ...more } }, channel: { namespaces: [{ name: 'own', presence: true, history_size: 10, history_ttl: '60s', force_recovery: true }] } });

for (const build of builds) {
  test(`${build.name}: a user gets what is published to its own channel, also what it missed`, async (t) => {
    const server = await startServer(t, openConfig(personal()));
    const client = makeClient(t, server, as('anna'), build);
    const subscribed = hear(client, 'subscribed');
    const publications = hear(client, 'publication', (context) => [context.channel, build.unpack(context.data)]);
    const connected = event(client, 'connected');
    client.connect();
    await connected;
    assert.equal((await subscribed.count(1))[0].channel, 'own:#anna');
    await server.publish('own:#anna', 1);
    await publications.count(1);
    client.disconnect();
    await server.publish('own:#anna', 2);
    client.connect();
    assert.deepEqual(await publications.count(2), [['own:#anna', 1], ['own:#anna', 2]]);
    assert.equal((await subscribed.count(2))[1].recovered, true);
  });
}

test('a new connection of a user ends its others with 3504, and nobody else', async (t) => {
  const server = await startServer(t, openConfig(personal({ single_connection: true })));
  const { client: first } = await connect(t, server, as('anna'));
  const { client: other } = await connect(t, server, as('bob'));
  const disconnected = event(first, 'disconnected');
  const { client: second } = await connect(t, server, as('anna'));
  assert.equal((await disconnected).code, 3504);
  const { presence } = await server.call('presence', { channel: 'own:#anna' });
  assert.equal(Object.keys(presence).length, 1);
  assert.deepEqual([second.state, other.state], ['connected', 'connected']);
});

test('a namespace may bring its latest publication unasked, in the connect answer and in subscribe', async (t) => {
  const state = { name: 'state', history_size: 1, history_ttl: '60s', force_recovery: true, force_recovery_mode: 'cache', auto_cache_recover: true, allow_subscribe_for_client: true };
  const server = await startServer(t, openConfig({ channel: { namespaces: [state] } }));
  await server.publish('state:score', { goals: 3 });
  const bare = await openBare(t, `${server.ws}${path}`);
  const { connect: hello } = await bare.ask({ id: 1, connect: { token: token({ sub: 'anna', channels: ['state:score', 'state:empty'] }) } });
  const seen = ({ recovered, was_recovering, positioned, offset, publications }) => ({ recovered, was_recovering, positioned, offset, data: publications?.map((it) => it.data) });
  const full = { recovered: true, was_recovering: true, positioned: true, offset: undefined, data: [{ goals: 3 }] };
  assert.deepEqual(seen(hello.subs['state:score']), full);
  assert.deepEqual(seen(hello.subs['state:empty']), { ...full, recovered: undefined, data: undefined });
  const second = await openBare(t, `${server.ws}${path}`);
  await second.ask({ id: 1, connect: { token: token({ sub: 'anna' }) } });
  const { subscribe: answer } = await second.ask({ id: 2, subscribe: { channel: 'state:score' } });
  assert.deepEqual(seen(answer), full);
});

test('rpc.ping is answered with nothing, under its own name', async (t) => {
  const server = await startServer(t, openConfig({ client: { insecure: true }, rpc: { ping: { enabled: true, method: 'are_you_there' } } }));
  const bare = await openBare(t, `${server.ws}${path}`);
  await bare.ask({ id: 1, connect: {} });
  assert.deepEqual(await bare.ask({ id: 2, rpc: { method: 'are_you_there', data: { a: 1 } } }), { id: 2, rpc: {} });
  const { error } = await bare.ask({ id: 3, rpc: { method: 'ping' } });
  assert.equal(error.code, 104);
});

test('audience and issuer of a token may have to match an expression', async (t) => {
  const server = await startServer(t, openConfig({ client: { token: { audience_regex: '^(web|app)$', issuer_regex: 'example' } } }));
  await connect(t, server, as('anna', { aud: ['x', 'app'], iss: 'https://example.com' }));
  for (const claims of [{}, { aud: 'apps', iss: 'example' }, { aud: 'web', iss: 'elsewhere' }]) {
    const client = makeClient(t, server, as('anna', claims));
    const disconnected = event(client, 'disconnected');
    client.connect();
    assert.equal((await disconnected).code, 3500, JSON.stringify(claims));
  }
});

test('a subscriber whose stream is another one is told by 2500 though nothing is published', { skip: !isVeche && 'the original looks more seldom' }, async (t) => {
  const short = { name: 'short', history_size: 10, history_ttl: '1s', history_meta_ttl: '1s', force_recovery: true, allow_subscribe_for_client: true };
  const server = await startServer(t, openConfig({ client: { channel_position_check_delay: '4s' }, channel: { namespaces: [short] } }));
  const { client } = await connect(t, server, as('anna'));
  const { sub } = await subscribe(client, 'short:a');
  const again = await event(sub, 'subscribing');
  assert.equal(again.code, 2500);
});

for (const build of builds) {
  test(`${build.name}: where errors are explained, a client hears the key that decided beside the same code`, { skip: !isVeche && 'an option of ours' }, async (t) => {
    const closed = { name: 'closed', allow_subscribe_for_client: true };
    const server = await startServer(t, openConfig({ client: { explain_errors: true }, channel: { namespaces: [closed] } }));
    const { client } = await connect(t, server, as('anna'), build);
    const denied = await refusal(client.publish('closed:news', build.pack(1)));
    assert.equal(denied.code, 103);
    assert.match(denied.message, /^permission denied: .*channel\.namespaces\[closed\]\.allow_publish_for_client/);
    const nobody = makeClient(t, server, {}, build);
    const gone = event(nobody, 'disconnected');
    nobody.connect();
    const { code, reason } = await gone;
    assert.equal(code, 3501);
    assert.match(reason, /^bad request: .*client\.allow_anonymous_connect_without_token/);
  });
}

test('a client that is refused hears two words, and the log says why and what would change it', { skip: !isVeche && 'our words' }, async (t) => {
  const server = await startServer(t, openConfig({ channel: { namespaces: [{ name: 'closed' }] } }));
  const { client } = await connect(t, server, as('anna'));
  const denied = await refusal(client.publish('closed:news', 1));
  assert.deepEqual([denied.code, denied.message], [103, 'permission denied']);
  const line = await server.logged('refused: ');
  assert.equal(line.user, 'anna');
  assert.equal(line.operation, 'publish');
  assert.equal(line.channel, 'closed:news');
  assert.equal(line.rule, 'for_client');
  assert.equal(line.option, 'channel.namespaces[closed].allow_publish_for_client');
  assert.match(line.change, /^set channel\.namespaces\[closed\]\.allow_publish_for_client to true; or /);
});

test('an upgrade where there is no door is answered with 404 and where the doors are by default', { skip: !isVeche && 'our words' }, async (t) => {
  const server = await startServer(t, openConfig());
  const error = await refusal(openBare(t, `${server.ws}/socket.io/?transport=websocket`));
  assert.equal(error.status, 404);
  assert.match(error.text, /\/connection\/websocket/);
});
