// Messages of clients: whatever a client sends at once, the server's memory grows by a bounded factor of it, and
// another client on the same worker goes on.

import { createServer } from 'node:net';
import { test } from 'node:test';
import WebSocket from 'ws';
import { DIALECTS, messages, openDialect, openUpgraded, packed } from './dialects.mjs';
import { KiB, MiB, measured } from './growth.mjs';
import { BINARY, NO_MASK, PING, TEXT, frame } from './raw.mjs';
import { token } from './tokens.mjs';
import { within } from './wait.mjs';

/** What waits for one client at most (`client.queue_max_size`), and as much again while it is made. */
const OWED = 2 * MiB;
/** The largest message, and the largest after inflating. */
const MESSAGE = 64 * KiB - 1;
const INFLATED = 10 * MESSAGE;

const OPEN = { allow_subscribe_for_client: true, allow_publish_for_client: true, allow_history_for_client: true, allow_presence_for_client: true, history_ttl: '300s', presence: true };
const STREAM = { channel: { without_namespace: { ...OPEN, history_size: 100, force_recovery: true } } };

/** A server with a hundred publications of 2500 bytes in `big`. */
async function withHistory(t) {
  const it = await measured(t, STREAM);
  const noise = Array.from({ length: 2500 }, (_, n) => String.fromCharCode(97 + ((n * 7919 + (n >> 3) * 104_729) % 26))).join('');
  for (let n = 0; n < 100; n++) it.position = await it.server.publish('big', `${n}${noise}`);
  return it;
}

/** A load of `sent` by each client, none of which reads what it is answered. */
function deaf(t, it, dialect, { wire, inflated }, options) {
  return async (clients) => {
    const raws = await Promise.all(Array.from({ length: clients }, () => openDialect(t, it.server, dialect, options)));
    for (const raw of raws) {
      raw.socket.pause();
      raw.write(wire);
    }
    return { wire: clients * wire.length, inflated: clients * inflated, leave: () => leave(raws) };
  };
}

async function leave(raws) {
  for (const { socket } of raws) socket.resetAndDestroy();
}

const times = (count, command) => Array.from({ length: count }, (_, n) => ({ id: n + 2, ...command(n) }));

/** Commands whose answers are far larger than they are. */
const GREEDY = {
  'history of all there is': () => times(1000, () => ({ history: { channel: 'big', limit: 100 } })),
  'subscriptions that recover everything': ({ position }) => times(1000, (n) => (n % 2 ? { unsubscribe: { channel: 'big' } } : { subscribe: { channel: 'big', recover: true, offset: 0, epoch: position.epoch } })),
};

for (const [what, commands] of Object.entries(GREEDY)) {
  for (const dialect of Object.keys(DIALECTS)) {
    for (const deflate of [false, true]) {
      for (const perMessage of DIALECTS[dialect].isSingle ? [1] : [1, Infinity]) {
        const how = `${dialect}${deflate ? ', compressed' : ''}, ${perMessage === 1 ? 'each in a frame' : 'in one message'}`;
        test(`${what}, asked for a thousand times and never read, is bounded (${how})`, async (t) => {
          const it = await withHistory(t);
          const sent = messages(dialect, commands(it), { deflate, perMessage, limit: deflate ? INFLATED : MESSAGE });
          await it.bounded(deaf(t, it, dialect, sent, { deflate }), { clients: 4, allowance: OWED });
        });
      }
    }
  }
}

test('presence of clients with much to say, asked for a thousand times and never read, is bounded', async (t) => {
  const it = await measured(t, STREAM);
  for (let n = 0; n < 50; n++) {
    const present = await openDialect(t, it.server, 'JSON', { token: token({ sub: `user ${n}`, info: 'x'.repeat(4000) }) });
    present.write(frame(TEXT, '{"id":2,"subscribe":{"channel":"big"}}'));
    await present.frame();
  }
  const sent = messages('JSON', times(1000, () => ({ presence: { channel: 'big' } })));
  await it.bounded(deaf(t, it, 'JSON', sent), { clients: 4, allowance: OWED });
});

for (const dialect of Object.keys(DIALECTS)) {
  test(`who reads as fast as it is answered gets every answer, and costs little (${dialect})`, async (t) => {
    const it = await withHistory(t);
    const commands = times(400, () => ({ history: { channel: 'big', limit: 10 } }));
    const sent = messages(dialect, commands, { limit: MESSAGE });
    const load = async (clients) => {
      const sockets = await Promise.all(Array.from({ length: clients }, () => reading(t, it, dialect, sent.wire, commands.length)));
      return { wire: clients * sent.wire.length, inflated: clients * sent.inflated, leave: async () => sockets.forEach((socket) => socket.terminate()) };
    };
    await it.bounded(load, { clients: 4, allowance: OWED });
  });
}

