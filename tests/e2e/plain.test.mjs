// The plain dialect: one JSON object per frame, for a client that has nothing but a WebSocket.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBare } from './bare.mjs';
import { as, connect, protobuf, refusal, subscribe } from './client.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { inSeconds, token } from './tokens.mjs';

const skip = !isVeche && 'the original has no plain dialect';
const plain = (name, run) => test(name, { skip }, run);

const plainConfig = ({ plain: door = {}, ...overrides } = {}) => openConfig({ plain: { enabled: true, ...door }, ...overrides });

/** Opens the door and reads the welcome. */
async function enter(t, server, { query = '', ...options } = {}) {
  const bare = await openBare(t, `${server.ws}/connection/plain${query}`, options);
  return Object.assign(bare, { welcome: await bare.next('the welcome') });
}

/** Opens the door as this user. */
const enterAs = (t, server, user) => enter(t, server, { query: `?token=${token({ sub: user, info: { name: user } })}` });

const isPublication = (frame) => frame.system !== true && !Buffer.isBuffer(frame) && frame.error === undefined;
const publications = (bare) => bare.frames.items.filter(isPublication);

/** Waits for this many publications and returns them. */
async function heard(bare, count) {
  await bare.frames.until((items) => items.filter(isPublication).length >= count, `${count} publications`);
  return publications(bare);
}

plain('the first frame is a welcome that says who one is and how to come back', async (t) => {
  const server = await startServer(t, plainConfig());
  const { welcome } = await enterAs(t, server, 'alice');
  assert.equal(welcome.event, 'welcome');
  assert.equal(welcome.system, true);
  assert.equal(welcome.user, 'alice');
  assert.ok(welcome.client.length > 0);
  assert.equal(welcome.ping, 25);
  assert.ok(welcome.retry.min_ms > 0 && welcome.retry.max_ms > welcome.retry.min_ms);
});

plain('login with a token answers with its id and opens what was closed before', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await enter(t, server);
  const refused = await bare.ask({ action: 'subscribe', channel: 'news', id: 1 });
  assert.deepEqual([refused.code, refused.action], [101, 'subscribe']);
  assert.match(refused.error, /log in first/);
  assert.equal((await bare.ask({ action: 'ping', id: 2 })).event, 'pong');
  const login = await bare.ask({ action: 'login', token: token({ sub: 'alice' }), id: 'mine' });
  assert.deepEqual([login.event, login.id, login.system], ['login', 'mine', true]);
  const subscribed = await bare.ask({ action: 'subscribe', channel: 'news', id: 3 });
  assert.deepEqual([subscribed.event, subscribed.channel], ['subscribed', 'news']);
});

plain('a name without proof logs in only where the configuration allows it', async (t) => {
  const closed = await startServer(t, plainConfig());
  const refused = await (await enter(t, closed)).ask({ action: 'login', user: 'alice', id: 1 });
  assert.ok(refused.error);
  const open = await startServer(t, plainConfig({ plain: { allow_name_login: true } }));
  const bare = await enter(t, open);
  assert.equal((await bare.ask({ action: 'login', user: 'alice', id: 1 })).event, 'login');
});

plain('a token comes by header, query or subprotocol', async (t) => {
  const server = await startServer(t, plainConfig());
  const jwt = token({ sub: 'alice' });
  const doors = [
    { headers: { authorization: `Bearer ${jwt}` } },
    { query: `?token=${jwt}` },
    { protocols: [`bearer.${jwt}`] },
  ];
  for (const door of doors) assert.equal((await enter(t, server, door)).welcome.user, 'alice');
  assert.ok(!server.log.includes(jwt), 'a token reached the log');
});

plain('a bad token in the address is told after the upgrade and closed with 3500', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await openBare(t, `${server.ws}/connection/plain?token=${token({ sub: 'x' }, { secret: 'guess' })}`);
  await bare.frames.first((frame) => frame.error, 'an error');
  const goodbye = await bare.frames.first((frame) => frame.event === 'disconnect', 'the disconnect');
  assert.deepEqual([goodbye.system, goodbye.data.code, goodbye.data.reconnect], [true, 3500, false]);
  assert.equal((await bare.close()).code, 3500);
});

plain('an expired token is error 109 and the client may still log in', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await openBare(t, `${server.ws}/connection/plain?token=${token({ sub: 'alice', exp: inSeconds(-9) })}`);
  assert.equal((await bare.frames.first((frame) => frame.error, 'an error')).code, 109);
  assert.equal((await bare.ask({ action: 'login', token: token({ sub: 'alice' }), id: 1 })).event, 'login');
});

