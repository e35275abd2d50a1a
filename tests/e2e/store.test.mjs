// Looking after the history on disk: copies, checks and figures beside a running server, and what a start says.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openConfig, run, startServer } from './server.mjs';

const onDisk = (path) => openConfig({ engine: { type: 'disk', disk: { path } } });
const at = (path) => ['--engine.disk.path', path];

/** A server with some history, and where it is. */
async function filled(t) {
  const server = await startServer(t, onDisk('history'));
  for (let n = 1; n <= 20; n++) await server.publish('news', { n });
  return { server, path: join(server.folder, 'history') };
}

const offsets = async (server) => {
  const { publications, epoch } = await server.call('history', { channel: 'news', limit: 100 });
  return { offsets: publications.map(({ offset }) => offset), epoch };
};

test('history and its epoch outlive a stop, a kill, and a backup with a new epoch', async (t) => {
  const { server, path } = await filled(t);
  const before = await offsets(server);
  const copy = join(server.folder, 'copy');
  const made = await run(['backup', copy, ...at(path)]);
  assert.equal(made.code, 0, made.output);
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    await server.kill(signal);
    await server.start();
    assert.deepEqual(await offsets(server), before, signal);
  }
  const target = join(server.folder, 'restored');
  const restored = await run(['restore', copy, ...at(target)]);
  assert.equal(restored.code, 0, restored.output);
  const again = await run(['restore', copy, ...at(target)]);
  assert.equal(again.code, 1);
  assert.match(again.output, /there is a store already/);
  const second = await startServer(t, onDisk(target));
  const after = await offsets(second);
  assert.deepEqual(after.offsets, before.offsets);
  assert.notEqual(after.epoch, before.epoch);
});

test('a check and figures read the store of a running server', async (t) => {
  const { server, path } = await filled(t);
  const check = await run(['store', 'check', ...at(path)]);
  assert.equal(check.code, 0, check.output);
  assert.match(check.output, /20 publications were read; all is well/);
  const stats = await run(['store', 'stats', ...at(path)]);
  assert.equal(stats.code, 0, stats.output);
  assert.match(stats.output, /journal +[1-9][0-9]* +bytes/);
  const metrics = (await server.get('/metrics')).text;
  assert.ok(!metrics.includes('veche_store') || /veche_store_publications_kept_total 20/.test(metrics));
});

test('a folder that cannot be used stops the start with one line', async (t) => {
  const { server, path } = await filled(t);
  const start = (path) => run(['--http_server.address=127.0.0.1', '--http_server.port=0', '--engine.type=disk', ...at(path)]);
  const lines = ({ output }) => output.trimEnd().split('\n').map((line) => JSON.parse(line)).filter(({ level }) => level === 'ERROR');
  const taken = await start(path);
  assert.equal(taken.code, 1);
  const said = lines(taken).map(({ message }) => message);
  assert.equal(said.length, 1, taken.output);
  assert.match(said[0], new RegExp(`another process \\(${server.pid}\\) uses the data directory .*engine.disk.path`));
  const file = join(server.folder, 'file');
  writeFileSync(file, '');
  const wrong = await start(file);
  assert.equal(wrong.code, 1);
  assert.match(wrong.output, /it is no directory/);
  const nothing = await run(['store', 'check', ...at(join(server.folder, 'nothing'))]);
  assert.equal(nothing.code, 1);
  assert.match(nothing.output, /there is no store/);
  assert.ok(!existsSync(join(server.folder, 'nothing')));
  mkdirSync(join(server.folder, 'full'));
  writeFileSync(join(server.folder, 'full', 'letter'), '');
  const occupied = await run(['backup', join(server.folder, 'full'), ...at(path)]);
  assert.equal(occupied.code, 1);
  assert.match(occupied.output, /it is not empty/);
});

/** A small disk of its own; only the superuser can have one. */
function smallDisk(t) {
  const folder = mkdtempSync(join(tmpdir(), 'veche-small-'));
  const mount = (...options) => spawnSync('mount', [...options, folder]).status === 0;
  if (!mount('-t', 'tmpfs', '-o', 'size=600k', 'tmpfs')) return undefined;
  t.after(() => {
    spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, grow: () => assert.ok(mount('-o', 'remount,size=16m')) };
}

test('on a full disk kept publications are refused, others go on, health says so, and it heals', async (t) => {
  const disk = smallDisk(t);
  if (!disk) return t.skip('this user may not mount');
  const config = onDisk(join(disk.folder, 'history'));
  config.channel.namespaces = [{ name: 'bare' }];
  const server = await startServer(t, config);
  const large = { text: 'x'.repeat(60_000) };
  let kept = 0;
  let refused;
  for (; !refused && kept < 50; kept += refused ? 0 : 1) refused = (await server.api('publish', { channel: 'news', data: large })).error;
  assert.equal(refused?.code, 100, 'the disk was never full');
  await server.publish('bare:news', { n: 1 });
  const page = await server.call('history', { channel: 'news', limit: 100 });
  assert.equal(page.publications.length, kept);
  const ill = await server.get('/health');
  assert.equal(ill.status, 503);
  assert.match(ill.text, /No space left on device/);
  disk.grow();
  const deadline = Date.now() + 10_000;
  while ((await server.get('/health')).status !== 200) {
    assert.ok(Date.now() < deadline, 'the server stays ill');
    await pause(50);
  }
  assert.equal((await server.publish('news', { n: 2 })).offset, kept + 1);
  await server.kill('SIGKILL');
  await server.start();
  const after = await server.call('history', { channel: 'news', limit: 100 });
  assert.equal(after.publications.length, kept + 1);
  assert.equal(after.epoch, page.epoch);
});