/** A client that has sent these bytes and has heard so many answers; each holds ten publications. */
async function reading(t, it, dialect, wire, answers) {
  const { door, protocol, opcode, spell } = DIALECTS[dialect];
  const socket = new WebSocket(it.server.ws + door, protocol ?? [], { perMessageDeflate: false });
  t.after(() => socket.terminate());
  await within(new Promise((done, failed) => socket.on('open', done).on('error', failed)), 'opening');
  const all = new Promise((done, failed) => {
    let heard = 0;
    socket.on('message', (bytes) => {
      heard += bytes.length;
      // An answer is more than 25000 bytes, and less than a tenth more.
      if (heard >= answers * 25_000) done();
    });
    socket.on('close', (code, reason) => failed(new Error(`closed with ${code} ${reason} after ${heard} bytes`)));
  });
  if (dialect !== 'plain') socket.send(spell([{ id: 1, connect: {} }]), { binary: opcode === BINARY });
  socket._socket.write(wire);
  await within(all, 'all answers', 60_000);
  socket.removeAllListeners('close');
  return socket;
}

/** Messages that never end, from a connection that has spoken before. */
const ENDLESS = {
  // Two million frames are a second of work for a build that is not optimized.
  'fragments of four bytes': { frames: pieces(Buffer.alloc(MESSAGE - 100, 'x'), 4), inflated: MESSAGE, clients: 100 },
  'fragments of a kilobyte': { frames: pieces(Buffer.alloc(MESSAGE - 100, 'x'), KiB), inflated: MESSAGE },
  'fragments of nothing': { frames: pieces(Buffer.alloc(1), 1, 50_000), inflated: 1, clients: 60 },
  'a frame of which the end is missing': { frames: frame(TEXT, Buffer.alloc(MESSAGE - 100, 'x'), { length: MESSAGE, mask: NO_MASK }), inflated: MESSAGE },
  'compressed fragments': { frames: pieces(packed(Buffer.alloc(INFLATED - 1000, 'x')), 8, 0, true), inflated: INFLATED, deflate: true },
};

function pieces(bytes, size, empty = 0, rsv1 = false) {
  const frames = [];
  for (let at = 0; at < bytes.length; at += size) frames.push(frame(at ? 0 : TEXT, bytes.subarray(at, at + size), { fin: false, rsv1: rsv1 && at === 0, mask: NO_MASK }));
  for (let n = 0; n < empty; n++) frames.push(frame(0, '', { fin: false }));
  return Buffer.concat(frames);
}

for (const [what, { frames, inflated, deflate = false, clients = 200 }] of Object.entries(ENDLESS)) {
  test(`${what} cost no more than they hold`, async (t) => {
    const it = await measured(t);
    const load = deaf(t, it, 'JSON', { wire: frames, inflated }, { deflate });
    await it.bounded(load, { clients, perInflatedByte: 1.5, allowance: 8 * KiB });
  });
}

test('pings that are never answered are bounded', async (t) => {
  const it = await measured(t);
  const wire = Buffer.concat(Array.from({ length: 20_000 }, () => frame(PING, 'x'.repeat(125))));
  await it.bounded(deaf(t, it, 'JSON', { wire, inflated: wire.length }), { clients: 4, allowance: OWED, perInflatedByte: 1 });
});

/** A key set that is asked for and never comes. */
async function silentKeySet(t) {
  const sockets = new Set();
  const server = createServer((socket) => sockets.add(socket.on('error', () => {})));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${server.address().port}/keys`;
}

for (const dialect of Object.keys(DIALECTS)) {
  for (const deflate of [false, true]) {
    test(`what waits behind a token that takes its time is bounded by what it holds (${dialect}${deflate ? ', compressed' : ''})`, async (t) => {
      const it = await measured(t, { client: { token: { jwks_public_endpoint: await silentKeySet(t) } } });
      const unknown = token({ sub: 'anna' }, { header: { alg: 'RS256', typ: 'JWT', kid: 'unknown' } });
      const commands = [{ id: 1, connect: { token: unknown } }, ...times(200, (n) => ({ publish: { channel: `c${n}`, data: 'x'.repeat(50_000) } }))];
      const { wire, inflated } = messages(dialect, commands, { deflate, perMessage: 1 });
      const load = async (clients) => {
        const raws = await Promise.all(Array.from({ length: clients }, () => openUpgraded(t, it.server, dialect, { deflate })));
        for (const raw of raws) raw.write(wire);
        return { wire: clients * wire.length, inflated: clients * inflated, leave: () => leave(raws) };
      };
      await it.bounded(load, { clients: 10, allowance: MiB, perInflatedByte: 0.05 });
    });
  }
}
