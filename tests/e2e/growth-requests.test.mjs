// HTTP: heads, bodies and calls of the API cost the server a bounded factor of what was sent, finished or not.

import { test } from 'node:test';
import { KiB, MiB, measured, watched, ALLOCATOR } from './growth.mjs';
import { openRaw } from './raw.mjs';
import { API_KEY, startDemo } from './server.mjs';
import { within } from './wait.mjs';

const HEAD = `Host: x\r\nX-API-Key: ${API_KEY}\r\n`;
const post = (path, more) => Buffer.from(`POST ${path} HTTP/1.1\r\n${HEAD}${more}\r\n\r\n`);
const all = Buffer.concat.bind(Buffer);

/** A load of sockets that send these bytes, and wait. */
function silent(t, it, bytes, opened = openRaw) {
  return async (clients) => {
    const raws = await Promise.all(Array.from({ length: clients }, () => opened(t, it.server)));
    await Promise.all(raws.map((raw) => written(raw, bytes)));
    return { wire: clients * bytes.length, leave: () => leave(raws) };
  };
}

async function leave(raws) {
  for (const { socket } of raws) socket.resetAndDestroy();
}

/** Writes, and waits until the system has taken it or the server has had enough. */
function written(raw, bytes) {
  return within(Promise.race([new Promise((done) => raw.socket.write(bytes, done)), raw.ended]), 'a write');
}

/** A connection that was used before, so that it has been handed on from its worker. */
async function used(t, server) {
  const raw = await openRaw(t, server);
  raw.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
  await raw.head();
  return raw;
}

const long = (bytes) => `X-Long: ${'x'.repeat(bytes)}`;

/** Heads that never end, and whether a request came before them. */
const HEADS = {
  'heads of one byte': [Buffer.from('G'), openRaw, 1000],
  'heads of fifteen kilobytes': [Buffer.from(`GET /connection/websocket HTTP/1.1\r\n${HEAD}${long(15_000)}`), openRaw, 300],
  'heads of ninety short lines': [Buffer.from(`GET /connection/websocket HTTP/1.1\r\n${HEAD}${'a: b\r\n'.repeat(90)}`), openRaw, 300],
  'second heads of one byte': [Buffer.from('G'), used, 300],
  'second heads of fifteen kilobytes': [Buffer.from(`GET /health HTTP/1.1\r\n${HEAD}${long(15_000)}`), used, 300],
};

for (const [what, [bytes, opened, clients]] of Object.entries(HEADS)) {
  test(`${what} that never end are kept at the size that they have`, async (t) => {
    const it = await measured(t);
    await it.bounded(silent(t, it, bytes, opened), { clients, allowance: 24 * KiB, perWireByte: 2 });
  });
}

