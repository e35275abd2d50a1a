// Which ends are final for the tools: servers that say exactly that.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocketServer } from 'ws';
import { runTool, tool } from './tools.mjs';

/** A server that answers each line of a client by `answer(action, say, socket, connections)`. */
async function fake(t, answer, greet = () => {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((done) => server.on('listening', done));
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  let connections = 0;
  server.on('connection', (socket) => {
    connections++;
    const say = (...values) => values.forEach((value) => socket.send(JSON.stringify(value)));
    const heard = (line) => answer(JSON.parse(line), say, socket, connections);
    greet(say);
    socket.on('message', (bytes) => bytes.toString().split('\n').filter(Boolean).forEach(heard));
  });
  return `ws://127.0.0.1:${server.address().port}/`;
}

const connected = (id) => ({ id, connect: { client: 'c', version: '1', ping: 25, pong: true } });

test('from 2500 on an unsubscribe is followed by a subscribe with recovery, below it is final', async (t) => {
  const subscribes = [];
  const url = await fake(t, ({ id, connect, subscribe }, say) => {
    const push = (what) => ({ push: { channel: 'news', ...what } });
    if (connect) say(connected(id));
    if (!subscribe) return;
    subscribes.push([subscribe.recover ?? false, subscribe.epoch ?? '', subscribe.offset ?? 0]);
    const stream = { recoverable: true, positioned: true, epoch: 'e' };
    if (subscribes.length === 1) {
      say({ id, subscribe: { ...stream, offset: 5 } }, push({ pub: { data: 'a', offset: 6 } }), push({ unsubscribe: { code: 2500, reason: 'insufficient state' } }));
    } else {
      const publications = [{ data: 'b', offset: 7 }];
      say({ id, subscribe: { ...stream, offset: 6, was_recovering: true, recovered: true, publications } }, push({ unsubscribe: { code: 2499, reason: 'enough' } }));
    }
  });
  const { exit, lines } = await runTool(t, ['sub', url, 'news']);
  assert.equal(exit, 3);
  assert.deepEqual(subscribes, [[false, '', 0], [true, 'e', 6]]);
  assert.deepEqual(lines.filter(({ type }) => type === 'publication').map(({ data, offset, epoch }) => [data, offset, epoch]), [['a', 6, 'e'], ['b', 7, 'e']]);
  assert.equal(lines.find(({ type, code }) => type === 'subscribing' && code === 2500).reason, 'insufficient state');
  assert.equal(lines.find(({ type }) => type === 'unsubscribed').code, 2499);
});

test('the same in the plain dialect', async (t) => {
  const subscribes = [];
  const system = true;
  const url = await fake(
    t,
    ({ action, id, since }, say) => {
      if (action !== 'subscribe') return;
      subscribes.push(since ?? null);
      const end = (code) => ({ event: 'unsubscribed', channel: 'news', data: { code, reason: 'model' }, system });
      const publication = (data, n) => ({ event: 'message', channel: 'news', data, id: `e:${n}` });
      const recovered = subscribes.length > 1;
      const answer = { event: 'subscribed', id, channel: 'news', data: { position: recovered ? 'e:7' : 'e:5', recovered }, system };
      say(answer, recovered ? publication('b', 7) : publication('a', 6), end(recovered ? 2499 : 2500));
    },
    (say) => say({ event: 'welcome', client: 'c', ping: 25, system }),
  );
  const { exit, lines } = await runTool(t, ['sub', url, 'news', '--plain']);
  assert.equal(exit, 3);
  assert.deepEqual(subscribes, [null, 'e:6']);
  assert.deepEqual(lines.filter(({ type }) => type === 'publication').map(({ data }) => data), ['a', 'b']);
  assert.equal(lines.find(({ type }) => type === 'unsubscribed').code, 2499);
});

test('of connect errors a temporary one is tried again, and any other one is final', async (t) => {
  const url = await fake(t, ({ id, connect }, say, _, connections) => {
    if (!connect) return;
    const temporary = connections === 1;
    say({ id, error: temporary ? { code: 100, message: 'internal', temporary } : { code: 4242, message: 'not you' } });
  });
  const { exit, lines } = await runTool(t, ['sub', url, 'news']);
  assert.equal(exit, 3);
  assert.deepEqual(lines.filter(({ type }) => type === 'error').map(({ code }) => code), [100, 4242]);
  assert.deepEqual(lines.at(-1), { type: 'disconnected', code: 4242, reason: 'not you' });
});

for (const [codes, isFinal] of [[[3500, 3999, 4500, 4999], true], [[3000, 3499, 4000, 4499, 1001], false]]) {
  test(`a close with ${codes.join(', ')} is ${isFinal ? 'final' : 'followed by another attempt'}`, async (t) => {
    for (const code of codes) {
      const url = await fake(t, ({ id, connect }, say, socket, connections) => {
        if (connect) say(connected(id));
        if (connections === 1) socket.close(code, 'model');
        else if (connect) say({ push: { disconnect: { code: 4900, reason: 'the second one' } } });
      });
      const running = tool(t, ['sub', url, 'news']);
      assert.equal(await running.exit(), 3);
      const end = isFinal ? { code, reason: 'model' } : { code: 4900, reason: 'the second one' };
      assert.deepEqual(running.lines.items.at(-1), { type: 'disconnected', ...end });
    }
  });
}
