// A client gets answers as fast as it takes them: what it asks for costs the others nothing, and does not end it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { openBare } from './bare.mjs';
import { as, connect, subscribe } from './client.mjs';
import { BINARY, CLOSE, PING, PONG, TEXT, closeFrame, frame, openRawWebSocket } from './raw.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { token } from './tokens.mjs';
import { within } from './wait.mjs';

const ours = { skip: !isVeche && 'the original lets answers pile up' };
const DOOR = '/connection/websocket';
const PLAIN = '/connection/plain';
const PATIENCE_MS = 60_000;

/** One worker, so that everybody is served by it. */
const start = (t, overrides = {}) =>
  startServer(t, openConfig({ client: { insecure: true }, node: { workers: 1 }, plain: { enabled: true }, channel: { without_namespace: RULES }, ...overrides }));
const RULES = { ...openConfig().channel.without_namespace, force_recovery: true };

/** Publishes so many publications of so many bytes, and returns the epoch. */
async function fill(server, channel, count, size) {
  for (let n = 1; n <= count; n++) await server.publish(channel, String(n).padStart(size, 'x'));
  return (await server.call('history', { channel, limit: 0 })).epoch;
}

const megabytes = (server) => Number(readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024;
const packed = (text) => deflateRawSync(Buffer.from(text), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
const varint = (value) => (value < 128 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 127) | 128]), varint(value >> 7)]));
const block = (number, body) => Buffer.concat([varint(number * 8 + 2), varint(body.length), body]);

/** Runs `attack`, which lets a client ask for much and read nothing, and holds the server to its bounds meanwhile. */
async function harmless(t, server, attack) {
  const { client } = await connect(t, server, {});
  const { publications } = await subscribe(client, 'bystander');
  const roundTrip = async (mark) => {
    const began = performance.now();
    await client.publish('bystander', mark);
    await publications.until((items) => items.includes(mark), 'the bystander to hear itself', PATIENCE_MS);
    return performance.now() - began;
  };
  await roundTrip('before');
  const before = megabytes(server);
  await attack();
  const times = [];
  for (let n = 0; n < 40; n++) times.push(await roundTrip(`mark ${n}`));
  const grown = megabytes(server) - before;
  t.diagnostic(`the process grew by ${grown.toFixed(1)} MB; round trips took at most ${Math.max(...times).toFixed(0)} ms`);
  assert.ok(grown < 60, `the process grew by ${grown} MB`);
  assert.ok(Math.max(...times) < 5000, `a round trip took ${Math.max(...times)} ms`);
}

/** Opens a raw client of a Centrifuge dialect that is connected and reads no more. */
async function deaf(t, server, options = {}) {
  const raw = await openRawWebSocket(t, server, DOOR, options);
  raw.write(options.protocol ? frame(BINARY, Buffer.concat([varint(4), Buffer.from([8, 1]), block(4, Buffer.alloc(0))])) : frame(TEXT, '{"id":1,"connect":{}}'));
  await raw.frame();
  raw.socket.pause();
  return raw;
}

const lines = (count, line) => Array.from({ length: count }, (_, n) => line(n + 2)).join('\n');
const DEFLATE = { headers: ['Sec-WebSocket-Extensions: permessage-deflate'] };

test('1200 commands in one message cost as much as their client reads', ours, async (t) => {
  const server = await start(t, { websocket: { compression: true } });
  const epoch = await fill(server, 'past', 300, 2500);
  const history = (id) => `{"id":${id},"history":{"channel":"past","limit":300}}`;
  const again = (id) => (id % 2 ? `{"id":${id},"unsubscribe":{"channel":"past"}}` : `{"id":${id},"subscribe":{"channel":"past","recover":true,"offset":0,"epoch":"${epoch}"}}`);
  await t.test('history', (t) =>
    harmless(t, server, async () => (await deaf(t, server)).write(frame(TEXT, lines(1200, history)))));
  await t.test('history, in Protobuf', (t) =>
    harmless(t, server, async () => {
      const command = Buffer.concat([Buffer.from([8, 2]), block(10, Buffer.concat([block(1, Buffer.from('past')), Buffer.from([2 << 3]), varint(300)]))]);
      const raw = await deaf(t, server, { protocol: 'centrifuge-protobuf' });
      raw.write(frame(BINARY, Buffer.concat(Array.from({ length: 1200 }, () => [varint(command.length), command]).flat())));
    }));
  await t.test('history, compressed', (t) =>
    harmless(t, server, async () => (await deaf(t, server, DEFLATE)).write(frame(TEXT, packed(lines(1200, history)), { rsv1: true }))));
  await t.test('recovery', (t) =>
    harmless(t, server, async () => (await deaf(t, server)).write(frame(TEXT, lines(600, again)))));
  await t.test('recovery, compressed', (t) =>
    harmless(t, server, async () => (await deaf(t, server, DEFLATE)).write(frame(TEXT, packed(lines(1200, again)), { rsv1: true }))));
});