plain('a client that never logs in is closed with 3502', async (t) => {
  const server = await startServer(t, plainConfig({ client: { stale_close_delay: '500ms' } }));
  assert.equal((await (await enter(t, server)).close()).code, 3502);
});

plain('a publication carries event, channel, data, position, time and its publisher', async (t) => {
  const server = await startServer(t, plainConfig());
  const alice = await enterAs(t, server, 'alice');
  const bob = await enterAs(t, server, 'bob');
  await bob.ask({ action: 'subscribe', channel: 'news', id: 1 });
  const published = await alice.ask({ action: 'publish', channel: 'news', event: 'post', data: { text: 'привет' }, id: 7 });
  assert.deepEqual([published.event, published.id], ['published', 7]);
  const [publication] = await heard(bob, 1);
  assert.deepEqual([publication.event, publication.channel, publication.data], ['post', 'news', { text: 'привет' }]);
  assert.deepEqual([publication.from.user, publication.from.client], ['alice', alice.welcome.client]);
  assert.equal(publication.id, published.data.position);
  assert.match(publication.id, /:1$/);
  assert.ok(publication.time);
  assert.equal(publication.system, undefined);
});

plain('the default event is message, and an idempotency key publishes once', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await enterAs(t, server, 'alice');
  await bare.ask({ action: 'subscribe', channel: 'news', id: 1 });
  for (let id = 2; id < 5; id++) await bare.ask({ action: 'publish', channel: 'news', data: 1, key: 'same', id });
  await bare.ask({ action: 'publish', channel: 'news', data: 2, id: 5 });
  const all = await heard(bare, 2);
  assert.deepEqual(all.map(({ event, data }) => [event, data]), [['message', 1], ['message', 2]]);
});

plain('events filter what is heard, whoever published it', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await enterAs(t, server, 'alice');
  await bare.ask({ action: 'subscribe', channel: 'news', events: ['post', 'message'], id: 1 });
  const { client } = await connect(t, server, as('bob'), protobuf);
  await bare.ask({ action: 'publish', channel: 'news', event: 'draft', data: 0, id: 2 });
  await server.publish('news', 1, { tags: { event: 'post' } });
  await server.publish('news', 2, { tags: { event: 'edit' } });
  await client.publish('news', Buffer.from('3'));
  await heard(bare, 2);
  assert.deepEqual(publications(bare).map(({ event, data }) => [event, data]), [['post', 1], ['message', 3]]);
});

plain('since brings what was missed, in order and once, and says when it cannot', async (t) => {
  const server = await startServer(t, plainConfig());
  const first = await enterAs(t, server, 'alice');
  const { data } = await first.ask({ action: 'subscribe', channel: 'news', id: 1 });
  assert.match(data.position, /:0$/);
  await server.publish('news', 1);
  const [{ id: since }] = await heard(first, 1);
  first.socket.terminate();
  for (const n of [2, 3, 4]) await server.publish('news', n);

  const again = await enterAs(t, server, 'alice');
  const subscribed = await again.ask({ action: 'subscribe', channel: 'news', since, id: 1 });
  assert.equal(subscribed.data.recovered, true);
  await server.publish('news', 5);
  assert.deepEqual((await heard(again, 4)).map((frame) => frame.data), [2, 3, 4, 5]);
  const at = again.frames.items.findIndex((frame) => frame.event === 'subscribed');
  assert.ok(again.frames.items.findIndex(isPublication) > at, 'the answer comes first');

  for (const position of [`other:1`, since.replace(/:\d+$/, ':99')]) {
    const lost = await enterAs(t, server, 'alice');
    assert.equal((await lost.ask({ action: 'subscribe', channel: 'news', since: position, id: 1 })).data.recovered, false);
  }
  const wrong = await enterAs(t, server, 'alice');
  assert.equal((await wrong.ask({ action: 'subscribe', channel: 'news', since: 'no position', id: 1 })).code, 107);
});

plain('subscribe brings the last N of history and who is present', async (t) => {
  const server = await startServer(t, plainConfig());
  for (const n of [1, 2, 3, 4]) await server.publish('news', n);
  const bob = await enterAs(t, server, 'bob');
  await bob.ask({ action: 'subscribe', channel: 'news', id: 1 });
  const alice = await enterAs(t, server, 'alice');
  const { data } = await alice.ask({ action: 'subscribe', channel: 'news', history: 2, presence: true, id: 1 });
  assert.ok(data.clients.some(({ user, client }) => user === 'bob' && client === bob.welcome.client));
  assert.deepEqual((await heard(alice, 2)).map((frame) => frame.data), [3, 4]);
  bob.socket.close();
  const leave = await alice.frames.first((frame) => frame.event === 'leave', "bob's leave");
  assert.deepEqual([leave.system, leave.channel, leave.data.user], [true, 'news', 'bob']);
});

