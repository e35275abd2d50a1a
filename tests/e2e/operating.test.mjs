// What whoever runs the server meets: signals, logs that nobody reads, folders and ports that are taken.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openBare } from './bare.mjs';
import { as, connect, subscribe } from './client.mjs';
import { openRaw } from './raw.mjs';
import { API_KEY, binary, demoArgs, freePort, isVeche, openConfig, run, startDemo, startServer } from './server.mjs';
import { within } from './wait.mjs';

const ours = { skip: !isVeche && 'how ours behaves' };
const until = async (what, isTrue) => within((async () => { while (!(await isTrue())) await pause(20); })(), what);
const fileMode = (path) => statSync(path).mode & 0o777;

function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), 'veche-operating-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A server whose standard output and error are pipes that the test may close, or leave unread. */
async function startPiped(t, { level = 'info' } = {}) {
  const [folder, port] = [folderOf(t), await freePort()];
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(openConfig({ log: { level }, prometheus: { enabled: true } })));
  const child = spawn(binary, ['-c', file, '-a', '127.0.0.1', '-p', `${port}`], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const server = { http: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}`, port, child };
  await until('the server to be healthy', () => fetch(`${server.http}/health`).then((answer) => answer.ok, () => false));
  return server;
}

async function api(server, method, body) {
  const answer = await fetch(`${server.http}/api/${method}`, {
    method: 'POST', headers: { 'X-API-Key': API_KEY }, body: JSON.stringify(body), signal: AbortSignal.timeout(10_000),
  });
  return answer.json();
}

async function refusedToken(t, server) {
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  bare.send({ id: 1, connect: { token: 'not.a.token' } });
  return (await bare.close()).code;
}

test('SIGHUP does not end the server, and lets a rotated log begin anew', ours, async (t) => {
  const log = join(folderOf(t), 'log');
  const server = await startServer(t, openConfig({ log: { file: log } }));
  const { client } = await connect(t, server, as('anna'));
  const { publications } = await subscribe(client, 'news');
  renameSync(log, `${log}.1`);
  process.kill(server.pid, 'SIGHUP');
  await until('the log to begin anew', () => existsSync(log) && readFileSync(log, 'utf8').includes('SIGHUP'));
  await server.publish('news', 1);
  assert.deepEqual(await publications.count(1), [1]);
});

test('a log whose reader has gone harms nobody', ours, async (t) => {
  const server = await startPiped(t);
  const { client } = await connect(t, server, as('anna'));
  server.child.stdout.destroy();
  server.child.stderr.destroy();
  for (let i = 0; i < 3; i++) assert.equal(await refusedToken(t, server), 3500);
  const { publications } = await subscribe(client, 'news');
  await api(server, 'publish', { channel: 'news', data: 1 });
  assert.deepEqual(await publications.count(1), [1]);
  server.child.kill('SIGTERM');
  const code = await within(new Promise((done) => server.child.on('exit', done)), 'the server to stop');
  assert.equal(code, 0);
});

test('while nobody reads the log its lines are dropped and counted, and everybody is served', ours, async (t) => {
  const server = await startPiped(t, { level: 'debug' });
  const { client } = await connect(t, server, as('anna'));
  const { publications } = await subscribe(client, 'news');
  const commands = Array.from({ length: 1000 }, () => ({ publish: { channel: 'no:x', data: 1 } }));
  const dropped = async () => {
    const page = await (await fetch(`${server.http}/metrics`)).text();
    return Number(page.match(/^veche_log_lines_dropped_total (\d+)/m)[1]);
  };
  assert.equal(await dropped(), 0);
  await until('lines to be dropped', async () => {
    await api(server, 'batch', { commands });
    return (await dropped()) > 0;
  });
  await api(server, 'publish', { channel: 'news', data: 1 });
  assert.deepEqual(await publications.count(1), [1]);
  assert.equal(await refusedToken(t, server), 3500);
  // A line says how many there were, once somebody reads.
  let text = '';
  server.child.stdout.on('data', (bytes) => (text += bytes));
  await until('the line about it', () => text.includes('lines of the log were dropped'));
  const lines = text.slice(0, text.lastIndexOf('\n')).split('\n').map((line) => JSON.parse(line));
  assert.ok(lines.some((line) => line.lines > 0));
});

test('a log in a pipe is JSON from the first line to the last', ours, async (t) => {
  const folder = join(folderOf(t), 'data');
  const server = await startServer(t, undefined, { args: demoArgs(folder) });
  const { client } = await connect(t, server);
  const left = new Promise((done) => client.on('connecting', done));
  const { code } = await server.kill('SIGTERM');
  assert.equal(code, 0);
  assert.equal((await within(left, 'the client to be told')).code, 3001);
  const messages = server.log.trimEnd().split('\n').map((line) => JSON.parse(line).message);
  for (const words of ['The chat is on', '/swagger', join(folder, 'api_key'), 'Stopping: 1 client is told', 'Stopped']) {
    assert.ok(messages.some((message) => message.includes(words)), `${words} in\n${messages.join('\n')}`);
  }
});

test('a folder has one demo at a time, and is for its owner alone', ours, async (t) => {
  const folder = join(folderOf(t), 'data');
  const first = await startServer(t, undefined, { args: demoArgs(folder) });
  assert.equal(fileMode(folder), 0o700);
  for (const name of ['api_key', 'token_secret']) assert.equal(fileMode(join(folder, name)), 0o600);
  const files = () => readdirSync(folder, { recursive: true }).sort().map((name) => [name, statSync(join(folder, name)).size]);
  const before = files();
  const second = await run([...demoArgs(folder), '-p', `${await freePort()}`]);
  assert.equal(second.code, 1);
  const errors = second.output.trimEnd().split('\n').map((line) => JSON.parse(line)).filter((line) => line.level === 'ERROR');
  assert.equal(errors.length, 1, second.output);
  assert.match(errors[0].message, new RegExp(`process ${first.pid}\\).*--data`));
  assert.deepEqual(files(), before);
  assert.equal((await first.get('/')).status, 200);
});

test('a demo whose port is taken says how to choose another, and leaves nothing behind', ours, async (t) => {
  const [first, folder] = [await startDemo(t), join(folderOf(t), 'data')];
  const second = await run([...demoArgs(folder), '-p', `${first.port}`]);
  assert.equal(second.code, 1);
  assert.match(second.output, new RegExp(`port ${first.port} is in use.*-p PORT`));
  assert.ok(!existsSync(folder));
  const server = await run(['--http_server.address=127.0.0.1', '-p', `${first.port}`]);
  assert.match(server.output, /http_server\.port/);
});

test('an empty secret is filled in for its owner alone', ours, async (t) => {
  const folder = join(folderOf(t), 'data');
  mkdirSync(folder, { mode: 0o755 });
  writeFileSync(join(folder, 'token_secret'), '', { mode: 0o644 });
  await startServer(t, undefined, { args: demoArgs(folder) });
  assert.equal(fileMode(folder), 0o700);
  assert.equal(fileMode(join(folder, 'token_secret')), 0o600);
});

/** The status and the text for a request under a name. */
function under(server, host, path, method = 'GET') {
  return within(
    new Promise((done, failed) => {
      const asked = request({ host: '127.0.0.1', port: server.port, path, method, headers: { host, 'X-API-Key': 'k' } }, (answer) => {
        let text = '';
        answer.on('data', (bytes) => (text += bytes)).on('end', () => done({ status: answer.statusCode, text }));
      });
      asked.on('error', failed).end(method === 'POST' ? '{}' : undefined);
    }),
    `${path} under ${host}`,
  );
}

test('a demo for this machine answers to no name that a foreign page can have', ours, async (t) => {
  const server = await startDemo(t, { env: { VECHE_CLIENT_ALLOWED_ORIGINS: 'https://chat.example.com' } });
  const foreign = `evil.example:${server.port}`;
  for (const [method, path] of [['GET', '/'], ['GET', '/chat/api/rooms'], ['POST', '/api/info'], ['GET', '/health'], ['GET', '/connection/websocket']]) {
    const { status, text } = await under(server, foreign, path, method);
    assert.equal(status, 421, path);
    assert.match(text, /client\.allowed_origins/);
  }
  for (const host of [`localhost:${server.port}`, `127.0.0.1:${server.port}`, `[::1]:${server.port}`, 'chat.example.com']) {
    assert.equal((await under(server, host, '/')).status, 200, host);
  }
  const headers = { host: foreign, origin: `http://${foreign}` };
  for (const path of ['/connection/websocket', '/connection/plain']) {
    await assert.rejects(openBare(t, server.ws + path, { headers }), { status: 421 });
  }
  await openBare(t, `${server.ws}/connection/plain`, { headers: { origin: server.http } });
});

test('the head of a request has one limit, however it comes', ours, async (t) => {
  const server = await startServer(t, openConfig());
  const head = (bytes) => `GET /connection/websocket HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(bytes)}\r\n\r\n`;
  for (const pieces of [1, 3]) {
    const raw = await openRaw(t, server);
    const text = head(20_000);
    const size = Math.ceil(text.length / pieces);
    for (let at = 0; at < text.length; at += size) await new Promise((done) => raw.socket.write(text.slice(at, at + size), done));
    const { status } = await raw.head();
    assert.equal(status, 431, `in ${pieces} pieces`);
  }
  const raw = await openRaw(t, server);
  raw.write(head(10_000));
  assert.equal((await raw.head()).status, 400);
});
