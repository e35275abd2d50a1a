// Starts the server under test as its own process, and ends it with the test.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { Heard } from './wait.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');

/** The binary under test; VECHE_BIN may name another one that speaks the same protocol. */
export const binary = process.env.VECHE_BIN ?? join(target, 'debug/veche');

/** Whether the binary is ours: some answers differ on purpose from the server whose protocol this is. */
export const isVeche = basename(binary).startsWith('veche');

/** The arguments of the demo with its data in `folder`. */
/** A demo in whose general room nobody writes but the test's people; with `bot` the bot does, too. */
export const demoArgs = (folder, { bot = false } = {}) => ['demo', `--data=${folder}`, ...(bot ? [] : ['--no-bot'])];

export const API_KEY = 'e2e-api-key';
export const TOKEN_SECRET = 'e2e-token-secret-of-32-bytes-or-more';
const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 15_000;

/** A configuration in which tests may do everything; `overrides` are merged into it, section by section. */
export function openConfig(overrides = {}) {
  return merge(
    {
      health: { enabled: true },
      http_api: { key: API_KEY },
      client: { token: { hmac_secret_key: TOKEN_SECRET } },
      channel: {
        without_namespace: {
          allow_subscribe_for_client: true,
          allow_subscribe_for_anonymous: true,
          allow_publish_for_client: true,
          allow_publish_for_anonymous: true,
          allow_history_for_client: true,
          allow_history_for_anonymous: true,
          allow_presence_for_client: true,
          allow_presence_for_anonymous: true,
          history_size: 400,
          history_ttl: '300s',
          presence: true,
          join_leave: true,
        },
      },
    },
    overrides,
  );
}

/**
 * Starts the binary with `config` (written to a file) on a free port of 127.0.0.1 and waits for its health.
 *
 * `args` replace `--config FILE`; `port` and `env` fix what would be chosen otherwise. With a test context the server
 * is killed when that test ends.
 */
export async function startServer(t, config, { args, env = {}, port } = {}) {
  const server = new Server(config, args, env, port);
  t?.after(() => server.end());
  await server.start();
  return server;
}

/** Starts the demo with its data in a folder of its own, `data` of the result. */
export async function startDemo(t, { env = {}, port, bot } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'veche-demo-'));
  t?.after(() => rmSync(folder, { recursive: true, force: true }));
  const server = await startServer(t, undefined, { args: demoArgs(folder, { bot }), env, port });
  return Object.assign(server, { data: folder });
}

/** Runs the binary to its end; resolves with its exit code and all it printed. */
export async function run(args, { env = {}, input = '' } = {}) {
  const child = spawn(binary, args, { env: clean(env), stdio: ['pipe', 'pipe', 'pipe'] });
  const output = [];
  child.stdout.on('data', (bytes) => output.push(bytes));
  child.stderr.on('data', (bytes) => output.push(bytes));
  // A command that reads nothing may be gone before it is written to.
  child.stdin.on('error', () => {}).end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), START_DEADLINE_MS);
  const code = await new Promise((done, failed) => child.on('close', done).on('error', failed));
  clearTimeout(timer);
  return { code, output: Buffer.concat(output).toString() };
}

class Server {
  #config;
  #args;
  #env;
  #fixedPort;
  #child;
  #folder = mkdtempSync(join(tmpdir(), 'veche-e2e-'));
  #log = new Heard();

