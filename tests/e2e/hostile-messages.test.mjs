// Frames and commands that no honest client sends, once the door is open.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { withBystander } from './bystander.mjs';
import { BINARY, CLOSE, PING, PONG, TEXT, closeFrame, frame, openRawWebSocket } from './raw.mjs';
import { isVeche } from './server.mjs';
import { within } from './wait.mjs';

const DOOR = '/connection/websocket';
const PLAIN = '/connection/plain';
const ours = { skip: !isVeche && 'the original answers otherwise' };
const all = Buffer.concat.bind(Buffer);

async function opened(t, server) {
  const raw = await openRawWebSocket(t, server, DOOR);
  raw.write(frame(TEXT, '{"id":1,"connect":{}}'));
  await raw.object((reply) => reply.id === 1);
  return raw;
}

/** What a compressed message looks like on the wire. */
const packed = (text) => deflateRawSync(Buffer.from(text), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
const bytes = (...list) => Buffer.from(list);
const ae = Buffer.from('ä中😀');

/** Frames, and the code each must be closed with. */
const FRAMES = {
  'the third reserved bit': [frame(TEXT, '{}', { rsv3: true }), 1002],
  'a length with its top bit': [frame(TEXT, '{}', { length: 2n ** 63n }), 1002, 1009],
  'a length of all bits': [frame(TEXT, '{}', { length: 2n ** 64n - 1n }), 1002, 1009],
  // Read all the same, as others do; what it says is a pong that nobody waits for.
  'a length in more bytes than it needs': [bytes(0x81, 0xfe, 0, 2, 0, 0, 0, 0, 0x7b, 0x7d), 3501],
  'a long length in more bytes than it needs': [bytes(0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0x7b, 0x7d), 3501],
  'a character that breaks off at the end': [frame(TEXT, ae.subarray(0, 1)), 1007],
  'a character that breaks off between frames': [all([frame(TEXT, ae.subarray(0, 3), { fin: false }), frame(0, 'x')]), 1007],
  'half a pair of UTF-16': [frame(TEXT, bytes(0xed, 0xa0, 0x80)), 1007],
  'a character in more bytes than it needs': [frame(TEXT, bytes(0xc0, 0xaf)), 1007],
  'a character beyond the last': [frame(TEXT, bytes(0xf4, 0x90, 0x80, 0x80)), 1007],
  'a reason that is no text': [frame(CLOSE, bytes(3, 0xe8, 0xff)), 1007],
  'a ping inside that is itself fragmented': [all([frame(TEXT, 'a', { fin: false }), frame(PING, 'b', { fin: false })]), 1002],
  'a close that is fragmented': [frame(CLOSE, bytes(3, 0xe8), { fin: false }), 1002],
  'a close of 126 bytes': [frame(CLOSE, all([bytes(3, 0xe8), Buffer.alloc(124, 'x')])), 1002],
  ...Object.fromEntries([0, 999, 1004, 1006, 1015, 2999, 5000, 65_535].map((code) => [`a close with code ${code}`, [closeFrame(code), 1002]])),
};

test('frames that break the rules are closed, each with its code', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  for (const [what, [sent, ...codes]] of Object.entries(FRAMES)) {
    await t.test(what, async (t) => {
      const raw = await opened(t, server);
      raw.write(sent);
      const { code } = await raw.closing();
      assert.ok(codes.includes(code), `closed with ${code}`);
      await within(raw.ended, 'the end of TCP');
    });
  }
  await unharmed();
});

test('compression where it must not be is closed with 1002, and what it hides is bounded', ours, async (t) => {
  const { server, unharmed } = await withBystander(t, { websocket: { compression: true } });
  const hello = packed('{"id":1,"connect":{}}');
  const part = (data, first, fin) => frame(first ? TEXT : 0, data, { fin, rsv1: first });
  const bomb = packed(Buffer.alloc(8 << 20, 'x'));
  const cases = {
    'a compressed ping': [frame(PING, packed('x'), { rsv1: true }), 1002],
    'a mark on the second fragment': [all([part(hello.subarray(0, 3), true, false), frame(0, hello.subarray(3), { rsv1: true })]), 1002],
    'an end in the middle': [frame(TEXT, all([hello.subarray(0, 4)]), { rsv1: true }), 1002, 1007, 3501],
    'a block of a kind that is none': [frame(TEXT, bytes(7), { rsv1: true }), 1002, 1007],
    'bad text inside': [frame(TEXT, packed(bytes(0xff, 0xfe)), { rsv1: true }), 1007],
    'a bomb in a hundred fragments': [all(Array.from({ length: 100 }, (_, i) => {
      const size = Math.ceil(bomb.length / 100);
      return part(bomb.subarray(i * size, (i + 1) * size), i === 0, i === 99);
    })), 1009],
  };
  for (const [what, [sent, ...codes]] of Object.entries(cases)) {
    await t.test(what, async (t) => {
      const raw = await openRawWebSocket(t, server, DOOR, { headers: ['Sec-WebSocket-Extensions: permessage-deflate'] });
      raw.write(sent);
      const { code } = await raw.closing();
      assert.ok(codes.includes(code), `closed with ${code}`);
    });
  }
  await unharmed();
});

