// A process that stands still for a while (a stopped process, a paused virtual machine) and then goes on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openBare } from './bare.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { token } from './tokens.mjs';
import { Heard } from './wait.mjs';

const skip = !isVeche && 'the original looks at timers first';
const CLIENTS = 16;
const PATIENCE_MS = 30_000;

/** Every way to be pinged: where one connects, whether by a command, and whether pings are frames. */
const WAYS = {
  'pings of the protocol': { path: '/connection/websocket', connects: true, isFrame: false },
  'pings as frames': { path: '/connection/websocket?cf_ws_frame_ping_pong=true', connects: true, isFrame: true },
  'the plain dialect': { path: `/connection/plain?token=${token({ sub: 'anna' })}`, connects: false, isFrame: true },
};

/** A client that pongs, or keeps its pong back while `holds` says so. */
async function ponging(t, server, way) {
  const { socket, closed } = await openBare(t, server.ws + way.path, { autoPong: false });
  const client = { way, socket, holds: false, owes: false, code: undefined, pings: new Heard(), closed };
  closed.then(({ code }) => (client.code = code));
  client.pong = () => {
    client.owes = false;
    if (way.isFrame) socket.pong();
    else socket.send('{}');
  };
  const pinged = () => {
    client.owes = true;
    if (!client.holds) client.pong();
    client.pings.push('ping');
  };
  if (way.isFrame) socket.on('ping', pinged);
  else socket.on('message', (bytes) => bytes.toString().trim() === '{}' && pinged());
  if (way.connects) socket.send(JSON.stringify({ id: 1, connect: { token: token({ sub: 'anna' }) } }));
  return client;
}

test('a pong that already waits in the socket counts when the process goes on', { skip }, async (t) => {
  const server = await startServer(t, openConfig({ plain: { enabled: true }, node: { workers: 2 }, client: { ping_interval: '6s', pong_timeout: '5s' } }));
  const clients = [];
  for (const way of Object.values(WAYS)) {
    for (let n = 0; n < CLIENTS; n++) clients.push(await ponging(t, server, way));
  }
  await Promise.all(clients.map((client) => client.pings.count(1, 'a ping', PATIENCE_MS)));
  for (const client of clients) client.holds = true;
  const owing = () => clients.filter((client) => client.owes);
  while (!Object.values(WAYS).every((way) => owing().filter((client) => client.way === way).length > 1)) await pause(5);
  process.kill(server.pid, 'SIGSTOP');
  const held = owing();
  try {
    for (const [at, client] of held.entries()) {
      // Every other pong lies behind more than a turn reads.
      for (let n = 0; at % 2 && n < 1500; n++) client.socket.ping('x'.repeat(100));
      client.pong();
    }
    // Longer than the time for a pong.
    await pause(6000);
  } finally {
    for (const client of clients) client.holds = false;
    process.kill(server.pid, 'SIGCONT');
  }
  for (const client of owing()) client.pong();
  // All are pinged again, and answer.
  const pinged = clients.map((client) => client.pings.count(client.pings.items.length + 1, 'a ping after the pause', PATIENCE_MS));
  await Promise.race([Promise.all(pinged), ...clients.map((client) => client.closed)]);
  assert.deepEqual(clients.filter(({ code }) => code !== undefined).map(({ way, code }) => [way.path, code]), []);
});

test('a client that does not answer is found out after a pause, too', { skip }, async (t) => {
  const server = await startServer(t, openConfig({ client: { ping_interval: '2s', pong_timeout: '1s' } }));
  const client = await ponging(t, server, WAYS['pings of the protocol']);
  client.holds = true;
  await client.pings.count(1, 'a ping');
  process.kill(server.pid, 'SIGSTOP');
  await pause(2000);
  process.kill(server.pid, 'SIGCONT');
  await client.closed;
  assert.equal(client.code, 3012);
});
