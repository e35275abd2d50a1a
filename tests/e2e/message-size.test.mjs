// The limit of a message holds for all its commands, not only for the first.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { withBystander } from './bystander.mjs';
import { BINARY, TEXT, frame, openRawWebSocket } from './raw.mjs';
import { isVeche } from './server.mjs';

const ours = { skip: !isVeche && 'the original answers otherwise' };
const LIMIT = 65_536;
const JSON_DOOR = '/connection/websocket';
const PROTOBUF_DOOR = '/connection/websocket?cf_protocol=protobuf';
const COMPRESSED = { headers: ['Sec-WebSocket-Extensions: permessage-deflate'] };

const connect = '{"id":1,"connect":{}}';
const publish = (size, id = 2) => `{"id":${id},"publish":{"channel":"sizes","data":"${'x'.repeat(size)}"}}`;

const varint = (value) => {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
};
const field = (number, bytes) => Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
const command = (id, number, request) => {
  const body = Buffer.concat([Buffer.from([8, id]), field(number, request)]);
  return Buffer.concat([varint(body.length), body]);
};
/** Fields of a command: connect is 4, publish is 7. */
const protobufConnect = command(1, 4, Buffer.alloc(0));
const protobufPublish = (size, id = 2) => command(id, 7, Buffer.concat([field(1, Buffer.from('sizes')), field(2, Buffer.from(`"${'x'.repeat(size)}"`))]));

const packed = (text) => frame(TEXT, deflateRawSync(Buffer.from(text), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4), { rsv1: true });

const published = async (server) => {
  const { result } = await server.api('history', { channel: 'sizes', limit: 100 });
  return result.publications.length;
};

test('a second command that makes the message too long ends with 1009, and nothing of the message is done', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  for (const [door, opcode, hello, message] of [
    [JSON_DOOR, TEXT, connect, `${publish(10)}\n${publish(LIMIT - 100, 3)}`],
    [JSON_DOOR, TEXT, connect, Array.from({ length: 900 }, (_, n) => publish(40, n + 2)).join('\n')],
    [PROTOBUF_DOOR, BINARY, protobufConnect, Buffer.concat([protobufPublish(10), protobufPublish(LIMIT - 30, 3)])],
  ]) {
    assert.ok(message.length > LIMIT);
    const raw = await openRawWebSocket(t, server, door);
    raw.write(frame(opcode, hello), frame(opcode, message));
    assert.equal((await raw.closing()).code, 1009);
  }
  assert.equal(await published(server), 0);
  await unharmed();
});

test('commands that fill a message to its limit are all carried out', ours, async (t) => {
  const { server } = await withBystander(t);
  const raw = await openRawWebSocket(t, server, JSON_DOOR);
  const first = publish(10);
  const message = `${first}\n${publish(LIMIT - first.length - 1 - publish(0, 3).length, 3)}`;
  assert.equal(message.length, LIMIT);
  raw.write(frame(TEXT, connect), frame(TEXT, message));
  assert.ok((await raw.object((reply) => reply.id === 3)).publish);
  assert.equal(await published(server), 2);
});

test('a length before the second command that the message cannot have ends with 3501, and takes no room', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  for (const length of [1000n, 2n ** 31n, 2n ** 40n, 2n ** 63n]) {
    const raw = await openRawWebSocket(t, server, PROTOBUF_DOOR);
    raw.write(frame(BINARY, protobufConnect), frame(BINARY, Buffer.concat([protobufPublish(10), varint(length), Buffer.from('short')])));
    assert.equal((await raw.closing()).code, 3501);
  }
  await unharmed();
});

test('a second command that inflates beyond the limit of inflated messages ends with 1009', ours, async (t) => {
  const { server, unharmed } = await withBystander(t, { websocket: { compression: true, compression_min_size: LIMIT, decompressed_message_size_limit: 2 * LIMIT } });
  const raw = await openRawWebSocket(t, server, JSON_DOOR, COMPRESSED);
  raw.write(packed(connect), packed(`${publish(10)}\n${publish(LIMIT, 3)}`));
  assert.ok((await raw.object((reply) => reply.id === 3)).publish);
  assert.equal(await published(server), 2);
  raw.write(packed(`${publish(10, 4)}\n${publish(2 * LIMIT, 5)}`));
  assert.equal((await raw.closing()).code, 1009);
  assert.equal(await published(server), 2);
  await unharmed();
});
