// The client of the Dart virtual machine, byte for byte.
//
// Its upgrade request has lower-case header names in this order, always offers compression, sends a close and shuts its
// sending side at once, and is fatal about every breach of RFC 6455.

import assert from 'node:assert/strict';
import { deflateRawSync, inflateRawSync, constants } from 'node:zlib';
import { CLOSE, TEXT, frame, openRaw, upgrade } from './raw.mjs';
import { isVeche } from './server.mjs';
import { token } from './tokens.mjs';

export const DOOR = isVeche ? '/connection/plain' : '/connection/websocket';
export const ours = { skip: !isVeche && 'the original has no plain dialect' };
const KEY = 'x3JJHMbDL1EzLkh9GBhXDw==';
const DEFLATE = 'permessage-deflate; client_max_window_bits';

/** The request as the virtual machine writes it; `old` versions declare an empty body. */
function dartRequest(server, { path = DOOR, old = false, protocols, authorization, extra = [] } = {}) {
  return upgrade(
    path,
    (key) => [
      'user-agent: Dart/3.5 (dart:io)',
      'connection: Upgrade',
      'cache-control: no-cache',
      'accept-encoding: gzip',
      ...(old ? ['content-length: 0'] : []),
      ...(authorization ? [`authorization: ${authorization}`] : []),
      'sec-websocket-version: 13',
      `host: 127.0.0.1:${server.port}`,
      ...(protocols ? [`sec-websocket-protocol: ${protocols}`] : []),
      `sec-websocket-extensions: ${DEFLATE}`,
      `sec-websocket-key: ${key}`,
      'upgrade: websocket',
      ...extra,
    ],
    KEY,
  );
}

/** Connects as the virtual machine does; `login` says who one is. */
export async function dart(t, server, options = {}) {
  const raw = await openRaw(t, server, { allowHalfOpen: true });
  const { request, accept } = dartRequest(server, options);
  raw.write(request);
  const answer = await raw.head();
  const compressed = /permessage-deflate/.test(answer.headers['sec-websocket-extensions'] ?? '');
  return Object.assign(raw, { answer, accept, compressed, login: () => login(raw, compressed) });
}

/** A data message as the virtual machine sends it: compressed whenever compression was agreed, however small. */
export function message(text, compressed, opcode = TEXT) {
  return compressed ? frame(opcode, deflate(text), { rsv1: true }) : frame(opcode, text);
}

/** RFC 7692: deflated, flushed, without the last four bytes; an empty message is one zero byte. */
export function deflate(data) {
  const bytes = Buffer.from(data);
  if (bytes.length === 0) return Buffer.from([0]);
  return deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

const inflate = (payload) => inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: constants.Z_SYNC_FLUSH });

/** Reads data messages and pings, checks what would be fatal to the virtual machine, and returns the next object that matches. */
export async function object(raw, matches) {
  for (;;) {
    const received = await raw.frame();
    checkFrame(received, raw.compressed);
    if (received.opcode === CLOSE) throw new Error(`closed with ${received.payload.readUInt16BE()} ${received.payload.subarray(2)}`);
    if (received.opcode !== TEXT) continue;
    const text = new TextDecoder('utf-8', { fatal: true }).decode(received.rsv & 4 ? inflate(received.payload) : received.payload);
    for (const line of text.split('\n')) {
      const value = JSON.parse(line);
      if (matches(value)) return value;
    }
  }
}

/** Fails for what would be fatal to the virtual machine. */
export function checkFrame({ fin, rsv, opcode, isMasked, payload }, compressed) {
  assert.equal(isMasked, false, 'a masked frame');
  assert.equal(rsv & (compressed ? 3 : 7), 0, 'a reserved bit');
  assert.equal(fin, true, 'a fragment');
  if (opcode >= CLOSE) {
    assert.ok(payload.length <= 125, 'a long control frame');
    assert.equal(rsv, 0, 'a compressed control frame');
  }
  if (opcode === CLOSE) {
    assert.ok(payload.length >= 2, 'a close without a code');
    const code = payload.readUInt16BE();
    assert.ok([1000, 1001, 1002, 1007, 1008, 1009, 1011, 1012, 1013].includes(code) || (code >= 3000 && code < 5000), `close code ${code}`);
    assert.ok(payload.length <= 125);
  }
}

/** Says who one is, in the dialect of the door, and waits for the answer. */
export async function login(raw, compressed) {
  const hello = isVeche ? { action: 'login', token: token({ sub: 'dart' }), id: 1 } : { id: 1, connect: { token: token({ sub: 'dart' }) } };
  raw.write(message(JSON.stringify(hello), compressed));
  return object(raw, (frame) => frame.id === 1);
}

/** Subscribes to a channel as a plain client. */
export async function listen(raw, channel) {
  raw.write(message(JSON.stringify({ action: 'subscribe', channel, id: 2 }), raw.compressed));
  const answer = await object(raw, (frame) => frame.id === 2);
  assert.equal(answer.event, 'subscribed');
}
