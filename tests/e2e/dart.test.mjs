// What a server must do for the client of the Dart virtual machine. Each test is one rule that follows from its bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { as, connect, subscribe } from './client.mjs';
import { DOOR, checkFrame, dart, deflate, listen, message, object, ours } from './dart.mjs';
import { BINARY, CLOSE, PING, PONG, TEXT, closeFrame, frame, openRaw, upgrade } from './raw.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { token } from './tokens.mjs';
import { hear, within } from './wait.mjs';

const start = (t, overrides = {}) => startServer(t, openConfig({ ...(isVeche ? { plain: { enabled: true } } : {}), ...overrides }));

test('rule 1: an upgrade with content-length: 0 is accepted, goes on, and its 101 declares no length', async (t) => {
  const server = await start(t);
  for (const old of [true, false]) {
    const raw = await dart(t, server, { old });
    assert.equal(raw.answer.status, 101);
    assert.equal(raw.answer.headers['content-length'], undefined);
    assert.equal(raw.answer.headers['transfer-encoding'], undefined);
    await raw.login();
  }
});

test('rule 2: header names come in any case and order, and Connection holds several tokens', async (t) => {
  const server = await start(t);
  const spellings = [
    (key) => [`SEC-WEBSOCKET-KEY: ${key}`, 'UPGRADE: WebSocket', 'CONNECTION: keep-alive, Upgrade', 'HOST: x', 'SEC-WEBSOCKET-VERSION: 13'],
    (key) => ['user-agent: Dart/3.5 (dart:io)', 'user-agent: mine', 'connection: upgrade,keep-alive', 'host: x', 'upgrade:websocket', 'sec-websocket-version:13', `sec-websocket-key:${key}`],
  ];
  for (const lines of spellings) {
    const raw = await openRaw(t, server);
    const { request, accept } = upgrade(DOOR, lines);
    raw.write(request);
    const { status, headers } = await raw.head();
    assert.deepEqual([status, headers['sec-websocket-accept']], [101, accept]);
  }
});

test('rule 3: without an origin one is let in, with one the list decides', async (t) => {
  const server = await start(t, { client: { allowed_origins: ['https://app.example.com'] } });
  const status = async (extra) => (await dart(t, server, { extra })).answer.status;
  assert.equal(await status([]), 101);
  assert.equal(await status(['origin: https://app.example.com']), 101);
  assert.equal(await status(['origin: https://evil.example.org']), 403);
});

test('rule 4: the 101 has its upgrade, its connection and the right accept', async (t) => {
  const server = await start(t);
  const { answer, accept } = await dart(t, server);
  assert.equal(answer.line, 'HTTP/1.1 101 Switching Protocols');
  assert.equal(answer.headers.upgrade.toLowerCase(), 'websocket');
  assert.equal(answer.headers.connection.toLowerCase(), 'upgrade');
  assert.equal(answer.headers['sec-websocket-accept'], accept);
});

test('rule 5: compression is answered by nothing or by one extension with legal parameters', async (t) => {
  const off = await start(t);
  assert.equal((await dart(t, off)).answer.headers['sec-websocket-extensions'], undefined);
  const on = await start(t, { websocket: { compression: true } });
  const { answer } = await dart(t, on);
  const [name, ...parameters] = answer.headers['sec-websocket-extensions'].split(';').map((part) => part.trim());
  assert.equal(name, 'permessage-deflate');
  for (const parameter of parameters) {
    assert.match(parameter, /^(server_no_context_takeover|client_no_context_takeover|(server|client)_max_window_bits=(9|1[0-5]))$/);
  }
  assert.equal(new Set(parameters).size, parameters.length);
});

test('rule 6: small and empty messages come compressed, and what inflates without end is refused', async (t) => {
  const server = await start(t, { websocket: { compression: true } });
  const raw = await dart(t, server);
  assert.equal(raw.compressed, true);
  await raw.login();
  if (isVeche) {
    raw.write(message('', true));
    assert.equal((await object(raw, (frame) => frame.error)).code, 107);
    raw.write(message('{"action":"ping","id":3}', true));
    await object(raw, (frame) => frame.id === 3);
  }
  raw.write(frame(BINARY, deflate(Buffer.alloc(32 << 20)), { rsv1: true }));
  assert.equal((await raw.closing()).code, 1009);
});

