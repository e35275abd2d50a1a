// Input that no honest client sends: each is answered or ended cleanly, memory stays bounded, the others notice nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { withBystander } from './bystander.mjs';
import { as, connect } from './client.mjs';
import { BINARY, CLOSE, PING, TEXT, closeFrame, frame, openRaw, openRawWebSocket } from './raw.mjs';
import { API_KEY, isVeche, openConfig, startServer } from './server.mjs';
import { inSeconds, token, unsignedToken } from './tokens.mjs';
import { within } from './wait.mjs';

const DOOR = '/connection/websocket';
const HELLO = frame(TEXT, '{"id":1,"connect":{}}');
const ours = { skip: !isVeche && 'the original answers otherwise' };

async function opened(t, server) {
  const raw = await openRawWebSocket(t, server, DOOR);
  raw.write(HELLO);
  await raw.object((reply) => reply.id === 1);
  return raw;
}

/** Text frames after connect that must end the connection with 3501. */
const BAD_COMMANDS = {
  'no JSON at all': 'hello?',
  'half an object': '{"id":2,"rpc":{',
  'an empty frame': '',
  'an array': '[1,2,3]',
  'a number': '17',
  'a string as id': '{"id":"two","rpc":{}}',
  'a negative id': '{"id":-1,"rpc":{}}',
  'an id beyond 32 bits': '{"id":4294967296,"rpc":{}}',
  'a number as channel': '{"id":2,"subscribe":{"channel":5}}',
  'a list as command': '{"id":2,"subscribe":[]}',
  'a command that nobody knows': '{"id":2,"fly":{"to":"the moon"}}',
  'a second connect': '{"id":2,"connect":{}}',
  'the ping command': '{"id":2,"ping":{}}',
  'a pong that nobody waits for': '{}',
  'a blank line between commands': '{"id":2,"rpc":{}}\n\n{"id":3,"rpc":{}}',
};

for (const [what, text] of Object.entries(BAD_COMMANDS)) {
  test(`${what} ends the connection with 3501 and a reason`, async (t) => {
    const { server, unharmed } = await withBystander(t);
    const raw = await opened(t, server);
    raw.write(frame(TEXT, text));
    const { code, reason } = await raw.closing();
    assert.deepEqual([code, reason], [3501, 'bad request']);
    raw.write(closeFrame(code));
    await within(raw.ended, 'the end of TCP');
    await unharmed();
  });
}

test('nesting of thirty thousand levels is data or a refusal, never a crash', async (t) => {
  const { server, unharmed } = await withBystander(t);
  const deep = '['.repeat(30_000) + ']'.repeat(30_000);
  for (const text of [`{"id":2,"publish":{"channel":"deep","data":${deep}}}`, `{"id":2,"nobody":${deep}}`, deep, `{"id":2,"connect":${'{"subs":'.repeat(5000)}`]) {
    const raw = await opened(t, server);
    raw.write(frame(TEXT, text));
    const { opcode, payload } = await raw.frame();
    if (opcode === CLOSE) assert.equal(payload.readUInt16BE(), 3501);
    else assert.equal(JSON.parse(payload).id, 2);
  }
  const { status } = await server.post('/api/publish', `{"channel":"deep","data":${deep}}`, { 'X-API-Key': API_KEY });
  assert.ok([200, 400].includes(status), `HTTP ${status}`);
  await unharmed();
});

test('ten thousand commands in one frame are all answered where the size is allowed', async (t) => {
  const { server, unharmed } = await withBystander(t, { websocket: { message_size_limit: 1_000_000 } });
  const raw = await opened(t, server);
  const commands = Array.from({ length: 10_000 }, (_, i) => `{"id":${i + 2},"rpc":{"method":"x"}}`);
  raw.write(frame(TEXT, commands.join('\n')));
  await unharmed();
  const last = await raw.object((reply) => reply.id === 10_001);
  assert.equal(last.error.code, 108);
});

test('ten thousand commands in one frame are too big by default and end with 1009', async (t) => {
  const { server, unharmed } = await withBystander(t);
  const raw = await opened(t, server);
  raw.write(frame(TEXT, Array.from({ length: 10_000 }, (_, i) => `{"id":${i + 2},"rpc":{}}`).join('\n')));
  assert.equal((await raw.closing()).code, 1009);
  await unharmed();
});

test('a frame that claims an exabyte is refused with 1009 before it is sent', async (t) => {
  const { server, unharmed } = await withBystander(t);
  for (const length of [65_537, 2 ** 40, 2n ** 62n]) {
    const raw = await opened(t, server);
    raw.write(frame(TEXT, 'short', { length }));
    assert.equal((await raw.closing()).code, 1009);
  }
  await unharmed();
});

test('a message in endless fragments ends with 1009', async (t) => {
  const { server, unharmed } = await withBystander(t);
  const raw = await opened(t, server);
  raw.write(frame(TEXT, 'x'.repeat(1000), { fin: false }));
  for (let n = 0; n < 80; n++) raw.write(frame(0, 'x'.repeat(1000), { fin: false }));
  assert.equal((await raw.closing()).code, 1009);
  await unharmed();
});