test('1200 questions who is there cost as much as their client reads', ours, async (t) => {
  const server = await start(t);
  for (let n = 0; n < 60; n++) {
    const { client } = await connect(t, server, as(`user ${n}`, { info: { about: 'x'.repeat(8000) } }));
    await subscribe(client, 'crowd');
  }
  await harmless(t, server, async () => (await deaf(t, server)).write(frame(TEXT, lines(1200, (id) => `{"id":${id},"presence":{"channel":"crowd"}}`))));
});

test('many plain frames in one write cost as much as their client reads', ours, async (t) => {
  const server = await start(t, { websocket: { compression: true } });
  await fill(server, 'past', 300, 2500);
  const open = async (t, headers) => {
    const raw = await openRawWebSocket(t, server, PLAIN, { headers });
    await raw.frame();
    raw.socket.pause();
    return raw;
  };
  const many = (count, text, pack) => {
    const frames = Array.from({ length: count }, (_, n) => text(n)).map((one) => (pack ? frame(TEXT, packed(one), { rsv1: true }) : frame(TEXT, one)));
    return Buffer.concat(frames);
  };
  const again = (n) => JSON.stringify(n % 2 ? { action: 'unsubscribe', channel: 'past' } : { action: 'subscribe', channel: 'past', history: 300 });
  const history = () => '{"action":"history","channel":"past"}';
  for (const [name, text] of Object.entries({ history, again })) {
    for (const headers of [[], DEFLATE.headers]) {
      await t.test(`${name}${headers.length ? ', compressed' : ''}`, (t) =>
        harmless(t, server, async () => (await open(t, headers)).write(many(1200, text, headers.length > 0))));
    }
  }
});

test('commands that wait behind a slow token count what they take', ours, async (t) => {
  // Keys that do not come: a token that needs one is decided late.
  const keys = createServer(() => {});
  await new Promise((done) => keys.listen(0, '127.0.0.1', done));
  t.after(() => keys.closeAllConnections() ?? keys.close());
  const client = { token: { jwks_public_endpoint: `http://127.0.0.1:${keys.address().port}/keys` } };
  const server = await start(t, { websocket: { compression: true }, client });
  const fetched = new Promise((done) => keys.once('request', done));
  const before = megabytes(server);
  const raw = await openRawWebSocket(t, server, PLAIN, DEFLATE);
  const unknown = token({ sub: 'anna' }, { header: { alg: 'RS256', kid: 'late' } });
  raw.write(frame(TEXT, JSON.stringify({ action: 'login', token: unknown })));
  await within(fetched, 'a fetch of the keys');
  const large = frame(TEXT, packed(JSON.stringify({ action: 'publish', channel: 'a', data: 'x'.repeat(600_000) })), { rsv1: true });
  raw.write(Buffer.concat(Array.from({ length: 300 }, () => large)));
  for (let n = 0; n < 20; n++) await server.call('info');
  const grown = megabytes(server) - before;
  t.diagnostic(`the process grew by ${grown.toFixed(1)} MB`);
  assert.ok(grown < 60, `the process grew by ${grown} MB`);
});

