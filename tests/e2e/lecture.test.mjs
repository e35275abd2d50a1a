// The three snippets of the lecture the project began with, its configuration file, and the command line around them.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBare } from './bare.mjs';
import { connect, refusal, subscribe } from './client.mjs';
import { isVeche, run, startDemo, startServer } from './server.mjs';
import { token } from './tokens.mjs';

const skip = !isVeche && 'the original has neither demo nor short keys';
const lecture = (name, body) => test(name, { skip }, body);

const JWT_SECRET = 'lecture-jwt-secret-of-32-bytes-and-more';
const CONFIG = {
  secret: 'lecture-secret',
  jwt_secret: JWT_SECRET,
  allowed_origins: ['https://app.example.com'],
  redis: { addr: 'localhost:6379' },
};

/** Opens an address, reads the welcome, sends the snippet as it stands and returns the first answer. */
async function snippet(t, server, path, text) {
  const bare = await openBare(t, server.ws + path);
  const welcome = await bare.next('the welcome');
  assert.equal(welcome.event, 'welcome');
  bare.send(text);
  return { bare, answer: await bare.next('the answer') };
}

lecture('in the demo all three snippets succeed as they stand', async (t) => {
  const server = await startDemo(t);
  const login = await snippet(t, server, '/socket', '{"action":"login","user":"my_user"}');
  assert.deepEqual([login.answer.event, login.answer.error], ['login', undefined]);
  const realtime = await snippet(t, server, '/realtime', '{"event":"subscribe","topic":"news"}');
  assert.deepEqual([realtime.answer.event, realtime.answer.channel], ['subscribed', 'news']);
  const direct = await snippet(t, server, '/centrifugo', '{"action":"subscribe","channel":"news"}');
  assert.deepEqual([direct.answer.event, direct.answer.channel], ['subscribed', 'news']);
});

lecture('with the lecture\'s config.json the token opens and the two without one hear error 101', async (t) => {
  const server = await startServer(t, CONFIG);
  const login = await snippet(t, server, '/socket', '{"action":"login","user":"my_user"}');
  assert.equal(login.answer.code, 101);
  assert.equal(typeof login.answer.error, 'string');
  const realtime = await snippet(t, server, '/realtime', '{"event":"subscribe","topic":"news"}');
  assert.equal(realtime.answer.code, 101);
  assert.match(realtime.answer.error, /log in first/);

  const jwt = token({ sub: 'my_user' }, { secret: JWT_SECRET });
  const { bare, answer } = await snippet(t, server, `/centrifugo?token=${jwt}`, '{"action":"subscribe","channel":"news"}');
  assert.deepEqual([answer.event, answer.channel], ['subscribed', 'news']);
  bare.send({ action: 'publish', channel: 'news', data: { text: 'hello' } });
  const publication = await bare.frames.first((frame) => frame.event === 'message', 'the publication');
  assert.deepEqual(publication.data, { text: 'hello' });

  const key = await server.post('/api/publish', '{"channel":"news","data":1}', { 'X-API-Key': 'lecture-secret' });
  assert.equal(key.status, 200);
  const foreign = openBare(t, `${server.ws}/socket`, { headers: { origin: 'https://other.example.com' } });
  assert.equal((await refusal(foreign)).status, 403);
  const lines = server.log.split('\n').filter((line) => /redis/i.test(line));
  assert.equal(lines.length, 1, `one clear line about redis.addr: ${lines.join('\n')}`);
});

lecture('the same secrets may come from the environment', async (t) => {
  const server = await startServer(t, { allowed_origins: ['*'] }, {
    env: { CENTRIFUGO_SECRET: 'from-the-environment', CENTRIFUGO_JWT_SECRET: JWT_SECRET },
  });
  const key = await server.post('/api/info', '{}', { 'X-API-Key': 'from-the-environment' });
  assert.equal(key.status, 200);
  const { client } = await connect(t, server, { token: token({ sub: 'my_user' }, { secret: JWT_SECRET }) });
  const { publications } = await subscribe(client, 'news');
  await client.publish('news', 'hello');
  assert.deepEqual(await publications.count(1), ['hello']);
});

lecture('the demo listens on the loopback and for its own origin only', async (t) => {
  const server = await startDemo(t);
  assert.match(server.log, new RegExp(`http://(127\\.0\\.0\\.1|localhost):${server.port}`));
  const page = await server.get('/');
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type'), /text\/html/);
  const own = await openBare(t, `${server.ws}/realtime`, { headers: { origin: server.http } });
  assert.equal((await own.next()).event, 'welcome');
  const foreign = openBare(t, `${server.ws}/realtime`, { headers: { origin: 'https://evil.example.org' } });
  assert.equal((await refusal(foreign)).status, 403);
});

/** Writes a configuration and runs `checkconfig` on it. */
async function check(t, text, name = 'config.json') {
  const folder = mkdtempSync(join(tmpdir(), 'veche-config-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, name), text);
  return { ...(await run(['checkconfig', '--config', join(folder, name)])), file: join(folder, name) };
}

test('a configuration is checked before anything starts', async (t) => {
  assert.equal((await check(t, '{"client":{"insecure":true}}')).code, 0);
  assert.notEqual((await check(t, '{"client":')).code, 0);
  const wrong = await check(t, '{"client":{"ping_interval":"soon"}}');
  assert.notEqual(wrong.code, 0);
  if (isVeche) assert.match(wrong.output, /ping_interval.*soon/s);
});

lecture('YAML and TOML say the same as JSON, and an unknown key is told its nearest neighbour', async (t) => {
  assert.equal((await check(t, 'client:\n  insecure: true\n', 'config.yaml')).code, 0);
  assert.equal((await check(t, '[client]\ninsecure = true\n', 'config.toml')).code, 0);
  const unknown = await check(t, '{"client":{"inseucre":true}}');
  assert.equal(unknown.code, 0);
  assert.match(unknown.output, /inseucre.*insecure/s);
});

lecture('genconfig makes a configuration that checkconfig likes, and gentoken a token that checktoken reads', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'veche-gen-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'config.json');
  const made = await run(['genconfig', '--config', file]);
  assert.equal(made.code, 0, made.output);
  assert.equal((await run(['checkconfig', '--config', file])).code, 0);
  const { code, output } = await run(['gentoken', '--config', file, '--user', 'alice']);
  assert.equal(code, 0, output);
  const jwt = output.match(/[\w-]+\.[\w-]+\.[\w-]+/)[0];
  const checked = await run(['checktoken', '--config', file, jwt]);
  assert.equal(checked.code, 0, checked.output);
  assert.match(checked.output, /alice/);
  assert.match((await run(['version'])).output, /\d+\.\d+\.\d+/);
});
