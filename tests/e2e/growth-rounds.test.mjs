// Clients that come and go leave nothing behind, however they go.

import { test } from 'node:test';
import { DIALECTS, messages, openDialect } from './dialects.mjs';
import { measured } from './growth.mjs';
import { TEXT, closeFrame, frame, openRaw, openRawWebSocket } from './raw.mjs';
import { API_KEY } from './server.mjs';
import { token } from './tokens.mjs';

const CLIENTS = 150;

/** A round: all come, then all go at once. */
const round = (come, go) => async (clients) => {
  const raws = await Promise.all(Array.from({ length: clients }, (_, n) => come(n)));
  await Promise.all(raws.map(go));
};

const gone = ({ socket }) => socket.closed || new Promise((done) => socket.on('close', done).destroy());

async function said(raw, bytes) {
  raw.write(bytes);
  await raw.frame();
  return raw;
}

for (const dialect of Object.keys(DIALECTS)) {
  for (const deflate of [false, true]) {
    test(`connections with subscriptions and presence leave nothing (${dialect}${deflate ? ', compressed' : ''})`, async (t) => {
      const it = await measured(t, { channel: { without_namespace: { history_size: 10 } } });
      const come = async (n) => {
        const raw = await openDialect(t, it.server, dialect, { deflate, token: token({ sub: `user ${n}`, info: { n } }) });
        return said(raw, messages(dialect, [{ id: 2, subscribe: { channel: `c${n % 10}` } }, { id: 3, publish: { channel: `c${n % 10}`, data: n } }], { deflate }).wire);
      };
      await it.leaksNothing(round(come, gone), { clients: CLIENTS });
    });
  }
}

/** Ways to go in the middle of something. */
const BROKEN = {
  'connections that say nothing': (t, server) => openRaw(t, server),
  'heads that break off': async (t, server) => {
    const raw = await openRaw(t, server);
    raw.write('GET /connection/websocket HTTP/1.1\r\nHost: x\r\n');
    return raw;
  },
  'upgrades without a command': (t, server) => openRawWebSocket(t, server, '/connection/websocket'),
  'messages that break off': async (t, server) => {
    const raw = await openDialect(t, server, 'JSON');
    raw.write(frame(TEXT, 'x'.repeat(30_000), { fin: false }));
    return raw;
  },
  'closes in order': async (t, server) => {
    const raw = await openDialect(t, server, 'JSON');
    raw.write(closeFrame(1000));
    await raw.closing();
    return raw;
  },
  'commands that end the connection': async (t, server) => {
    const raw = await openDialect(t, server, 'JSON');
    raw.write(frame(TEXT, 'no command'));
    await raw.closing();
    return raw;
  },
  'calls of the API': async (t, server) => {
    const raw = await openRaw(t, server);
    raw.write(`POST /api/info HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nContent-Length: 2\r\n\r\n{}`);
    await raw.head();
    return raw;
  },
  'calls that break off': async (t, server) => {
    const raw = await openRaw(t, server);
    raw.write(`POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nContent-Length: 50000\r\n\r\n{"channel":"${'x'.repeat(20_000)}`);
    return raw;
  },
};

for (const [what, come] of Object.entries(BROKEN)) {
  test(`${what} leave nothing`, async (t) => {
    const it = await measured(t);
    await it.leaksNothing(round(() => come(t, it.server), gone), { clients: CLIENTS });
  });
}