test('all that a client has asked for is answered in order, however late it reads', ours, async (t) => {
  const server = await start(t);
  await fill(server, 'past', 10, 2500);
  const count = 1000;
  const raw = await deaf(t, server);
  raw.write(frame(TEXT, lines(count, (id) => `{"id":${id},"history":{"channel":"past","limit":${id % 3 ? 10 : 0}}}`)));
  raw.write(...Array.from({ length: 100 }, (_, n) => frame(TEXT, `{"id":${count + 2 + n},"rpc":{"method":"none"}}`)));
  const { client } = await connect(t, server, {});
  await client.history('past', { limit: 1 });
  raw.socket.resume();
  const ids = [];
  while (ids.length < count + 100) {
    const { opcode, payload } = await raw.frame();
    assert.equal(opcode, TEXT);
    ids.push(...payload.toString().split('\n').map((line) => JSON.parse(line).id));
  }
  assert.deepEqual(ids, Array.from({ length: count + 100 }, (_, n) => n + 2));

  const plain = await openRawWebSocket(t, server, PLAIN);
  await plain.frame();
  plain.socket.pause();
  plain.write(Buffer.concat(Array.from({ length: 300 }, (_, id) => frame(TEXT, JSON.stringify(id % 2 ? { action: 'ping', id } : { action: 'history', channel: 'past', id })))));
  await client.history('past', { limit: 1 });
  plain.socket.resume();
  for (let id = 0; id < 300; id++) {
    const answer = JSON.parse((await plain.frame()).payload);
    assert.deepEqual([answer.id, answer.event], [id, id % 2 ? 'pong' : 'history']);
  }
});

test('what a client publishes before it closes is published', ours, async (t) => {
  const server = await start(t);
  for (const end of [closeFrame(1000), null]) {
    const channel = end ? 'closed' : 'cut';
    const raw = await openRawWebSocket(t, server, DOOR);
    raw.write(frame(TEXT, '{"id":1,"connect":{}}'));
    await raw.frame();
    const publications = Array.from({ length: 300 }, (_, n) => frame(TEXT, `{"id":${n + 2},"publish":{"channel":"${channel}","data":${n}}}`));
    raw.write(Buffer.concat([...publications, ...(end ? [end] : [])]));
    if (!end) raw.finish();
    else assert.equal((await raw.closing()).code, 1000);
    await within(raw.ended, 'the end of TCP');
    const { publications: kept } = await server.call('history', { channel, limit: 400 });
    assert.deepEqual(kept.map(({ data }) => data), Array.from({ length: 300 }, (_, n) => n));
  }
});

/** Takes what comes at so many bytes a second, and answers pings. */
function steadily(raw, bytesPerSecond) {
  const { socket } = raw;
  let [room, isOver] = [0, false];
  socket.pause();
  socket.on('data', (bytes) => {
    room -= bytes.length;
    if (room <= 0 && !isOver) socket.pause();
  });
  const tick = setInterval(() => {
    room = Math.min(room + bytesPerSecond / 50, bytesPerSecond / 10);
    if (room > 0) socket.resume();
  }, 20);
  return () => {
    isOver = true;
    clearInterval(tick);
    socket.resume();
  };
}

test('a client that reads 300 kB a second recovers 3 MB, and hears what is published meanwhile', ours, async (t) => {
  const server = await start(t, { client: { insecure: true, ping_interval: '3s', pong_timeout: '2s' } });
  const epoch = await fill(server, 'past', 300, 10_000);
  const raw = await openRawWebSocket(t, server, DOOR);
  raw.write(frame(TEXT, '{"id":1,"connect":{}}'));
  await raw.object((reply) => reply.id === 1);
  const atLast = steadily(raw, 300_000);
  t.after(atLast);
  raw.write(frame(TEXT, `{"id":2,"subscribe":{"channel":"past","recover":true,"offset":0,"epoch":"${epoch}"}}`));
  const offsets = [];
  const recovered = async () => {
    for (let isThere = false; !isThere; ) {
      const { opcode, payload } = await raw.frame(PATIENCE_MS);
      assert.notEqual(opcode, CLOSE, payload.subarray(2).toString());
      for (const line of payload.toString().split('\n')) {
        const reply = JSON.parse(line);
        if (line === '{}') raw.write(frame(TEXT, '{}'));
        if (reply.subscribe) {
          assert.equal(reply.subscribe.recovered, true);
          offsets.push(...reply.subscribe.publications.map(({ offset }) => offset));
        }
        if (reply.push) offsets.push(reply.push.pub.offset);
        isThere ||= reply.push?.pub.offset === 310;
      }
    }
  };
  const meanwhile = async () => {
    while ((await server.call('presence_stats', { channel: 'past' })).num_clients === 0);
    for (let n = 0; n < 10; n++) await server.publish('past', 'y'.repeat(10_000));
  };
  await Promise.all([within(recovered(), 'all that was missed', PATIENCE_MS), meanwhile()]);
  assert.deepEqual(offsets, Array.from({ length: 310 }, (_, n) => n + 1));
});