test('floods of tiny frames are taken or ended, and cost the others nothing', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  const flood = (one, count) => Buffer.concat(Array.from({ length: count }, () => one));
  const fragments = await opened(t, server);
  fragments.write(frame(TEXT, '{"id":2,', { fin: false }), flood(frame(0, '', { fin: false }), 100_000), frame(0, '"rpc":{"method":"x"}}'));
  assert.equal((await fragments.object((reply) => reply.id === 2)).error.code, 108);
  const singles = await opened(t, server);
  const command = '{"id":3,"rpc":{"method":"x"}}';
  singles.write(frame(TEXT, command[0], { fin: false }), ...[...command.slice(1)].flatMap((byte) => [frame(PING, byte), frame(0, byte, { fin: false })]), frame(0, ''));
  assert.equal((await singles.object((reply) => reply.id === 3)).error.code, 108);
  const empty = await opened(t, server);
  empty.write(flood(frame(TEXT, ''), 100_000));
  assert.equal((await empty.closing()).code, 3501);
  const deaf = await opened(t, server);
  deaf.socket.pause();
  deaf.write(flood(frame(PING, 'x'.repeat(125)), 200_000));
  const pongs = await opened(t, server);
  pongs.write(flood(frame(PONG, ''), 50_000), frame(PING, 'still there'));
  assert.equal((await pongs.frame()).payload.toString(), 'still there');
  await unharmed();
});

test('nothing that follows a close frame is heard', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  const raw = await opened(t, server);
  raw.write(closeFrame(4321, 'bye'), frame(TEXT, '{"id":2,"publish":{"channel":"bystander","data":"late"}}'));
  assert.equal((await raw.closing()).code, 4321);
  await within(raw.ended, 'the end of TCP');
  const { text } = await server.post('/api/history', '{"channel":"bystander","limit":10}', { 'X-API-Key': 'e2e-api-key' });
  assert.ok(!text.includes('late'), text);
  await unharmed();
});

