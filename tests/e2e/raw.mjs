// Bytes on a TCP socket: for clients whose exact bytes matter, and for peers that break the rules.

import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { within } from './wait.mjs';

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
/** A mask that changes nothing, for frames that are large. */
export const NO_MASK = Buffer.alloc(4);

/** One frame of a client. `mask: null` leaves it unmasked; `length` may claim another length than the payload has. */
export function frame(opcode, payload = '', { fin = true, rsv1 = false, rsv2 = false, rsv3 = false, mask = MASK, length } = {}) {
  const body = Buffer.from(payload);
  const claimed = BigInt(length ?? body.length);
  const first = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | (rsv2 ? 0x20 : 0) | (rsv3 ? 0x10 : 0) | opcode;
  const masked = mask ? 0x80 : 0;
  let head;
  if (claimed < 126n) head = Buffer.from([first, masked | Number(claimed)]);
  else if (claimed < 65536n) head = Buffer.from([first, masked | 126, Number(claimed >> 8n), Number(claimed & 255n)]);
  else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = masked | 127;
    head.writeBigUInt64BE(claimed, 2);
  }
  if (!mask) return Buffer.concat([head, body]);
  return Buffer.concat([head, mask, mask === NO_MASK ? body : body.map((byte, i) => byte ^ mask[i % 4])]);
}

/** A close frame with a code and a reason. */
export const closeFrame = (code, reason = '') => frame(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));

/** A TCP connection to the server, closed when the test ends. */
export async function openRaw(t, server, { allowHalfOpen = false } = {}) {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen });
  t.after(() => socket.destroy());
  await within(new Promise((done, failed) => socket.on('connect', done).on('error', failed)), 'TCP connect');
  return new Raw(socket);
}

class Raw {
  #buffer = Buffer.alloc(0);
  #wake = () => {};
  isEnded = false;

  constructor(socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.#buffer = Buffer.concat([this.#buffer, bytes]);
      this.#wake();
    });
    const over = () => {
      this.isEnded = true;
      this.#wake();
    };
    socket.on('end', over).on('close', over).on('error', over);
    this.ended = new Promise((done) => socket.on('end', done).on('close', done));
  }

  write(...parts) {
    for (const part of parts) this.socket.write(part);
  }

  /** Shuts the sending side down, as a client does that has said all it will say. */
  finish() {
    this.socket.end();
  }

  async #until(isThere, what, ms) {
    const waiting = async () => {
      while (!isThere()) {
        if (this.isEnded) throw new Error(`${what}: the connection ended, with ${this.#buffer.length} bytes unread: ${this.#buffer.subarray(0, 200).toString('latin1')}`);
        await new Promise((done) => (this.#wake = done));
      }
    };
    await within(waiting(), what, ms);
  }

  async #take(length, what, ms) {
    await this.#until(() => this.#buffer.length >= length, what, ms);
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  /** Reads the head of an HTTP answer: `{status, headers}`, names in lower case, and its body if it declares a length. */
  async head() {
    await this.#until(() => this.#buffer.includes('\r\n\r\n'), 'the head of an answer');
    const end = this.#buffer.indexOf('\r\n\r\n');
    const [line, ...lines] = (await this.#take(end + 4, 'a head')).toString('latin1').trimEnd().split('\r\n');
    const headers = Object.fromEntries(lines.map((text) => [text.slice(0, text.indexOf(':')).toLowerCase(), text.slice(text.indexOf(':') + 1).trim()]));
    const status = Number(line.split(' ')[1]);
    const length = status === 101 ? 0 : Number(headers['content-length'] ?? 0);
    return { line, status, headers, body: (await this.#take(length, 'a body')).toString() };
  }

  /** Reads one frame: `{fin, rsv, opcode, isMasked, payload}`. Each part of it must come within `ms`. */
  async frame(ms) {
    const [first, second] = await this.#take(2, 'a frame', ms);
    let length = second & 0x7f;
    if (length === 126) length = (await this.#take(2, 'a length')).readUInt16BE();
    else if (length === 127) length = Number((await this.#take(8, 'a length')).readBigUInt64BE());
    const payload = await this.#take(length, 'a payload', ms);
    return { fin: first >= 0x80, rsv: (first >> 4) & 7, opcode: first & 15, isMasked: second >= 0x80, payload: Buffer.from(payload) };
  }

  /** Reads frames up to the close: `{code, reason}`; code 1005 if it carries none. */
  async closing() {
    for (;;) {
      const { opcode, payload } = await this.frame();
      if (opcode !== CLOSE) continue;
      return payload.length < 2 ? { code: 1005, reason: '' } : { code: payload.readUInt16BE(), reason: payload.subarray(2).toString() };
    }
  }

  /** Reads text frames until one whose object matches, and returns that object. */
  async object(matches) {
    for (;;) {
      const { opcode, payload } = await this.frame();
      if (opcode === CLOSE) throw new Error(`closed: ${payload.length > 1 && payload.readUInt16BE()} ${payload.subarray(2)}`);
      if (opcode !== TEXT) continue;
      for (const line of payload.toString().split('\n')) {
        const value = JSON.parse(line);
        if (matches(value)) return value;
      }
    }
  }
}

/** An upgrade request with these header lines, and the answer that belongs to its key. */
export function upgrade(path, lines, key = randomBytes(16).toString('base64')) {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return { request: `GET ${path} HTTP/1.1\r\n${lines(key).join('\r\n')}\r\n\r\n`, accept };
}

/** Opens a WebSocket by hand with the headers that most clients send. */
export async function openRawWebSocket(t, server, path, { headers = [], protocol } = {}) {
  const raw = await openRaw(t, server);
  const { request } = upgrade(path, (key) => [
    `Host: 127.0.0.1:${server.port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
    ...headers,
  ]);
  raw.write(request);
  const answer = await raw.head();
  if (answer.status !== 101) throw new Error(`not upgraded: ${answer.line} ${answer.body}`);
  return Object.assign(raw, { answer });
}