test('rule 7: large messages come in one frame, with no control frame inside', ours, async (t) => {
  const server = await start(t, { client: { ping_interval: '1s', pong_timeout: '500ms' } });
  const raw = await dart(t, server);
  await raw.login();
  await listen(raw, 'news');
  const text = 'ы'.repeat(200_000);
  for (let n = 0; n < 3; n++) {
    await server.publish('news', `${n}${text}`);
    raw.write(frame(PING, 'between'));
    const { data } = await object(raw, (frame) => frame.channel === 'news' && frame.data);
    assert.equal(data, `${n}${text}`);
  }
});

test('rule 8: no frame is masked, fragmented, reserved or a long control frame, in a whole session', ours, async (t) => {
  for (const compression of [false, true]) {
    const server = await start(t, { websocket: { compression }, client: { ping_interval: '1s', pong_timeout: '500ms' } });
    const raw = await dart(t, server);
    await raw.login();
    await listen(raw, 'news');
    for (const [id, action] of ['history', 'presence', 'unsubscribe', 'fly'].entries()) {
      raw.write(message(JSON.stringify({ action, channel: 'news', limit: 5, id: 10 + id }), raw.compressed));
      await object(raw, (frame) => frame.id === 10 + id);
    }
    await server.call('disconnect', { user: 'dart', disconnect: { code: 4000, reason: 'over' } });
    for (;;) {
      const received = await raw.frame();
      checkFrame(received, raw.compressed);
      if (received.opcode === CLOSE) break;
    }
  }
});

test('rule 9: text is valid UTF-8 after inflating, both ways', ours, async (t) => {
  const server = await start(t, { websocket: { compression: true } });
  const raw = await dart(t, server);
  await raw.login();
  await listen(raw, 'news');
  const text = 'привет, 世界 😀 \u0000 \u2028';
  await server.publish('news', text);
  assert.equal((await object(raw, (frame) => frame.channel === 'news' && frame.data)).data, text);
  raw.write(frame(TEXT, deflate(Buffer.from([0x22, 0xff, 0xfe, 0x22])), { rsv1: true }));
  assert.equal((await raw.closing()).code, 1007);
});

test('rule 10: a close with the sending side shut is answered, and then TCP ends', async (t) => {
  const server = await start(t);
  const raw = await dart(t, server);
  await raw.login();
  raw.write(closeFrame(3678, 'raisin'));
  raw.finish();
  assert.equal((await raw.closing()).code, 3678);
  await within(raw.ended, 'the end of TCP', 3000);
});

test('rule 10: a close before anything was said is answered too', async (t) => {
  const server = await start(t);
  const raw = await dart(t, server);
  raw.write(closeFrame(1000));
  raw.finish();
  assert.equal((await raw.closing()).code, 1000);
  await within(raw.ended, 'the end of TCP', 3000);
});

test('rule 11: the server says code and reason, waits for the echo, and then ends TCP', async (t) => {
  const server = await start(t);
  const raw = await dart(t, server);
  await raw.login();
  await server.call('disconnect', { user: 'dart', disconnect: { code: 4999, reason: 'goodbye' } });
  assert.deepEqual(await raw.closing(), { code: 4999, reason: 'goodbye' });
  assert.equal(raw.isEnded, false);
  raw.write(closeFrame(4999));
  raw.finish();
  await within(raw.ended, 'the end of TCP', 3000);
});

test('rule 12: reasons are cut to 123 bytes between characters, and codes outside 3000-4999 are refused', ours, async (t) => {
  const server = await start(t);
  const raw = await dart(t, server);
  await raw.login();
  for (const code of [0, 999, 1005, 2999, 5000, 70_000]) {
    assert.equal((await server.api('disconnect', { user: 'dart', disconnect: { code, reason: 'x' } })).error?.code, 107, String(code));
  }
  await server.call('disconnect', { user: 'dart', disconnect: { code: 4001, reason: 'причина '.repeat(40) } });
  const { code, reason } = await raw.closing();
  assert.equal(code, 4001);
  assert.ok(Buffer.byteLength(reason) <= 123);
  assert.ok('причина '.repeat(40).startsWith(reason) && reason.length > 50, reason);
});

