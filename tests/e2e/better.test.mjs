// Where Veche answers otherwise on purpose: a test for each difference of the first kind, those that protect somebody.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { as, connect, protobuf, subscribe } from './client.mjs';
import { BINARY, CLOSE, PING, TEXT, closeFrame, frame, openRaw, openRawWebSocket } from './raw.mjs';
import { API_KEY, isVeche, openConfig, startServer } from './server.mjs';
import { inSeconds, token } from './tokens.mjs';
import { hear, within } from './wait.mjs';

const DOOR = '/connection/websocket';
const better = (name, run) => test(name, { skip: !isVeche && 'the original answers otherwise' }, run);
const start = (t, overrides = {}) => startServer(t, openConfig(overrides));
const residentMegabytes = (server) => Number(readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024;

/** A raw client of the JSON dialect, connected as `user`. */
async function opened(t, server, { user = 'anna', ...options } = {}) {
  const raw = await openRawWebSocket(t, server, DOOR, options);
  raw.write(frame(TEXT, JSON.stringify({ id: 1, connect: { token: token({ sub: user }) } })));
  if (!options.protocol) await raw.object((reply) => reply.id === 1);
  return raw;
}

const command = (id, body) => frame(TEXT, JSON.stringify({ id, ...body }));

/** What a raw connection gets back for a request head and body. */
async function asked(t, server, text) {
  const raw = await openRaw(t, server);
  raw.write(text);
  return { raw, answer: await raw.head() };
}

better('a declared length beyond the limit is refused before anything is allocated, for a command and for a frame', async (t) => {
  const server = await start(t);
  const before = residentMegabytes(server);
  for (let round = 0; round < 20; round++) {
    const giant = await openRawWebSocket(t, server, DOOR);
    giant.write(frame(TEXT, 'x', { length: 2n ** 40n }));
    assert.equal((await giant.closing()).code, 1009);
    const long = await openRawWebSocket(t, server, DOOR, { protocol: 'centrifuge-protobuf' });
    long.write(frame(BINARY, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07, 0x08])));
    assert.equal((await long.closing()).code, 3501);
  }
  assert.ok(residentMegabytes(server) - before < 50);
});

better('data that reach JSON clients are one JSON value each, whoever published them, and nobody is thrown out', async (t) => {
  const server = await start(t);
  const listener = await connect(t, server, as('anna'));
  const drops = hear(listener.client, 'connecting');
  const { publications } = await subscribe(listener.client, 'news');
  const publisher = await connect(t, server, as('boris'), protobuf);
  const odd = ['1 2', '{"a":1}}', '', ' ', '{"a":"\xff"}', '{', 'NaN', '\x00', '{"a":1}\n{"push":{}}'].map((text) => Buffer.from(text, 'latin1'));
  for (const bytes of odd.filter((bytes) => bytes.length > 0)) {
    await publisher.client.publish('news', bytes);
    await server.call('publish', { channel: 'news', b64data: bytes.toString('base64') });
  }
  await server.publish('news', { last: true });
  const items = await publications.until((all) => all.some((item) => item.last), 'the last publication');
  const twice = odd.filter((bytes) => bytes.length > 0).flatMap((bytes) => [bytes, bytes]);
  assert.deepEqual(items.slice(0, -1).map(({ binary, base64 }) => [binary, base64]), twice.map((bytes) => [true, bytes.toString('base64')]));
  assert.deepEqual(drops.items, []);
});

better('invalid UTF-8 is never passed on: not of a text frame, not of JSON data, not of the API', async (t) => {
  const server = await start(t);
  const listener = await connect(t, server, as('anna'));
  const { publications } = await subscribe(listener.client, 'news');
  const bad = Buffer.from('{"id":2,"publish":{"channel":"news","data":"\xff\xfe"}}', 'latin1');
  const text = await opened(t, server);
  text.write(frame(TEXT, bad));
  assert.equal((await text.closing()).code, 1007);
  const binary = await opened(t, server);
  binary.write(frame(BINARY, bad));
  const { opcode, payload } = await binary.frame();
  if (opcode === CLOSE) assert.equal(payload.readUInt16BE(), 3501);
  else assert.equal(JSON.parse(payload).error.code, 107);
  const { status } = await server.post('/api/publish', Buffer.from('{"channel":"news","data":"\xff"}', 'latin1'), { 'X-API-Key': API_KEY });
  assert.equal(status, 400);
  await server.publish('news', 'fine');
  assert.deepEqual(await publications.count(1), ['fine']);
});

