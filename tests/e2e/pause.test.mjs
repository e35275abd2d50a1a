// A process that stands still for a while (a stopped process, a paused virtual machine) and then goes on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openRawWebSocket, CLOSE, PING, PONG, TEXT, frame } from './raw.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { token } from './tokens.mjs';
import { Heard, within } from './wait.mjs';

const skip = !isVeche && 'the original looks at timers first';
const CLIENTS = 16;

/** Every way to be pinged: how one connects, what a ping is, and what answers it. */
const WAYS = {
  'pings of the protocol': ['/connection/websocket', true, (it) => it.opcode === TEXT && it.payload.toString().trim() === '{}', frame(TEXT, '{}')],
  'pings as frames': ['/connection/websocket?cf_ws_frame_ping_pong=true', true, (it) => it.opcode === PING, frame(PONG, '')],
  'the plain dialect': [`/connection/plain?token=${token({ sub: 'anna' })}`, false, (it) => it.opcode === PING, frame(PONG, '')],
};

/** A client that pongs, or keeps its pong back while `holds` says so. */
async function ponging(t, server, [path, connects, isPing, pong]) {
  const raw = await openRawWebSocket(t, server, path);
  if (connects) raw.write(frame(TEXT, JSON.stringify({ id: 1, connect: { token: token({ sub: 'anna' }) } })));
  const client = { raw, holds: false, owes: false, closed: undefined, pings: new Heard() };
  client.pong = () => {
    client.owes = false;
    raw.write(pong);
  };
  client.ended = (async () => {
    for (;;) {
      const it = await raw.frame();
      if (it.opcode === CLOSE) return (client.closed = it.payload.readUInt16BE());
      if (!isPing(it)) continue;
      client.owes = true;
      client.pings.push(it);
      if (!client.holds) client.pong();
    }
  })().catch(() => {});
  return client;
}

test('a pong that already waits in the socket counts when the process goes on', { skip }, async (t) => {
  const server = await startServer(t, openConfig({ plain: { enabled: true }, node: { workers: 2 }, client: { ping_interval: '4s', pong_timeout: '3s' } }));
  const clients = [];
  for (const way of Object.values(WAYS)) {
    for (let n = 0; n < CLIENTS; n++) clients.push(await ponging(t, server, way));
  }
  await Promise.all(clients.map((client) => client.pings.count(1, 'a ping')));
  for (const client of clients) client.holds = true;
  const owing = () => clients.filter((client) => client.owes);
  const each = (all, size) => Array.from({ length: Object.keys(WAYS).length }, (_, way) => all.filter((client) => Math.floor(clients.indexOf(client) / CLIENTS) === way).length >= size);
  await within((async () => {
    while (!each(owing(), 3).every(Boolean)) await pause(5);
  })(), 'three clients of each kind to be pinged');
  process.kill(server.pid, 'SIGSTOP');
  try {
    for (const [at, client] of owing().entries()) {
      // Every other pong lies behind more than a turn reads.
      if (at % 2) client.raw.write(Buffer.concat(Array.from({ length: 1500 }, () => frame(PING, 'x'.repeat(100)))));
      client.pong();
    }
    await pause(4500);
  } finally {
    for (const client of clients) client.holds = false;
    process.kill(server.pid, 'SIGCONT');
  }
  for (const client of owing()) client.pong();
  // All are pinged again, and answer.
  await Promise.all(clients.map((client) => client.pings.count(client.pings.items.length + 1, 'a ping after the pause')));
  assert.deepEqual(clients.map((client) => client.closed).filter((code) => code !== undefined), []);
});

test('a client that does not answer is found out after a pause, too', { skip }, async (t) => {
  const server = await startServer(t, openConfig({ client: { ping_interval: '2s', pong_timeout: '1s' } }));
  const client = await ponging(t, server, WAYS['pings of the protocol']);
  await client.pings.count(1, 'a ping');
  client.holds = true;
  await client.pings.count(2, 'another ping');
  process.kill(server.pid, 'SIGSTOP');
  await pause(2000);
  process.kill(server.pid, 'SIGCONT');
  await within(client.ended, 'the end');
  assert.equal(client.closed, 3012);
});