/** Commands in JSON: what comes of each is the reply's error code, 0 for a good reply, or a close code. */
const JSON_COMMANDS = {
  'a mark of byte order': ['\ufeff{"id":2,"rpc":{}}', 3501],
  'an id of 1e400': ['{"id":1e400,"rpc":{}}', 3501],
  'an id of 2.0': ['{"id":2.0,"rpc":{}}', 3501],
  'an id with a zero before it': ['{"id":02,"rpc":{}}', 3501],
  'an id that is no number': ['{"id":NaN,"rpc":{}}', 3501],
  'an id that is true': ['{"id":true,"rpc":{}}', 3501],
  'an escape that is none': ['{"id":2,"subscribe":{"channel":"a\\x"}}', 3501],
  'a raw control character in a string': ['{"id":2,"subscribe":{"channel":"a\u0001"}}', 3501],
  'a comment': ['{"id":2,/* */"rpc":{}}', 3501],
  'a comma too many': ['{"id":2,"rpc":{},}', 3501],
  'quotes of another kind': ["{'id':2,'rpc':{}}", 3501],
  'a key that is a number': ['{2:2,"rpc":{}}', 3501],
  'an offset below zero': ['{"id":2,"subscribe":{"channel":"a","recover":true,"offset":-1}}', 3501],
  'an offset beyond 64 bits': ['{"id":2,"subscribe":{"channel":"a","recover":true,"offset":18446744073709551616}}', 3501],
  'a flag beyond 64 bits': ['{"id":2,"subscribe":{"channel":"a","flag":9223372036854775808}}', 3501],
  'a flag with all its bits': ['{"id":2,"subscribe":{"channel":"a","flag":9223372036854775807}}', 0],
  'a flag that is a string': ['{"id":2,"subscribe":{"channel":"a","recover":"yes"}}', 3501],
  'a delta of another kind': ['{"id":2,"subscribe":{"channel":"a","delta":"xdelta"}}', 3501],
  'a filter that is no node': ['{"id":2,"subscribe":{"channel":"a","tf":[1]}}', 3501],
  'a filter of a hundred levels': [`{"id":2,"subscribe":{"channel":"a","tf":${'{"op":"not","nodes":['.repeat(100)}{"key":"a","cmp":"ex"}${']}'.repeat(100)}}}`, 107, 3501],
  'a limit beyond 32 bits': ['{"id":2,"history":{"channel":"a","limit":4294967296}}', 3501],
  'no channel': ['{"id":2,"subscribe":{}}', 3501],
  'a channel of 256 bytes': [`{"id":2,"subscribe":{"channel":"${'c'.repeat(256)}"}}`, 107],
  'a channel of sixty thousand bytes': [`{"id":2,"subscribe":{"channel":"${'c'.repeat(60_000)}"}}`, 107],
  'a channel that is not ASCII': ['{"id":2,"subscribe":{"channel":"Straße"}}', 107],
  'a channel of half a pair': ['{"id":2,"subscribe":{"channel":"\\ud800"}}', 107, 3501],
  'a channel with a zero byte': ['{"id":2,"subscribe":{"channel":"a\\u0000b"}}', 0],
  'a channel that is all boundaries': ['{"id":2,"subscribe":{"channel":":::###,,,$$$"}}', 0, 102, 103],
  'the same key twice': ['{"id":9,"id":2,"subscribe":{"channel":"x","channel":"a"}}', 0],
  'data of half a pair': ['{"id":2,"publish":{"channel":"a","data":"\\ud800"}}', 0, 107],
  'data of 1e400': ['{"id":2,"publish":{"channel":"a","data":1e400}}', 0, 107],
  'a token of rubbish': ['{"id":2,"subscribe":{"channel":"a","token":"a.b.c"}}', 103],
  'a command beside a command': ['{"id":2,"presence":{"channel":"a"},"history":{"channel":"a"}}', 0],
};

async function outcome(raw, id = 2) {
  for (;;) {
    const { opcode, payload } = await raw.frame();
    if (opcode === CLOSE) return payload.readUInt16BE();
    const replies = payload.toString().split('\n').map((line) => JSON.parse(line));
    const reply = replies.find((it) => it.id === id);
    if (reply) return reply.error?.code ?? reply.code ?? 0;
  }
}

test('commands in JSON that make no sense have an answer each', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  for (const [what, [text, ...expected]] of Object.entries(JSON_COMMANDS)) {
    await t.test(what, async (t) => {
      const raw = await opened(t, server);
      raw.write(frame(TEXT, text));
      const got = await outcome(raw);
      assert.ok(expected.includes(got), `it came to ${got}`);
    });
  }
  await unharmed();
});

const varint = (value) => {
  const list = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...list, Number(rest)]);
    list.push(Number(rest & 127n) | 128);
  }
};
const field = (number, wire, body = Buffer.alloc(0)) => all([varint(BigInt(number) * 8n + BigInt(wire)), body]);
const block = (number, body) => field(number, 2, all([varint(body.length), body]));
const id = field(1, 0, varint(2));
const channel = block(1, Buffer.from('a'));
const history = block(10, channel);
const nested = (depth) => Array.from({ length: depth }).reduce((inner) => block(6, inner), Buffer.alloc(0));

/** Commands in Protobuf: whether each is answered, or closed with 3501. */
const PROTOBUF_COMMANDS = {
  'fields that nobody knows, of every kind': [all([id, history, field(100, 0, varint(7)), field(101, 1, Buffer.alloc(8)), block(102, Buffer.from('x')), field(103, 5, Buffer.alloc(4))]), true],
  'the largest field number': [all([id, history, field(0x1fffffff, 0, varint(1))]), true],
  'the same field twice': [all([field(1, 0, varint(9)), id, history]), true],
  'a group': [all([id, history, field(100, 3), field(1, 0, varint(1)), field(100, 4)]), null],
  'a group that does not end': [all([id, history, field(100, 3)]), false],
  'the end of no group': [all([id, history, field(100, 4)]), false],
  'a kind of field that is none': [all([id, history, field(100, 6)]), false],
  'field number zero': [all([id, history, field(0, 0, varint(1))]), false],
  'a number of eleven bytes': [all([field(1, 0, Buffer.from([...Array(10).fill(0x80), 1])), history]), false],
  'a number that does not end': [all([id, history, field(100, 0, Buffer.from([0x80]))]), false],
  'a length beyond the message': [all([id, block(10, channel), field(102, 2, varint(1000))]), false],
  'a length with its top bit': [all([id, field(102, 2, varint(2n ** 63n))]), false],
  'fixed bytes that are cut off': [all([id, history, field(101, 1, Buffer.alloc(3))]), false],
  'another kind for a known field': [all([id, field(10, 0, varint(1))]), false],
  'a channel that is not UTF-8': [all([id, block(10, block(1, Buffer.from([0xff])))]), true],
  'a filter of ten thousand levels': [all([id, block(5, all([channel, block(13, nested(10_000))]))]), false],
};

