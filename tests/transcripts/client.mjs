// A client on a bare socket: it sends what a sequence says and hands over all that comes.

import { connect } from 'node:net';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { BINARY, CLOSE, PING, PONG, TEXT, frame, upgrade } from '../e2e/raw.mjs';
import { decodeDelimited, encodeDelimited, readable } from './codec.mjs';
import { Patcher } from './delta.mjs';

const OPEN_DEADLINE_MS = 10_000;

/** What every flushed block of DEFLATE ends with, and a compressed message leaves out. */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/**
 * Opens a WebSocket in `encoding` ("json" or "protobuf"). `heard` gets each event: a reply or push as an object,
 * `{ping: true}`, `{close: [code, reason]}`, `{end: true}` for an end without a close frame, `{refused: status}`.
 *
 * `exact` hands JSON over as its text. `pong: false` leaves pings without answer. `offer` is an offer of extensions; what
 * was taken is told by `{extensions}`, and then all messages of the client are compressed.
 */
export async function openClient(port, encoding, options, heard) {
  const { query = '', protocol = `centrifuge-${encoding}`, headers = {}, path = '/connection/websocket' } = options;
  const socket = connect({ port, host: '127.0.0.1' });
  const client = new Client(socket, encoding, options, heard);
  const { request } = upgrade(path + query, (key) => [
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    ...(protocol === null ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ...(options.offer ? [`Sec-WebSocket-Extensions: ${options.offer}`] : []),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]);
  socket.write(request);
  const timer = setTimeout(() => socket.destroy(), OPEN_DEADLINE_MS);
  await client.opened;
  clearTimeout(timer);
  return client;
}

class Client {
  #buffer = Buffer.alloc(0);
  #isUpgraded = false;
  #isOver = false;
  #compresses = false;
  #settle;
  #patcher = new Patcher();
  #channels = new Map();
  id = 0;
  clientId;

  constructor(socket, encoding, options, heard) {
    [this.socket, this.encoding, this.options, this.heard] = [socket, encoding, options, heard];
    this.opened = new Promise((done) => (this.#settle = done));
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#received(bytes));
    socket.on('error', () => {});
    socket.on('close', () => this.#over({ end: true }));
  }

  /** Sends commands in one frame, with ids where they have none. */
  send(commands) {
    const numbered = commands.map((command) => ('id' in command || 'send' in command || Object.keys(command).length === 0 ? command : { id: ++this.id, ...command }));
    for (const { id, subscribe, unsubscribe } of numbered) this.#channels.set(id, (subscribe ?? unsubscribe)?.channel);
    if (this.encoding === 'json') this.sendRaw(numbered.map((command) => JSON.stringify(command)).join('\n'));
    else this.sendRaw(Buffer.concat(numbered.map((command) => encodeDelimited(command))));
  }

  /** Sends a frame: text of a string, binary of bytes, unless `opcode` says otherwise. */
  sendRaw(payload, opcode = typeof payload === 'string' ? TEXT : BINARY) {
    if (!this.#compresses || opcode === PONG) this.socket.write(frame(opcode, payload));
    else this.socket.write(frame(opcode, deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -TAIL.length), { rsv1: true }));
  }

  end() {
    this.#isOver = true;
    this.socket.destroy();
  }

  #over(event) {
    if (!this.#isOver) this.heard(event);
    this.#isOver = true;
    this.#settle();
  }

  #received(bytes) {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    if (!this.#isUpgraded && !this.#readHead()) return;
    for (let event = this.#readFrame(); event && !this.#isOver; event = this.#readFrame()) this.#act(event);
  }

  #readHead() {
    const end = this.#buffer.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.#buffer.subarray(0, end).toString('latin1');
    this.#buffer = this.#buffer.subarray(end + 4);
    const status = Number(head.split(' ')[1]);
    if (status !== 101) {
      this.#over({ refused: status });
      this.socket.destroy();
      return false;
    }
    this.#isUpgraded = true;
    const taken = /^Sec-WebSocket-Extensions: *(.*)$/im.exec(head)?.[1];
    this.#compresses = taken !== undefined;
    if (this.options.offer) this.heard({ extensions: taken?.split('; ').sort() ?? [] });
    this.#settle();
    return true;
  }

  #readFrame() {
    const buffer = this.#buffer;
    if (buffer.length < 2) return undefined;
    let [length, at] = [buffer[1] & 127, 2];
    if (length === 126) {
      if (buffer.length < 4) return undefined;
      [length, at] = [buffer.readUInt16BE(2), 4];
    } else if (length === 127) {
      if (buffer.length < 10) return undefined;
      [length, at] = [Number(buffer.readBigUInt64BE(2)), 10];
    }
    if (buffer.length < at + length) return undefined;
    this.#buffer = buffer.subarray(at + length);
    const payload = buffer.subarray(at, at + length);
    const isCompressed = (buffer[0] & 64) !== 0;
    return { opcode: buffer[0] & 15, payload: isCompressed ? inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH }) : payload };
  }

  #act({ opcode, payload }) {
    if (opcode === CLOSE) {
      this.#over({ close: payload.length < 2 ? [1005, ''] : [payload.readUInt16BE(), payload.subarray(2).toString()] });
      this.socket.end(frame(CLOSE, payload));
    } else if (opcode === PING) {
      this.heard({ framePing: true });
      if (this.options.pong !== false) this.sendRaw(payload, PONG);
    } else if (this.encoding === 'json') {
      for (const line of payload.toString().split('\n')) if (line) this.#message(JSON.parse(line), line);
    } else {
      for (const reply of decodeDelimited(payload)) this.#message(reply);
    }
  }

  #message(reply, text) {
    if (Object.keys(reply).length === 0) {
      this.heard({ ping: true });
      if (this.options.pong !== false) this.sendRaw(this.encoding === 'json' ? '{}' : Buffer.from([0]));
      return;
    }
    if (reply.connect?.client) this.clientId = reply.connect.client;
    this.heard(this.#patched(reply), this.options.exact ? text : undefined);
  }

  #patched(reply) {
    try {
      return readable(this.#patcher.read(reply, this.#channels.get(reply.id)));
    } catch (error) {
      return { ...readable(reply), broken: error.message };
    }
  }
}