/** Frames that break RFC 6455, and the code each must be closed with. */
const BROKEN_FRAMES = {
  'an unmasked frame': [frame(TEXT, '{}', { mask: null }), 1002],
  'a reserved bit': [frame(TEXT, '{}', { rsv2: true }), 1002],
  'compression that was not agreed': [frame(TEXT, '{}', { rsv1: true }), 1002],
  'an opcode that nobody defined': [frame(3, 'x'), 1002],
  'a control opcode that nobody defined': [frame(11, 'x'), 1002],
  'a ping of 126 bytes': [frame(PING, 'x'.repeat(126)), 1002],
  'a fragmented ping': [frame(PING, 'x', { fin: false }), 1002],
  'a continuation of nothing': [frame(0, 'x'), 1002],
  'a new message inside another': [Buffer.concat([frame(TEXT, 'a', { fin: false }), frame(TEXT, 'b')]), 1002],
  'a close of one byte': [frame(CLOSE, Buffer.from([3])), 1002],
  'a close with a code that must not be sent': [closeFrame(1005), 1002],
};

for (const [what, [bytes, code]] of Object.entries(BROKEN_FRAMES)) {
  test(`${what} is closed with ${code}`, ours, async (t) => {
    const { server, unharmed } = await withBystander(t);
    const raw = await opened(t, server);
    raw.write(bytes);
    assert.equal((await raw.closing()).code, code);
    await within(raw.ended, 'the end of TCP');
    await unharmed();
  });
}

test('invalid UTF-8 in a text frame is closed with 1007', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  const bad = Buffer.from('{"id":2,"publish":{"channel":"bystander","data":"\xff\xfe"}}', 'latin1');
  const raw = await opened(t, server);
  raw.write(frame(TEXT, bad));
  assert.equal((await raw.closing()).code, 1007);
  await unharmed();
});

test('invalid UTF-8 in the data of a binary frame or of the API is refused and reaches nobody', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  const bad = Buffer.from('{"id":2,"publish":{"channel":"bystander","data":"\xff\xfe"}}', 'latin1');
  const raw = await opened(t, server);
  raw.write(frame(BINARY, bad));
  const { opcode, payload } = await raw.frame();
  if (opcode === CLOSE) assert.ok([1007, 3501].includes(payload.readUInt16BE()));
  else assert.equal(JSON.parse(payload).error.code, 107);
  const answer = await server.post('/api/publish', Buffer.from('{"channel":"bystander","data":"\xff"}', 'latin1'), { 'X-API-Key': API_KEY });
  assert.ok(answer.status === 400 || JSON.parse(answer.text).error?.code === 107, answer.text);
  await unharmed();
});

test('a Protobuf length that no message can have ends with a code', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  for (const bytes of [[0xff, 0xff, 0xff, 0xff, 0x0f], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [0x05, 0x08, 0x01], [0x02, 0xff, 0xff], [0x80]]) {
    const raw = await openRawWebSocket(t, server, DOOR, { protocol: 'centrifuge-protobuf' });
    raw.write(frame(BINARY, Buffer.from(bytes)));
    const { code } = await raw.closing();
    assert.ok([3501, 1009].includes(code), `closed with ${code}`);
  }
  await unharmed();
});

test('a small frame that inflates to gigabytes ends with 1009', async (t) => {
  const { server, unharmed } = await withBystander(t, { websocket: { compression: true } });
  const raw = await openRawWebSocket(t, server, DOOR, { headers: ['Sec-WebSocket-Extensions: permessage-deflate'] });
  assert.match(raw.answer.headers['sec-websocket-extensions'], /permessage-deflate/);
  const bomb = deflateRawSync(Buffer.alloc(32 << 20), { level: 9 });
  assert.ok(bomb.length < 65_536);
  raw.write(frame(TEXT, bomb, { rsv1: true }));
  assert.equal((await raw.closing()).code, 1009);
  await unharmed();
});

test('rubbish that calls itself compressed is closed, not inflated', ours, async (t) => {
  const { server, unharmed } = await withBystander(t, { websocket: { compression: true } });
  const raw = await openRawWebSocket(t, server, DOOR, { headers: ['Sec-WebSocket-Extensions: permessage-deflate'] });
  raw.write(frame(TEXT, Buffer.from([0xff, 0xff, 0xff, 0xff]), { rsv1: true }));
  assert.ok([1002, 1007].includes((await raw.closing()).code));
  await unharmed();
});