test('commands in Protobuf that make no sense are answered or closed', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  const hello = all([field(1, 0, varint(1)), block(4, Buffer.alloc(0))]);
  const message = (command) => frame(BINARY, all([varint(command.length), command]));
  for (const [what, [command, isAnswered]] of Object.entries(PROTOBUF_COMMANDS)) {
    await t.test(what, async (t) => {
      const raw = await openRawWebSocket(t, server, DOOR, { protocol: 'centrifuge-protobuf' });
      raw.write(message(hello));
      await raw.frame();
      raw.write(message(command));
      const { opcode, payload } = await raw.frame();
      if (opcode === CLOSE) assert.equal(payload.readUInt16BE(), 3501);
      if (isAnswered !== null) assert.equal(opcode !== CLOSE, isAnswered);
    });
  }
  await unharmed();
});

/** Frames of the plain dialect, and the code of the error that answers each. */
const PLAIN_FRAMES = {
  'no JSON': ['hello?', 107],
  'nothing': ['', 107],
  'a list': ['[]', 107],
  'a string': ['"ping"', 107],
  'two objects': ['{"action":"ping"}{"action":"ping"}', 107],
  'no action': ['{"id":2}', 104, 107],
  'an action that nobody knows': ['{"id":2,"action":"fly"}', 104],
  'an action that is a number': ['{"id":2,"action":5}', 107],
  'no channel': ['{"id":2,"action":"subscribe"}', 107],
  'an empty channel': ['{"id":2,"action":"subscribe","channel":""}', 107],
  'a channel that is a list': ['{"id":2,"action":"subscribe","channel":["a"]}', 107],
  'a channel of 256 bytes': [`{"id":2,"action":"subscribe","channel":"${'c'.repeat(256)}"}`, 107],
  'a position that is none': ['{"id":2,"action":"subscribe","channel":"a","since":"yesterday"}', 107],
  'events that are a string': ['{"id":2,"action":"subscribe","channel":"a","events":"x"}', 107],
  'a filter that is none': ['{"id":2,"action":"subscribe","channel":"a","filter":{"cmp":"near"}}', 107],
  'data that are missing': ['{"id":2,"action":"publish","channel":"a"}', 107],
  'data of a thousand levels': [`{"id":2,"action":"publish","channel":"a","data":${'['.repeat(1000)}${']'.repeat(1000)}}`, 107],
  'a limit below zero': ['{"id":2,"action":"history","channel":"a","limit":-1}', 107],
  'an id that is an object': ['{"id":{},"action":"ping"}', 107],
  'bytes that nobody announced': [null, 107],
};

test('frames of the plain dialect that make no sense have an error each, and the connection lives', ours, async (t) => {
  const { server, unharmed } = await withBystander(t, { plain: { enabled: true } });
  for (const [what, [text, ...codes]] of Object.entries(PLAIN_FRAMES)) {
    await t.test(what, async (t) => {
      const raw = await openRawWebSocket(t, server, PLAIN);
      raw.write(text === null ? frame(BINARY, 'x') : frame(TEXT, text));
      const { error, code } = await raw.object((it) => it.error);
      assert.ok(codes.includes(code) && error.length > 10, `${code}: ${error}`);
      raw.write(frame(TEXT, '{"action":"ping","id":3}'));
      await raw.object((it) => it.event === 'pong' && it.id === 3);
    });
  }
  const abuse = await openRawWebSocket(t, server, PLAIN);
  abuse.write(...Array.from({ length: 1000 }, () => frame(TEXT, 'no')));
  assert.equal((await abuse.closing()).code, 3509);
  const large = await openRawWebSocket(t, server, PLAIN);
  large.write(frame(TEXT, `{"action":"publish","channel":"a","data":"${'x'.repeat(70_000)}"}`));
  assert.equal((await large.closing()).code, 1009);
  await unharmed();
});