test('what a client asks for itself may be more than client.queue_max_size', ours, async (t) => {
  const server = await start(t, { client: { insecure: true, queue_max_size: 200_000 } });
  await fill(server, 'past', 300, 10_000);
  const { client } = await connect(t, server, {});
  const drops = [];
  client.on('connecting', (context) => drops.push(context));
  assert.equal((await client.history('past', { limit: 300 })).publications.length, 300);
  const bare = await openBare(t, `${server.ws}${PLAIN}`);
  bare.send({ action: 'subscribe', channel: 'past', history: 200, id: 1 });
  bare.send({ action: 'ping', id: 2 });
  await bare.frames.until((frames) => frames.some(({ id }) => id === 2), 'the answers', PATIENCE_MS);
  const got = bare.frames.items.filter(({ id, system }) => !system && typeof id === 'string').map(({ data }) => Number(data.replaceAll('x', '')));
  assert.deepEqual(got, Array.from({ length: 200 }, (_, n) => n + 101));
  assert.deepEqual(drops, []);
});

test('a subscriber of a busy channel that stops reading is closed with 3008', ours, async (t) => {
  const server = await start(t);
  const raw = await deaf(t, server);
  raw.write(frame(TEXT, '{"id":2,"subscribe":{"channel":"busy"}}'));
  const { client } = await connect(t, server, {});
  const { publications } = await subscribe(client, 'busy');
  const isThere = async () => (await server.call('presence_stats', { channel: 'busy' })).num_clients === 2;
  for (let n = 0; n === 0 || (await isThere()); n++) {
    assert.ok(n < 2000, '40 MB wait for a client that does not read');
    await server.publish('busy', String(n).padStart(20_000, 'x'));
  }
  raw.socket.resume();
  assert.equal((await raw.closing()).code, 3008);
  await publications.until((items) => items.length > 0, 'the others to hear');
});

test('a pong arrives before most of what is queued for a slow reader', ours, async (t) => {
  const server = await start(t, { client: { insecure: true, queue_max_size: 16 << 20 } });
  const raw = await deaf(t, server);
  raw.write(frame(TEXT, '{"id":2,"subscribe":{"channel":"busy"}}'));
  const { client } = await connect(t, server, {});
  await subscribe(client, 'busy');
  const count = 600;
  for (let n = 0; n < count; n++) await server.publish('busy', String(n).padStart(20_000, 'x'));
  raw.write(frame(PING, 'first'), frame(PING, 'are you there?'));
  await client.history('busy', { limit: 1 });
  raw.socket.resume();
  let [before, after, pongs] = [0, 0, []];
  while (before + after < count) {
    const { opcode, payload, fin, rsv } = await raw.frame();
    assert.ok(fin && rsv === 0);
    if (opcode === PONG) pongs.push(payload.toString());
    else if (!payload.includes('"push"') || payload.includes('"join"')) continue;
    else if (pongs.includes('are you there?')) after += 1;
    else before += 1;
    if (opcode === TEXT) JSON.parse(payload);
  }
  t.diagnostic(`${before} publications came before the pong, ${after} after it`);
  assert.ok(pongs.length <= 2 && pongs.at(-1) === 'are you there?', pongs.join());
  // The rest was in the system's buffers, or under way.
  assert.ok(after > count / 2, `${after} of ${count} publications came after the pong`);
});