/** Tokens that must not open the door, and how each is answered. */
const BAD_TOKENS = {
  'a token that needs no signature': [unsignedToken({ sub: 'mallory' }), { close: 3500 }],
  'a token signed with another key': [token({ sub: 'mallory' }, { secret: 'guess' }), { close: 3500 }],
  'a token of an algorithm that is not configured': [token({ sub: 'mallory' }, { header: { alg: 'RS256', typ: 'JWT' } }), { close: 3500 }],
  'a token whose claims were changed': [changed(token({ sub: 'alice' })), { close: 3500 }],
  'a token with a number as user': [token({ sub: 42 }), { close: 3500 }],
  'a token past its expiry': [token({ sub: 'alice', exp: inSeconds(-1) }), { error: 109 }],
  'a token that is not valid yet': [token({ sub: 'alice', nbf: inSeconds(300) }), { error: 109 }],
  'a token of one dot': ['a.b', { close: 3500 }],
  'a token of sixty kilobytes': ['x'.repeat(60_000), { close: 3500 }],
};

function changed(good) {
  const [header, , signature] = good.split('.');
  return `${header}.${Buffer.from('{"sub":"root"}').toString('base64url')}.${signature}`;
}

for (const [what, [bad, expected]] of Object.entries(BAD_TOKENS)) {
  test(`${what} is refused with ${expected.close ?? `error ${expected.error}`}`, async (t) => {
    const server = await startServer(t, openConfig());
    const raw = await openRawWebSocket(t, server, DOOR);
    raw.write(frame(TEXT, JSON.stringify({ id: 1, connect: { token: bad } })));
    if (expected.close) assert.equal((await raw.closing()).code, expected.close);
    else assert.equal((await raw.object((reply) => reply.id === 1)).error.code, expected.error);
    const good = await connect(t, server, as('alice'));
    assert.ok(good.connected.client);
  });
}

test('a body that never ends is cut off, and its bytes are not kept', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  const raw = await openRaw(t, server);
  raw.write(`POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, '{'), Buffer.from('\r\n')]);
  const limit = 512 << 20;
  let sent = 0;
  for (; sent < limit && !raw.isEnded; sent += chunk.length) {
    if (!raw.socket.write(chunk)) await Promise.race([new Promise((done) => raw.socket.once('drain', done)), raw.ended]);
  }
  assert.ok(sent < limit, 'the whole body was taken');
  await unharmed();
});

test('a body that stops half-way does not hold its connection for ever', async (t) => {
  const { server, unharmed } = await withBystander(t);
  const raw = await openRaw(t, server);
  raw.write(`POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nContent-Length: 1000\r\n\r\n{"channel"`);
  await unharmed();
  await within(raw.ended, 'the end of the stalled request', 45_000);
});

test('a request head that never ends is cut off', async (t) => {
  const { server, unharmed } = await withBystander(t);
  const slow = await openRaw(t, server);
  slow.write(`GET ${DOOR} HTTP/1.1\r\nHost: x\r\n`);
  const long = await openRaw(t, server);
  long.write(`GET ${DOOR} HTTP/1.1\r\nHost: x\r\n`, `X-Long: ${'x'.repeat(4 << 20)}\r\n`);
  await within(long.ended, 'the end of the long head');
  await unharmed();
  await within(slow.ended, 'the end of the slow head', 20_000);
});

test('upgrades that are no WebSocket handshake get an HTTP error', ours, async (t) => {
  const { server } = await withBystander(t);
  const lines = { Host: 'x', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  const wrong = {
    'a key of 3 bytes': [{ 'Sec-WebSocket-Key': 'YWJj' }, 400],
    'no key': [{ 'Sec-WebSocket-Key': undefined }, 400],
    'version 8': [{ 'Sec-WebSocket-Version': '8' }, 426],
    'no upgrade': [{ Upgrade: undefined, Connection: undefined }, 426],
  };
  for (const [what, [change, status]] of Object.entries(wrong)) {
    const raw = await openRaw(t, server);
    const head = Object.entries({ ...lines, ...change }).filter(([, value]) => value !== undefined);
    raw.write(`GET ${DOOR} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`);
    const answer = await raw.head();
    assert.ok([400, status].includes(answer.status), `${what}: ${answer.line}`);
    assert.ok(answer.body.length > 0, `${what} is explained`);
  }
  const old = await openRaw(t, server);
  old.write(`GET ${DOOR} HTTP/1.0\r\n${Object.entries(lines).map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`);
  const { status } = await old.head();
  assert.ok(status >= 400 && status < 600, `HTTP/1.0 got ${status}`);
});

test('a request with two lengths is refused and its connection closed', ours, async (t) => {
  const { server } = await withBystander(t);
  const raw = await openRaw(t, server);
  raw.write(`POST /api/info HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`);
  const { status } = await raw.head();
  assert.equal(status, 400);
  await within(raw.ended, 'the end of TCP');
});

test('a thousand sockets that say nothing do not keep others out', async (t) => {
  const { server, unharmed } = await withBystander(t);
  await Promise.all(Array.from({ length: 1000 }, () => openRaw(t, server)));
  const { connected } = await connect(t, server, {});
  assert.ok(connected.client);
  await unharmed();
});
