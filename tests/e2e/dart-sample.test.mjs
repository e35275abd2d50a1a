// The conversation of the Flutter sample with a server, in the bytes of Dart's virtual machine.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { dart, message, object, ours } from './dart.mjs';
import { openConfig, startServer } from './server.mjs';

const SAMPLE = readFileSync(new URL('../../examples/flutter/lib/plain_client.dart', import.meta.url), 'utf8');

const start = (t) =>
  startServer(t, openConfig({
    plain: { enabled: true, allow_name_login: true },
    client: { allow_anonymous_connect_without_token: true },
    websocket: { compression: true },
    channel: { without_namespace: { allow_recovery: true }, namespaces: [{ name: 'closed' }] },
  }));

/** A connection of the sample: it sends the login at once, then what `act` is given. */
async function connect(t, server) {
  const raw = await dart(t, server);
  assert.equal(raw.compressed, true);
  const act = (action) => raw.write(message(JSON.stringify(action), true));
  act({ action: 'login', user: 'anna', id: 'login' });
  const welcome = await object(raw, ({ event }) => event === 'welcome');
  assert.equal(typeof welcome.ping, 'number');
  const login = await object(raw, ({ event }) => event === 'login');
  assert.equal(login.system, true);
  return { raw, act, next: (matches) => object(raw, matches) };
}

test('the actions that the sample sends are those of the conversations below', () => {
  const actions = [...SAMPLE.matchAll(/_act\(\{(.*?)\}\)/gs)].map(([, map]) => [...map.matchAll(/'(\w+)':/g)].map(([, name]) => name));
  assert.deepEqual(actions, [
    ['action', 'user', 'id'],
    ['action'],
    ['action', 'channel', 'id', 'since', 'history'],
    ['action', 'channel', 'data', 'key', 'id'],
  ]);
});

test('it joins, hears what was said, says something once and resumes', ours, async (t) => {
  const server = await start(t);
  await server.publish('lobby', 'before');
  const first = await connect(t, server);
  first.act({ action: 'subscribe', channel: 'lobby', id: 'lobby', history: 20 });
  const subscribed = await first.next(({ event }) => event === 'subscribed');
  assert.deepEqual([subscribed.channel, subscribed.system, subscribed.data.recovered], ['lobby', true, false]);
  const before = await first.next(({ channel, system }) => channel === 'lobby' && !system);
  assert.deepEqual([before.data, before.from], ['before', undefined]);

  const draft = { action: 'publish', channel: 'lobby', data: 'hello', key: '1-2-0', id: '1-2-0' };
  first.act(draft);
  const own = await first.next(({ data }) => data === 'hello');
  assert.deepEqual([own.from.user, own.system], ['anna', undefined]);
  // The network goes before the sample has seen anything of that.
  first.raw.socket.destroy();
  await server.publish('lobby', 'meanwhile');

  const second = await connect(t, server);
  second.act({ action: 'subscribe', channel: 'lobby', id: 'lobby', since: before.id });
  second.act(draft);
  assert.equal((await second.next(({ event }) => event === 'subscribed')).data.recovered, true);
  const heard = [];
  for (let n = 0; n < 2; n++) heard.push((await second.next(({ channel, system }) => channel === 'lobby' && !system)).data);
  assert.deepEqual(heard, ['hello', 'meanwhile']);
  const published = await second.next(({ event }) => event === 'published');
  assert.deepEqual([published.id, published.system], ['1-2-0', true]);
  const { publications } = await server.call('history', { channel: 'lobby', limit: -1 });
  assert.deepEqual(publications.map(({ data }) => data), ['before', 'hello', 'meanwhile']);
});

test('what is refused, and the end, come in the shapes that it reads', ours, async (t) => {
  const server = await start(t);
  const { raw, act, next } = await connect(t, server);
  act({ action: 'ping' });
  assert.equal((await next(({ event }) => event === 'pong')).system, true);
  act({ action: 'subscribe', channel: 'closed:x', id: 'closed:x', history: 20 });
  const noAccess = await next(({ error }) => error);
  assert.deepEqual([typeof noAccess.error, noAccess.code, noAccess.action, noAccess.channel], ['string', 103, 'subscribe', 'closed:x']);
  act({ action: 'publish', channel: 'closed:x', data: 1, key: 'k', id: 'k' });
  const refused = await next(({ error }) => error);
  assert.deepEqual([refused.code, refused.action, refused.id], [103, 'publish', 'k']);
  act({ action: 'subscribe', channel: 'lobby', id: 'lobby', history: 20 });
  await next(({ event }) => event === 'subscribed');
  await server.call('unsubscribe', { user: 'anna', channel: 'lobby' });
  const { data } = await next(({ event }) => event === 'unsubscribed');
  assert.equal(data.code, 2000);
  await server.call('disconnect', { user: 'anna', disconnect: { code: 4500, reason: 'go' } });
  const end = await next(({ event }) => event === 'disconnect');
  assert.deepEqual([end.data.reconnect, end.data.reason], [false, 'go']);
  assert.deepEqual(await raw.closing(), { code: 4500, reason: 'go' });
});
