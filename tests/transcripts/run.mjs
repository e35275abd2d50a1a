// Runs one sequence against a server and gathers what came, step by step.

import { API_KEY } from '../e2e/server.mjs';
import { token as sign } from '../e2e/tokens.mjs';
import { openClient } from './client.mjs';
import { encodeDelimited } from './codec.mjs';

const HTTP_DEADLINE_MS = 20_000;

/**
 * Runs `sequence` in `encoding`. After each step `pace(step, run)` says when to go on.
 *
 * Returns what came with each step: a list of `{client: [events]}`, where `http` is the answer to a request.
 */
export async function runSequence(server, { name, steps }, encoding, index, pace) {
  const run = new Run(server, encoding, markOf(index));
  try {
    for (const [at, step] of steps.entries()) {
      run.got.push({});
      run.lastEventAt = Date.now();
      await run.take(step);
      await pace(at, run, step);
    }
    return run.named();
  } catch (error) {
    error.message = `${name}: ${error.message}`;
    throw error;
  } finally {
    for (const client of run.clients.values()) client.end();
  }
}

/** Letters only, since some namespaces want nothing else. */
function markOf(index) {
  const letter = (n) => String.fromCharCode(97 + (n % 26));
  return `q${letter(Math.floor(index / 26))}${letter(index)}z`;
}

class Run {
  got = [];
  clients = new Map();
  lastEventAt = 0;
  #epoch = 'none';
  #wake = () => {};

  constructor(server, encoding, mark) {
    [this.server, this.encoding, this.mark] = [server, encoding, mark];
  }

  /** All that came, where ids stand for clients that were not known yet when it came. */
  named() {
    return this.#named(this.got);
  }

  #named(value) {
    if (typeof value === 'string') return this.#normalText(value).replace(UUID, '<uuid>');
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map((item) => this.#named(item));
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [this.#named(name), this.#named(item)]));
  }

  /** Resolves when the next event comes, or after `ms`. */
  nextEvent(ms) {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  async take(step) {
    if (step.open) return this.#open(this.#fill(step));
    if (step.send) return this.#client(step.send).send(this.#fill(step.commands));
    if (step.text) {
      const payload = this.#fill(step.payload);
      return this.#client(step.text).sendRaw(step.binary ? Buffer.from(payload) : payload);
    }
    if (step.bytes) {
      const parts = step.parts.map((part) => (part.hex === undefined ? encodeDelimited(this.#fill(part.command)) : Buffer.from(part.hex, 'hex')));
      return this.#client(step.bytes).sendRaw(Buffer.concat(parts));
    }
    if (step.api) return this.#api(this.#fill(step));
    if (step.http) return this.#http(step.http, this.#fill(step));
    if (step.leave) return this.#client(step.leave).end();
    if (!step.wait) throw new Error(`no such step: ${JSON.stringify(step)}`);
  }

  #client(who) {
    return this.clients.get(who);
  }

  async #open({ open, as = this.encoding, ...options }) {
    const client = await openClient(this.server.port, as, options, (event, text) => this.#heard(open, event, text));
    this.clients.set(open, client);
  }

  #api({ api, body, headers }) {
    return this.#http('POST', { path: `/api/${api}`, body: JSON.stringify(body), headers: { 'X-API-Key': API_KEY, ...headers } });
  }

  async #http(method, { path, body, headers }) {
    const answer = await fetch(this.server.http + path, { method, body, headers, signal: AbortSignal.timeout(HTTP_DEADLINE_MS) });
    const said = readLines(await answer.text());
    // A text that goes with a status of errors is for people.
    this.#heard('http', { status: answer.status, ...(!('text' in Object(said)) && { body: said }) });
  }

  #heard(who, event, text) {
    this.#note(event);
    const said = text === undefined ? this.#normal(event) : { exact: this.#normalText(text), reply: this.#normal(event) };
    ((this.got.at(-1)[who] ??= [])).push(said);
    this.lastEventAt = Date.now();
    this.#wake();
  }

  #note(value) {
    if (value === null || typeof value !== 'object') return;
    for (const [key, item] of Object.entries(value)) {
      if (key === 'epoch' && typeof item === 'string' && item) this.#epoch = item;
      else this.#note(item);
    }
  }

  /** Puts what is known now into the texts of a step. */
  #fill(value) {
    if (typeof value === 'string') {
      const named = value.replaceAll('~', this.mark).replaceAll('<epoch>', this.#epoch);
      return named.replace(/<client (\w+)>/g, (_, who) => this.#client(who).clientId);
    }
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map((item) => this.#fill(item));
    if ('$in' in value) return Math.floor(Date.now() / 1000) + value.$in;
    if ('$token' in value) return sign(this.#fill(value.$token), value.header ? { secret: value.secret, header: value.header } : { secret: value.secret });
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.#fill(key), this.#fill(item)]));
  }

  #normal(value, key) {
    if (typeof value === 'string') {
      if (key in HIDDEN || (key === 'epoch' && value)) return `<${key}>`;
      return this.#normalText(value);
    }
    if (value === null || typeof value !== 'object') return HIDDEN[key] === 'number' ? `<${key}>` : value;
    if (Array.isArray(value)) return value.map((item) => this.#normal(item));
    const untold = 'uid' in value ? UNTOLD : [];
    const told = Object.entries(value).filter(([name]) => !untold.includes(name));
    return Object.fromEntries(told.map(([name, item]) => [this.#normalText(name), this.#normal(item, name)]));
  }

  #normalText(value) {
    let named = value.replaceAll(this.mark, '~');
    for (const [who, { clientId }] of this.clients) if (clientId) named = named.replaceAll(clientId, `<client ${who}>`);
    return named.replace(/"(epoch|version|node|session)":"[^"]+"/g, '"$1":"<$1>"');
  }
}

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** What a node, known by its `uid`, says of itself, its machine and its time. */
const UNTOLD = ['metrics', 'process', 'uptime', 'name'];

/** Keys whose content differs from run to run: texts, and the numbers among them. */
const HIDDEN = { node: 'text', session: 'text', version: 'text', uid: 'text', time: 'number' };

function readLines(text) {
  try {
    return JSON.parse(text);
  } catch {
    // Not one JSON value: perhaps one a line.
  }
  try {
    return { lines: text.trim().split('\n').map((line) => JSON.parse(line)) };
  } catch {
    return { text: text.trim() };
  }
}