const chunks = (size, count) => Buffer.from(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`.repeat(count));

/** Bodies of which the end is missing, and how many clients send one each. */
const BODIES = {
  'a body of a declared length': [all([post('/api/publish', 'Content-Length: 16000000'), Buffer.alloc(MiB, 'x')]), 20],
  'a body in chunks of a byte': [all([post('/api/publish', 'Transfer-Encoding: chunked'), chunks(1, 150_000)]), 10],
  'a body in chunks of ten kilobytes': [all([post('/api/publish', 'Transfer-Encoding: chunked'), chunks(10_000, 100)]), 20],
  'a body that is declared and not begun': [post('/api/publish', 'Content-Length: 16000000'), 200],
};

for (const [what, [bytes, clients]] of Object.entries(BODIES)) {
  test(`${what} is kept at the size that it has`, async (t) => {
    const it = await measured(t);
    await it.bounded(silent(t, it, bytes), { clients, allowance: 48 * KiB, perWireByte: 2 });
  });
}

test('a body from who has no key is not kept at all', async (t) => {
  const it = await measured(t);
  const bytes = all([Buffer.from('POST /api/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n'), Buffer.alloc(MiB, 'x')]);
  await it.bounded(silent(t, it, bytes), { clients: 40, allowance: 32 * KiB, perWireByte: 0.25 });
});

/** Bodies of the chat's calls, and how many clients send one each. */
const CHAT_BODIES = {
  'a body of a declared length': ['Content-Length: 65000', Buffer.alloc(60_000, 'x'), 100],
  'a body in chunks of a byte': ['Transfer-Encoding: chunked', chunks(1, 60_000), 20],
};

for (const [what, [length, body, clients]] of Object.entries(CHAT_BODIES)) {
  test(`${what} is kept by the chat at the size that it has`, async (t) => {
    const it = await watched(t, await startDemo(t, { env: ALLOCATOR }), 'bystander');
    const login = Buffer.from('anna:').toString('base64');
    const head = Buffer.from(`POST /chat/api/rooms/general/messages HTTP/1.1\r\nHost: 127.0.0.1:${it.server.port}\r\nAuthorization: Basic ${login}\r\nContent-Type: application/json\r\n${length}\r\n\r\n`);
    await it.bounded(silent(t, it, all([head, body])), { clients, allowance: 32 * KiB, perWireByte: 4 });
  });
}

/** A load of clients that each make one call of the API, and keep its answer in the socket. */
function calling(t, it, path, body, headers = '') {
  const bytes = all([post(path, `${headers}Content-Length: ${body.length}`), body]);
  return async (clients) => {
    const raws = await Promise.all(Array.from({ length: clients }, () => openRaw(t, it.server)));
    for (const raw of raws) {
      raw.heard = 0;
      raw.socket.removeAllListeners('data');
      raw.answered = new Promise((done) => raw.socket.once('data', done));
      raw.socket.on('data', (bytes) => (raw.heard += bytes.length));
    }
    await Promise.all(raws.map((raw) => written(raw, bytes)));
    await Promise.all(raws.map((raw) => within(Promise.race([raw.answered, raw.ended]), 'an answer', 60_000)));
    return { wire: clients * bytes.length, leave: () => leave(raws) };
  };
}

const list = (count, item) => Array.from({ length: count }, (_, n) => item(n));
const json = (value) => Buffer.from(JSON.stringify(value));

/** Calls that hold as much as they can. */
const CALLS = {
  'a batch of commands that are as short as can be': ['/api/batch', json({ commands: list(50_000, () => ({ info: {} })) })],
  'a batch of commands at once': ['/api/batch', json({ parallel: true, commands: list(50_000, () => ({ info: {} })) })],
  'a batch of publications': ['/api/batch', json({ commands: list(20_000, (n) => ({ publish: { channel: `c${n % 7}`, data: n } })) })],
  'a batch of nothing': ['/api/batch', json({ commands: list(200_000, () => ({})) })],
  'a broadcast to channels of one letter': ['/api/broadcast', json({ channels: list(100_000, (n) => String.fromCharCode(97 + (n % 26))), data: 1 })],
  'a broadcast of much data': ['/api/broadcast', json({ channels: list(1000, (n) => `c${n}`), data: 'x'.repeat(500_000) })],
  'commands in a row': ['/api', Buffer.from('{"method":"info","params":{}}'.repeat(20_000))],
  'many tags': ['/api/publish', json({ channel: 'c', skip_history: true, data: 1, tags: Object.fromEntries(list(50_000, (n) => [`t${n}`, ''])) })],
  'deep data': ['/api/publish', Buffer.from(`{"channel":"c","data":${'['.repeat(500_000)}${']'.repeat(500_000)}}`)],
};

for (const [what, [path, body]] of Object.entries(CALLS)) {
  test(`${what} costs a bounded factor of what was sent, and another client goes on`, async (t) => {
    const it = await measured(t, { channel: { without_namespace: { history_size: 5, history_ttl: '300s' } } });
    await it.bounded(calling(t, it, path, body), { clients: 4, perWireByte: 16 });
  });
}
