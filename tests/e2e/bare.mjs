// A bare WebSocket, as a program has it that knows nothing of the server's clients.

import WebSocket from 'ws';
import { Heard, within } from './wait.mjs';

/** Opens a socket; fails with the HTTP status and text of a refused upgrade. */
export async function openBare(t, url, { protocols = [], headers = {}, ...options } = {}) {
  const socket = new WebSocket(url, protocols, { headers, perMessageDeflate: false, ...options });
  const bare = new Bare(socket);
  t.after(() => socket.terminate());
  await within(
    new Promise((done, failed) => {
      socket.on('open', done).on('error', failed);
      socket.on('unexpected-response', (_, answer) => {
        const body = [];
        answer.on('data', (bytes) => body.push(bytes));
        answer.on('end', () => failed(Object.assign(new Error(`HTTP ${answer.statusCode}`), { status: answer.statusCode, text: Buffer.concat(body).toString() })));
      });
    }),
    `opening ${url}`,
  );
  return bare;
}

class Bare {
  /** What came: parsed objects of text frames (each line one), Buffers of binary frames. */
  frames = new Heard();
  #taken = 0;

  constructor(socket) {
    this.socket = socket;
    socket.on('message', (bytes, isBinary) => {
      if (isBinary) return this.frames.push(bytes);
      for (const line of bytes.toString().split('\n')) if (line) this.frames.push(JSON.parse(line));
    });
    socket.on('ping', () => this.pings.push(Date.now()));
    this.closed = new Promise((done) => socket.on('close', (code, reason) => done({ code, reason: reason.toString() })));
    socket.on('error', () => {});
  }

  pings = new Heard();

  send(value) {
    this.socket.send(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value));
  }

  /** The next frame that was not taken yet. */
  async next(what = 'a frame') {
    const items = await this.frames.count(this.#taken + 1, what);
    return items[this.#taken++];
  }

  /** Sends one object and returns the first frame after it that matches, by default the one with its `id`. */
  async ask(value, matches = (frame) => frame.id === value.id) {
    const before = this.frames.items.length;
    this.send(value);
    const items = await this.frames.until((all) => all.slice(before).some(matches), `an answer to ${JSON.stringify(value)}`);
    return items.slice(before).find(matches);
  }

  /** Waits for the close: `{code, reason}`. */
  close(ms) {
    return within(this.closed, 'the close', ms);
  }
}