better('a close of one byte, and a compression bit on a continuation or a control frame, are closed with 1002', async (t) => {
  const server = await start(t, { websocket: { compression: true, compression_min_size: 10_000 } });
  const broken = [
    [frame(CLOSE, Buffer.from([3]))],
    [frame(PING, 'x', { rsv1: true })],
    [frame(CLOSE, Buffer.from([3, 232]), { rsv1: true })],
    [frame(TEXT, deflateRawSync('{}').subarray(0, 1), { fin: false, rsv1: true }), frame(0, deflateRawSync('{}').subarray(1), { rsv1: true })],
  ];
  for (const frames of broken) {
    const raw = await opened(t, server, { headers: ['Sec-WebSocket-Extensions: permessage-deflate'] }).catch((error) => error);
    assert.ok(!(raw instanceof Error), String(raw));
    raw.write(...frames);
    assert.equal((await raw.closing()).code, 1002);
  }
});

const UPGRADE = ['Host: x', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

better('a key that is not sixteen bytes is refused with 400', async (t) => {
  const server = await start(t);
  for (const key of ['YWJj', 'dGhlIHNhbXBsZSBub25jZQ', 'not base64!', 'dGhlIHNhbXBsZSBub25jZXg=']) {
    const { answer } = await asked(t, server, `GET ${DOOR} HTTP/1.1\r\n${UPGRADE.join('\r\n')}\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
    assert.equal(answer.status, 400, key);
    assert.match(answer.body, /sec-websocket-key/i);
  }
});

better('an upgrade over HTTP/1.0 is refused, and a request of two lengths too, and its connection ends', async (t) => {
  const server = await start(t);
  const { answer } = await asked(t, server, `GET ${DOOR} HTTP/1.0\r\n${UPGRADE.join('\r\n')}\r\n${KEY}\r\n\r\n`);
  assert.ok(answer.status >= 400, answer.line);
  const smuggled = await asked(t, server, `POST /api/info HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`);
  assert.equal(smuggled.answer.status, 400);
  await within(smuggled.raw.ended, 'the end of TCP');
});

better('a broken chunk and half a body are 400, and a bad pattern is error 107', async (t) => {
  const server = await start(t);
  const head = `POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\n`;
  const broken = await asked(t, server, `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`);
  assert.equal(broken.answer.status, 400);
  const raw = await openRaw(t, server, { allowHalfOpen: true });
  raw.write(`${head}Content-Length: 50\r\n\r\n{"channel":`);
  raw.finish();
  assert.equal((await raw.head()).status, 400);
  for (const pattern of ['x[', '{']) assert.equal((await server.api('channels', { pattern })).error?.code, 107, pattern);
});

better('an expired but signed token never extends a subscription', async (t) => {
  const server = await start(t);
  const raw = await opened(t, server);
  const claims = (exp) => token({ sub: 'anna', channel: 'news', exp: inSeconds(exp) });
  raw.write(command(2, { subscribe: { channel: 'news', token: claims(60) } }));
  await raw.object((reply) => reply.id === 2);
  raw.write(command(3, { sub_refresh: { channel: 'news', token: claims(-5) } }));
  // An error would end the subscription for good in the SDKs; after 3006 they connect and subscribe again.
  assert.equal((await raw.closing()).code, 3006);
});

const DELTAS = { channel: { without_namespace: { allow_subscribe_for_client: true, history_size: 20, history_ttl: '60s', force_recovery: true, allowed_delta_types: ['fossil'], delta_publish: true, allow_tags_filter: true } } };
const story = (n) => ({ n, text: 'a text that is the same in all of them, '.repeat(5) });

/** The publications that come for `publish` after a subscribe with deltas: whether each is a delta, and its tags. */
async function taken(t, server, more, publish, count) {
  const raw = await opened(t, server);
  raw.write(command(2, { subscribe: { channel: 'news', delta: 'fossil', ...more } }));
  const { subscribe } = await raw.object((reply) => reply.id === 2);
  await publish();
  const pubs = [];
  while (pubs.length < count) pubs.push((await raw.object((reply) => reply.push?.pub)).push.pub);
  return { subscribe, pubs };
}

better('a delta is cut only against what the client has: after a recovery of nothing and after skip_history the next is whole', async (t) => {
  const server = await start(t, DELTAS);
  const { offset, epoch } = await server.publish('news', story(1));
  const nothing = await taken(t, server, { recover: true, offset, epoch }, () => server.publish('news', story(2)), 1);
  assert.equal(nothing.subscribe.recovered, true);
  assert.equal(nothing.pubs[0].delta, undefined);
  const publish = async () => {
    for (const [n, skip_history] of [[3, false], [4, true], [5, false], [6, false]]) await server.publish('news', story(n), { skip_history });
  };
  const skipped = await taken(t, server, {}, publish, 4);
  assert.deepEqual(skipped.pubs.map(({ delta }) => delta === true), [false, false, false, true]);
});

better('a filter applies beside deltas', async (t) => {
  const server = await start(t, DELTAS);
  const publish = async () => {
    for (const [n, k] of [[1, 'x'], [2, 'y'], [3, 'x'], [4, 'y'], [5, 'x']]) await server.publish('news', story(n), { tags: { k } });
  };
  const { pubs } = await taken(t, server, { tf: { key: 'k', cmp: 'eq', val: 'x' } }, publish, 3);
  assert.deepEqual(pubs.map(({ tags }) => tags.k), ['x', 'x', 'x']);
  assert.deepEqual(pubs.map(({ delta }) => delta === true), [false, true, true]);
});

better('a position check beside live traffic never alarms anybody', async (t) => {
  const server = await start(t, { client: { channel_position_check_delay: '10ms' }, channel: { without_namespace: { force_recovery: true, history_size: 10, history_ttl: '60s', join_leave: false } } });
  const { client } = await connect(t, server, as('anna'));
  const alarms = hear(client, 'connecting');
  const { sub, publications } = await subscribe(client, 'news');
  const losses = hear(sub, 'subscribing');
  const total = 4000;
  for (let sent = 0; sent < total; sent += 50) await Promise.all(Array.from({ length: 50 }, (_, n) => server.publish('news', sent + n)));
  assert.equal((await publications.count(total, 'all publications', 60_000)).length, total);
  assert.deepEqual([...alarms.items, ...losses.items], []);
});

better('nothing of a channel comes before the answer that made its subscription', async (t) => {
  const server = await start(t);
  let isOver = false;
  const traffic = (async () => {
    while (!isOver) await Promise.all([1, 2, 3, 4].map((n) => server.publish('news', n)));
  })();
  for (let round = 0; round < 40; round++) {
    const raw = await openRawWebSocket(t, server, DOOR);
    raw.write(command(1, { connect: { token: token({ sub: 'anna' }), subs: { news: {} } } }));
    const first = await raw.object(() => true);
    assert.equal(first.id, 1);
    assert.ok('news' in first.connect.subs);
    raw.socket.destroy();
    const other = await opened(t, server);
    other.write(command(2, { subscribe: { channel: 'news' } }));
    assert.equal((await other.object(() => true)).id, 2);
    other.socket.destroy();
  }
  isOver = true;
  await traffic;
});

better('a large compressed message is one frame', async (t) => {
  const server = await start(t, { websocket: { compression: true } });
  const raw = await openRawWebSocket(t, server, DOOR, { headers: ['Sec-WebSocket-Extensions: permessage-deflate'] });
  const compressed = (text) => frame(TEXT, deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4), { rsv1: true });
  raw.write(compressed(JSON.stringify({ id: 1, connect: { token: token({ sub: 'anna' }) } })), compressed('{"id":2,"subscribe":{"channel":"news"}}'));
  const noise = Array.from({ length: 300_000 }, (_, n) => String.fromCharCode(97 + ((n * 7919 + (n >> 3) * 104_729) % 26))).join('');
  for (let n = 0; n < 3; n++) await server.publish('news', noise);
  for (let large = 0; large < 3; ) {
    const { fin, opcode, payload } = await raw.frame();
    assert.ok(fin && opcode !== 0);
    if (payload.length > 30_000) large++;
  }
});

better('a close reason over 123 bytes is cut between characters, and a code outside 3000 to 4999 is error 107', async (t) => {
  const server = await start(t);
  const raw = await opened(t, server);
  for (const code of [0, 1000, 2999, 5000, 65_536 + 4000]) {
    assert.equal((await server.api('disconnect', { user: 'anna', disconnect: { code, reason: 'x' } })).error?.code, 107, String(code));
  }
  await server.call('disconnect', { user: 'anna', disconnect: { code: 4001, reason: 'é'.repeat(100) } });
  assert.deepEqual(await raw.closing(), { code: 4001, reason: 'é'.repeat(61) });
  raw.write(closeFrame(4001));
});

better('a refused upgrade says which origin or which header refused it', async (t) => {
  const server = await start(t);
  const foreign = await asked(t, server, `GET ${DOOR} HTTP/1.1\r\n${[...UPGRADE, KEY].join('\r\n')}\r\nOrigin: https://elsewhere.example\r\n\r\n`);
  assert.equal(foreign.answer.status, 403);
  assert.match(foreign.answer.body, /https:\/\/elsewhere\.example/);
  const old = await asked(t, server, `GET ${DOOR} HTTP/1.1\r\n${[...UPGRADE.slice(0, 3), 'Sec-WebSocket-Version: 8', KEY].join('\r\n')}\r\n\r\n`);
  assert.equal(old.answer.status, 426);
  assert.match(old.answer.body, /sec-websocket-version/i);
});