plain('unsubscribe ends the publications of its channel', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await enterAs(t, server, 'alice');
  for (const [id, channel] of [[1, 'news'], [2, 'chat']]) await bare.ask({ action: 'subscribe', channel, id });
  const { event, channel } = await bare.ask({ action: 'unsubscribe', channel: 'news', id: 3 });
  assert.deepEqual([event, channel], ['unsubscribed', 'news']);
  await server.publish('news', 'unheard');
  await server.publish('chat', 'heard');
  assert.deepEqual((await heard(bare, 1)).map((frame) => frame.data), ['heard']);
});

plain('an unsubscribe by the server comes without id and with its code', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await enterAs(t, server, 'alice');
  await bare.ask({ action: 'subscribe', channel: 'news', id: 1 });
  await server.call('unsubscribe', { user: 'alice', channel: 'news' });
  const told = await bare.frames.first((frame) => frame.event === 'unsubscribed', 'the unsubscribe');
  assert.deepEqual([told.id, told.channel, told.data.code, told.system], [undefined, 'news', 2000, true]);
});

plain('history and presence answer as the other dialects know them', async (t) => {
  const server = await startServer(t, plainConfig());
  for (const n of [1, 2, 3]) await server.publish('news', n);
  const bare = await enterAs(t, server, 'alice');
  const history = await bare.ask({ action: 'history', channel: 'news', limit: 2, id: 1 });
  assert.equal(history.event, 'history');
  assert.deepEqual(history.data.publications.map(({ data, event }) => [data, event]), [[1, 'message'], [2, 'message']]);
  assert.match(history.data.position, /:3$/);
  const since = history.data.publications[1].id;
  assert.deepEqual((await bare.ask({ action: 'history', channel: 'news', limit: 9, since, id: 2 })).data.publications.map(({ data }) => data), [3]);
  const reverse = await bare.ask({ action: 'history', channel: 'news', limit: 1, reverse: true, id: 3 });
  assert.deepEqual(reverse.data.publications.map(({ data }) => data), [3]);
  await bare.ask({ action: 'subscribe', channel: 'news', id: 4 });
  const presence = await bare.ask({ action: 'presence', channel: 'news', id: 5 });
  assert.deepEqual(presence.data.clients.map(({ user, client }) => [user, client]), [['alice', bare.welcome.client]]);
  const stats = await bare.ask({ action: 'presence', channel: 'news', stats: true, id: 6 });
  assert.deepEqual(stats.data, { num_clients: 1, num_users: 1 });
});

plain('bytes are announced and come as they were sent', async (t) => {
  const server = await startServer(t, plainConfig());
  const alice = await enterAs(t, server, 'alice');
  const bob = await enterAs(t, server, 'bob');
  await bob.ask({ action: 'subscribe', channel: 'photos', id: 1 });
  const deep = await connect(t, server, as('carol'), protobuf);
  const bytesHeard = await subscribe(deep.client, 'photos', {}, protobuf);
  const picture = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255, 254, 13, 10]);
  alice.send({ action: 'publish', channel: 'photos', event: 'image', binary: true, type: 'image/png', id: 2 });
  alice.send(picture);
  assert.equal((await alice.frames.first((frame) => frame.id === 2, 'the answer')).event, 'published');
  const announcement = await bob.frames.first((frame) => frame.binary === true, 'the announcement');
  assert.deepEqual([announcement.event, announcement.type, announcement.size, announcement.channel], ['image', 'image/png', picture.length, 'photos']);
  const after = await bob.frames.until((items) => items.some(Buffer.isBuffer), 'the bytes');
  assert.deepEqual(after[after.indexOf(announcement) + 1], picture);
  assert.deepEqual(await bytesHeard.publications.count(1), [picture]);

  const late = await enterAs(t, server, 'dave');
  await late.ask({ action: 'subscribe', channel: 'photos', history: 1, id: 1 });
  assert.deepEqual(await late.frames.first(Buffer.isBuffer, 'the replayed bytes'), picture);
  const history = await late.ask({ action: 'history', channel: 'photos', limit: 1, id: 2 });
  const [publication] = history.data.publications;
  const envelope = publication.data ?? publication;
  assert.equal(Buffer.from(envelope.base64, 'base64').equals(picture), true);
});