test('rule 13: the server pings after silence, an answer keeps the connection, silence ends it with 3012', ours, async (t) => {
  const server = await start(t, { client: { ping_interval: '1s', pong_timeout: '400ms' } });
  const raw = await dart(t, server);
  await raw.login();
  const nextPing = async () => {
    for (;;) {
      const received = await raw.frame();
      if (received.opcode === PING) return received.payload;
      assert.notEqual(received.opcode, CLOSE);
    }
  };
  for (let n = 0; n < 2; n++) raw.write(frame(PONG, await nextPing()));
  await nextPing();
  assert.equal((await raw.closing()).code, 3012);
});

test('rule 14: a ping is answered with its own bytes, also between other messages', async (t) => {
  const server = await start(t);
  const raw = await dart(t, server);
  await raw.login();
  for (const payload of ['', 'a', 'x'.repeat(125)]) {
    raw.write(frame(TEXT, '{"action":"p', { fin: false }), frame(PING, payload));
    let received = await raw.frame();
    while (received.opcode !== PONG) received = await raw.frame();
    assert.equal(received.payload.toString(), payload);
    if (!isVeche) return;
    raw.write(frame(0, 'ing","id":5}'));
    await object(raw, (frame) => frame.id === 5);
  }
});

test('rule 15: one offered subprotocol is echoed, none is invented', async (t) => {
  const server = await start(t);
  const protocol = async (protocols, path = '/connection/websocket') => {
    const { answer } = await dart(t, server, { protocols, path });
    assert.equal(answer.status, 101);
    return answer.headers['sec-websocket-protocol'];
  };
  assert.equal(await protocol(undefined), undefined);
  assert.equal(await protocol('centrifuge-protobuf'), 'centrifuge-protobuf');
  assert.equal(await protocol('other, centrifuge-json'), 'centrifuge-json');
  assert.equal(await protocol('unknown, another'), undefined);
  if (!isVeche) return;
  assert.equal(await protocol(undefined, DOOR), undefined);
  assert.equal(await protocol('unknown', DOOR), undefined);
  const bearer = `bearer.${token({ sub: 'dart' })}`;
  assert.equal(await protocol(`other, ${bearer}`, DOOR), bearer);
});

test('rule 16: a refused upgrade says why, and with errors=ws it says so on the socket', ours, async (t) => {
  const server = await start(t, { client: { allowed_origins: ['https://app.example.com'] } });
  const extra = ['origin: https://evil.example.org'];
  const refused = await dart(t, server, { extra });
  assert.equal(refused.answer.status, 403);
  assert.match(refused.answer.body, /evil\.example\.org/);
  const told = await dart(t, server, { extra, path: `${DOOR}?errors=ws` });
  assert.equal(told.answer.status, 101);
  const { error } = await object(told, (frame) => frame.error);
  assert.match(error, /evil\.example\.org/);
  assert.equal((await told.closing()).code, 4403);
});

test('rule 17: the token comes by header, by query, by first message or by subprotocol', ours, async (t) => {
  const server = await start(t);
  const jwt = token({ sub: 'dart' });
  for (const options of [{ authorization: `Bearer ${jwt}` }, { path: `${DOOR}?token=${jwt}` }, { protocols: `bearer.${jwt}` }]) {
    const raw = await dart(t, server, options);
    assert.equal((await object(raw, (frame) => frame.event === 'welcome')).user, 'dart');
    await listen(raw, 'news');
  }
  const raw = await dart(t, server);
  assert.equal((await raw.login()).event, 'login');
  await listen(raw, 'news');
});

test('rule 18: a client that vanished without a close leaves the channel when its pong is due', ours, async (t) => {
  const server = await start(t, { client: { ping_interval: '1s', pong_timeout: '400ms' } });
  const watcher = await connect(t, server, as('watcher'));
  const { sub } = await subscribe(watcher.client, 'room', { joinLeave: true });
  const leaves = hear(sub, 'leave', (context) => context.info.user);
  const raw = await dart(t, server);
  await raw.login();
  await listen(raw, 'room');
  raw.socket.pause();
  await leaves.until((users) => users.includes('dart'), 'the leave of the silent client');
  const { num_clients: clients } = await server.call('presence_stats', { channel: 'room' });
  assert.equal(clients, 1);
});