  constructor(config, args, env, port) {
    [this.#config, this.#args, this.#env, this.#fixedPort] = [config, args, env, port];
  }

  /** A folder of this server's own, removed at the end. */
  get folder() {
    return this.#folder;
  }

  get http() {
    return `http://127.0.0.1:${this.port}`;
  }

  get ws() {
    return `ws://127.0.0.1:${this.port}`;
  }

  get pid() {
    return this.#child.pid;
  }

  get log() {
    return this.#log.items.join('');
  }

  /** Waits for a line of the log that holds `text`, and returns it, parsed. */
  async logged(text) {
    const line = () => this.log.split('\n').slice(0, -1).find((candidate) => candidate.includes(text));
    await this.#log.until(line, `a line of the log with "${text}"`);
    return JSON.parse(line());
  }

  /** Starts, or starts again on the same port. */
  async start() {
    for (let attempt = 1; ; attempt++) {
      this.port = this.#fixedPort ?? this.port ?? (await freePort());
      try {
        this.#spawn();
        await this.#healthy();
        return;
      } catch (error) {
        // Between asking for a free port and binding it another process may have been faster.
        if (attempt === 3 || this.#fixedPort || !/in use/i.test(this.log)) throw error;
        this.port = undefined;
      }
    }
  }

  #spawn() {
    const file = join(this.#folder, 'config.json');
    writeFileSync(file, JSON.stringify(this.#config ?? {}));
    const args = [...(this.#args ?? ['--config', file]), `--http_server.port=${this.port}`];
    if (!this.#args) args.push('--http_server.address=127.0.0.1');
    this.#child = spawn(binary, args, { cwd: this.#folder, env: clean({ CENTRIFUGO_HEALTH_ENABLED: 'true', ...this.#env }), stdio: ['ignore', 'pipe', 'pipe'] });
    const child = this.#child;
    child.stdout.on('data', (bytes) => this.#log.push(bytes.toString()));
    child.stderr.on('data', (bytes) => this.#log.push(bytes.toString()));
    this.exited = new Promise((done) => {
      child.on('exit', (code, signal) => done({ code, signal }));
      child.on('error', (error) => {
        this.#log.push(`${error.message}\n`);
        done({ code: null, signal: null });
      });
    });
  }

  async #healthy() {
    const deadline = Date.now() + START_DEADLINE_MS;
    let gone = false;
    this.exited.then(() => (gone = true));
    while (Date.now() < deadline && !gone) {
      try {
        const answer = await fetch(`${this.http}/health`, { signal: AbortSignal.timeout(2000) });
        if (answer.ok) return;
      } catch {
        // Not listening yet.
      }
      await pause(20);
    }
    throw new Error(`${binary} ${gone ? 'ended' : 'was not healthy in time'}; its log:\n${this.log}`);
  }

  /** Calls a method of the server API and returns the whole answer: `{result}` or `{error}`. */
  async api(method, body = {}) {
    const answer = await this.post(`/api/${method}`, JSON.stringify(body), { 'X-API-Key': API_KEY });
    if (answer.status !== 200) throw new Error(`API ${method}: HTTP ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text);
  }

  /** Calls a method that must succeed and returns its result. */
  async call(method, body = {}) {
    const answer = await this.api(method, body);
    if (answer.error) throw new Error(`API ${method}: ${answer.error.code} ${answer.error.message}`);
    return answer.result ?? answer;
  }

  publish(channel, data, more = {}) {
    return this.call('publish', { channel, data, ...more });
  }

  async post(path, body, headers = {}) {
    const answer = await fetch(this.http + path, { method: 'POST', body, headers, signal: AbortSignal.timeout(10_000) });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  async get(path, headers = {}) {
    const answer = await fetch(this.http + path, { headers, signal: AbortSignal.timeout(10_000) });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  /** Sends a signal and waits for the end of the process. */
  async kill(signal = 'SIGKILL') {
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE_MS);
    const ended = await this.exited;
    clearTimeout(timer);
    return ended;
  }

  async end() {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A port that nobody listens on at this moment. */
export async function freePort() {
  const probe = createServer();
  await new Promise((done, failed) => probe.listen(0, '127.0.0.1', done).on('error', failed));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** The environment of a child: ours without settings that a developer's shell may carry. */
function clean(env) {
  const own = Object.entries(process.env).filter(([name]) => !/^(VECHE|CENTRIFUGO)_/.test(name));
  return { ...Object.fromEntries(own), ...env };
}

/** Two configurations in one, section by section; of what stands in both the second counts. */
export function merge(base, over) {
  const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    result[key] = isObject(value) && isObject(base[key]) ? merge(base[key], value) : value;
  }
  return result;
}
