// The shell in which a page's commands run: a folder of its own, and free ports in place of those the page names.

import { spawn } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { binary, freePort } from '../e2e/server.mjs';

const DEADLINE_MS = 30_000;
const NAMED_PORT = /(?:localhost|127\.0\.0\.1|\[::1\]):(\d{4,5})\b/g;
const modules = new URL('../e2e/node_modules', import.meta.url).pathname;

/** A shell for a page with this text. */
export async function openShell(markdown) {
  const ports = new Map([[8000, await freePort()]]);
  for (const [, port] of markdown.matchAll(NAMED_PORT)) if (!ports.has(Number(port))) ports.set(Number(port), await freePort());
  return new Shell(ports);
}

class Shell {
  #ports;
  #folder = mkdtempSync(join(tmpdir(), 'veche-docs-'));
  #running = new Map();

  constructor(ports) {
    this.#ports = ports;
    symlinkSync(modules, join(this.#folder, 'node_modules'));
  }

  /** Writes a file, which may lie in a folder. */
  write(name, text) {
    const path = join(this.#folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, this.#here(text));
  }

  /** Runs a command to its end; resolves with its exit code and what it printed, with the page's ports. */
  async run(command) {
    const child = this.#spawn(command);
    const timer = setTimeout(() => this.#kill(child), DEADLINE_MS);
    const exit = await child.ended;
    clearTimeout(timer);
    return { exit, output: this.#there(child.output()) };
  }

  /** Starts a command, in place of the one on that port, and waits until the port answers or `until` was printed. */
  async start({ command, port, name = `port ${port}`, until }) {
    await this.#stop(name);
    const child = this.#spawn(command);
    this.#running.set(name, child);
    const isReady = until ? () => child.output().includes(until) : () => answers(this.#ports.get(port) ?? port);
    await this.#wait(isReady, child, `"${command}" is not ready`);
  }

  /** Waits until all that the background command `name` printed matches; resolves with what it was at the end. */
  async printed(name, pattern) {
    const child = this.#running.get(name);
    if (!child) throw new Error(`no background command is called "${name}"`);
    const deadline = Date.now() + DEADLINE_MS;
    while (!pattern.test(this.#there(child.output())) && Date.now() < deadline) await pause(20);
    return this.#there(child.output());
  }

  /** Ends what runs and removes the folder. */
  async close() {
    for (const name of [...this.#running.keys()]) await this.#stop(name);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #spawn(command) {
    const child = spawn('bash', ['-c', this.#here(command)], { cwd: this.#folder, env: this.#environment(), detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const printed = [];
    child.stdout.on('data', (bytes) => printed.push(bytes));
    child.stderr.on('data', (bytes) => printed.push(bytes));
    child.ended = new Promise((done) => child.on('close', done));
    child.output = () => Buffer.concat(printed).toString();
    return child;
  }

  async #wait(isReady, child, what) {
    const deadline = Date.now() + DEADLINE_MS;
    while (!(await isReady())) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${what}; it printed:\n${child.output()}`);
      await pause(20);
    }
  }

  async #stop(name) {
    const child = this.#running.get(name);
    if (!child) return;
    this.#running.delete(name);
    this.#kill(child);
    await child.ended;
  }

  // A command is a group of processes: the shell and what it started.
  #kill(child) {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }

  #environment() {
    const own = { PATH: process.env.PATH, HOME: this.#folder, LANG: 'C.UTF-8', TZ: 'UTC', NO_COLOR: '1', PYTHONUNBUFFERED: '1' };
    const tools = [dirname(binary), join(dirname(binary), 'examples'), process.env.CACHE && join(process.env.CACHE, 'python/bin'), own.PATH];
    own.PATH = tools.filter(Boolean).join(delimiter);
    own.CENTRIFUGO_HTTP_SERVER_PORT = String(this.#ports.get(8000));
    if (this.#ports.has(10000)) own.CENTRIFUGO_GRPC_API_PORT = String(this.#ports.get(10000));
    return own;
  }

  #here(text) {
    return replaced(text, [...this.#ports]);
  }

  #there(text) {
    return replaced(text, [...this.#ports].map(([named, free]) => [free, named]));
  }
}

const replaced = (text, ports) => {
  const all = new Map(ports.map(([from, to]) => [String(from), String(to)]));
  return text.replace(/(?<![\d.])\d{4,5}(?![\d.])/g, (number) => all.get(number) ?? number);
};

const answers = (port) =>
  new Promise((done) => {
    const socket = connect(port, 'localhost');
    socket.on('connect', () => done(true)).on('error', () => done(false)).on('close', () => done(false));
    socket.on('connect', () => socket.destroy());
  });
