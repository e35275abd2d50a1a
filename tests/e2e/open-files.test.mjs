// Each connection is an open file: the soft limit of the process must not be the limit of the server.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRawWebSocket } from './raw.mjs';
import { binary, isVeche, openConfig } from './server.mjs';
import { Heard, within } from './wait.mjs';

const skip = (!isVeche && 'the original says it otherwise') || (process.platform !== 'linux' && 'limits are set by a shell of Linux');

/** Runs the binary with these limits of open files; `output` hears all it prints. */
function limited(t, limits, config, ...args) {
  const folder = mkdtempSync(join(tmpdir(), 'veche-files-'));
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(config));
  const child = spawn('bash', ['-c', `${limits.map((limit) => `ulimit ${limit}`).join(' && ')} && exec "$0" "$@"`, binary, ...args, '--config', file], { cwd: folder });
  const output = new Heard();
  child.stdout.on('data', (bytes) => output.push(bytes.toString()));
  child.stderr.on('data', (bytes) => output.push(bytes.toString()));
  const exited = new Promise((done) => child.on('close', done));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  const said = async (what) => {
    await output.until((items) => items.join('').includes(what), `"${what}" in what it prints`);
    return output.items.join('');
  };
  return { said, ended: () => within(exited, 'the end of the process') };
}

const config = (client = {}) => openConfig({ http_server: { address: '127.0.0.1', port: 0 }, log: { level: 'info' }, client: { insecure: true, ...client } });

test('the soft limit is raised to the hard one, so that more clients come in than it allowed', { skip }, async (t) => {
  const server = limited(t, ['-Sn 128', '-Hn 1024'], config());
  const printed = await server.said('veche listens on');
  const port = Number(printed.match(/veche listens on 127\.0\.0\.1:(\d+)/)[1]);
  const log = JSON.parse(printed.split('\n').find((line) => line.includes('the limit of open files')));
  assert.deepEqual([log.level, log.before, log.limit], ['INFO', '128', '1024']);
  for (let n = 0; n < 200; n++) await openRawWebSocket(t, { port }, '/connection/websocket');
});

test('where fewer files may be open than clients are wanted, the start and checkconfig say so', { skip }, async (t) => {
  const server = limited(t, ['-Sn 128', '-Hn 512'], config({ connection_limit: 10_000 }));
  const printed = await server.said('client.connection_limit is 10000');
  assert.match(printed, /at most 512 files.*10128/);
  const check = limited(t, ['-Sn 128', '-Hn 512'], config({ connection_limit: 10_000 }), 'checkconfig');
  assert.match(await check.said('is correct'), /warning: client\.connection_limit is 10000, but the process may open at most 512 files/);
  assert.equal(await check.ended(), 0);
});

test('nothing is said where all fit in', { skip }, async (t) => {
  const check = limited(t, ['-Sn 128', '-Hn 1024'], config({ connection_limit: 500 }), 'checkconfig');
  assert.doesNotMatch(await check.said('is correct'), /open at most/);
});
