// The tools of the binary (`veche sub` and its kin) as processes: their lines and how they end.

import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isVeche } from './server.mjs';
import { Heard, within } from './wait.mjs';

const root = resolve(dirname(), '../..');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');

/** The binary whose tools are tested. The server that they talk to may be another one: VECHE_BIN. */
const toolsBinary = process.env.VECHE_TOOLS_BIN ?? join(target, 'debug/veche');

function dirname() {
  return fileURLToPath(new URL('.', import.meta.url));
}

/** The ways in which the tools connect: the options, and the address of a server or route. */
export const ways = [
  { name: 'JSON', args: [], url: ({ ws }) => `${ws}/connection/websocket` },
  { name: 'Protobuf', args: ['--protobuf'], url: ({ ws }) => `${ws}/connection/websocket` },
  ...(isVeche ? [{ name: 'plain', args: ['--plain'], url: ({ ws }) => `${ws}/connection/plain` }] : []),
];

/** Starts a tool with `--json`; it is killed when the test ends. */
export function tool(t, args, { json = true, env = {} } = {}) {
  const child = spawn(toolsBinary, json ? [...args, '--json'] : args, { env: { ...process.env, ...env }, stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  return new Tool(child);
}

class Tool {
  /** The objects that it printed. */
  lines = new Heard();
  /** All that it printed on standard output, and on standard error. */
  out = '';
  err = '';

  constructor(child) {
    this.child = child;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      this.out += text;
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) this.lines.push(line.startsWith('{') ? JSON.parse(line) : { text: line });
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (this.err += text));
    child.stdin.on('error', () => {});
    /** The exit status, also if its output was not read. */
    this.exited = new Promise((done) => child.on('exit', (code, signal) => done(signal ?? code)));
    this.closed = new Promise((done, failed) => child.on('close', (code, signal) => done(signal ?? code)).on('error', failed));
  }

  /** Waits for the first line of a type that matches. */
  line(type, matches = () => true, ms) {
    return this.lines.first((line) => line.type === type && matches(line), `a line "${type}"`, ms);
  }

  /** The lines of a type so far. */
  all(type) {
    return this.lines.items.filter((line) => line.type === type);
  }

  /** Waits until so many lines of a type are there, and returns them. */
  async count(type, count, ms) {
    await this.lines.until(() => this.all(type).length >= count, `${count} lines "${type}"`, ms);
    return this.all(type);
  }

  write(text) {
    this.child.stdin.write(text);
  }

  /** Waits for the end, and returns the exit status. */
  exit(ms = 20_000) {
    return within(this.closed, `the end of the tool; it printed ${this.out.slice(-500)} ${this.err.slice(-500)}`, ms);
  }
}

/** Runs a tool to its end: `{ exit, lines, err }`. */
export async function runTool(t, args, { input, ...options } = {}) {
  const running = tool(t, args, options);
  running.child.stdin.end(input ?? '');
  const exit = await running.exit();
  return { exit, lines: running.lines.items, out: running.out, err: running.err };
}