plain('a text frame between announcement and bytes cancels the announcement', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await enterAs(t, server, 'alice');
  bare.send({ action: 'publish', channel: 'photos', binary: true, id: 1 });
  const pong = await bare.ask({ action: 'ping', id: 2 });
  assert.equal(pong.event, 'pong');
  assert.equal((await bare.frames.first((frame) => frame.id === 1, 'the cancellation')).code, 107);
});

plain('errors name the action and leave the connection open', async (t) => {
  const server = await startServer(t, plainConfig({ channel: { namespaces: [{ name: 'closed' }] } }));
  const bare = await enterAs(t, server, 'alice');
  const cases = [
    [{ action: 'fly', id: 1 }, 104],
    [{ action: 'call', method: 'sum', data: {}, id: 2 }, 108],
    [{ action: 'subscribe', id: 3 }, 107],
    [{ action: 'subscribe', channel: 5, id: 4 }, 107],
    [{ action: 'subscribe', channel: 'closed:x', id: 5 }, 103],
    [{ action: 'subscribe', channel: 'unknown:x', id: 6 }, 102],
    [{ action: 'publish', channel: 'closed:x', data: 1, id: 7 }, 103],
    [{ action: 'history', channel: 'closed:x', id: 8 }, 108],
    [{ id: 9 }, 107],
  ];
  for (const [command, code] of cases) {
    const answer = await bare.ask(command);
    assert.equal(answer.code, code, JSON.stringify([command, answer]));
    assert.equal(answer.system, true);
    assert.equal(typeof answer.error, 'string');
    if (command.action && code !== 104) assert.equal(answer.action, command.action);
    if (typeof command.channel === 'string') assert.equal(answer.channel, command.channel);
  }
  for (const text of ['not json', '[1]', '"text"', '{"action":']) {
    const before = bare.frames.items.length;
    bare.send(text);
    const items = await bare.frames.count(before + 1, `an answer to ${text}`);
    assert.equal(items[before].code, 107, text);
  }
  assert.equal((await bare.ask({ action: 'ping', id: 99 })).event, 'pong');
});

plain('a message over the size limit closes with 1009', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await enterAs(t, server, 'alice');
  bare.send({ action: 'publish', channel: 'news', data: 'x'.repeat(70_000) });
  assert.equal((await bare.close()).code, 1009);
});

plain('a disconnect by the API is announced before the close', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await enterAs(t, server, 'alice');
  await server.call('disconnect', { user: 'alice', disconnect: { code: 4000, reason: 'come back' } });
  const goodbye = await bare.frames.first((frame) => frame.event === 'disconnect', 'the disconnect');
  assert.deepEqual(goodbye.data, { code: 4000, reason: 'come back', reconnect: true });
  assert.deepEqual(await bare.close(), { code: 4000, reason: 'come back' });
});

plain('event and topic are read as the verb and the channel', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await enterAs(t, server, 'alice');
  const subscribed = await bare.ask({ event: 'subscribe', topic: 'news', id: 1 });
  assert.deepEqual([subscribed.event, subscribed.channel], ['subscribed', 'news']);
  await bare.ask({ event: 'publish', topic: 'news', data: 1, id: 2 });
  assert.deepEqual((await heard(bare, 1)).map(({ event }) => event), ['message']);
});

plain('all three dialects meet in one channel', async (t) => {
  const server = await startServer(t, plainConfig());
  const bare = await enterAs(t, server, 'alice');
  await bare.ask({ action: 'subscribe', channel: 'news', id: 1 });
  const json = await connect(t, server, as('bob'));
  const jsonHeard = await subscribe(json.client, 'news');
  const deep = await connect(t, server, as('carol'), protobuf);
  const deepHeard = await subscribe(deep.client, 'news', {}, protobuf);
  await bare.ask({ action: 'publish', channel: 'news', data: 'plain', id: 2 });
  await json.client.publish('news', 'json');
  await deep.client.publish('news', Buffer.from('"protobuf"'));
  assert.deepEqual((await heard(bare, 3)).map(({ data }) => data), ['plain', 'json', 'protobuf']);
  assert.deepEqual(await jsonHeard.publications.count(3), ['plain', 'json', 'protobuf']);
  assert.deepEqual(await deepHeard.publications.count(3), ['plain', 'json', 'protobuf']);
});

plain('the door is closed unless the configuration opens it', async (t) => {
  const server = await startServer(t, openConfig());
  assert.equal((await refusal(openBare(t, `${server.ws}/connection/plain`))).status, 404);
});
