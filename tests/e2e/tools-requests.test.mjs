// `veche pub`, `call`, `history` and `presence`: what they print, and how they end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { network } from './network.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { token } from './tokens.mjs';
import { runTool, tool, ways } from './tools.mjs';

const start = (t, overrides = {}) => startServer(t, openConfig({ ...(isVeche ? { plain: { enabled: true } } : {}), ...overrides }));
const as = (user) => ['--token', token({ sub: user })];

function each(name, body) {
  for (const way of ways) test(`${way.name}: ${name}`, (t) => body(t, way));
}

const run = (t, way, server, command, args, options) => runTool(t, [command, way.url(server), ...args, ...way.args, ...as('anna')], options);
const types = ({ lines }) => lines.map(({ type }) => type);
const published = async (server, channel = 'news') => (await server.call('history', { channel, limit: -1 })).publications?.map(({ data }) => data) ?? [];

each('one value is published and confirmed', async (t, way) => {
  const server = await start(t);
  for (const [data, more] of [['{"a":1}', []], ['-5', []], ['null', []], ['hello "you"', ['--text']]]) {
    const { exit, lines, out } = await run(t, way, server, 'pub', ['news', data, ...more]);
    assert.equal(exit, 0, out);
    assert.deepEqual([lines.length, lines[0].type, lines[0].channel], [1, 'published', 'news']);
  }
  const { publications } = await server.call('history', { channel: 'news', limit: -1 });
  const values = publications.map(({ data, b64data: bytes }) => data ?? JSON.parse(Buffer.from(bytes ?? 'bnVsbA==', 'base64')));
  assert.deepEqual(values, [{ a: 1 }, -5, null, 'hello "you"']);
});

each('lines are published as they come, confirmed in order, and a bad one does not stop the others', async (t, way) => {
  const server = await start(t);
  const publisher = tool(t, ['pub', way.url(server), 'news', '-', ...way.args, ...as('anna')]);
  for (let n = 1; n <= 3; n++) {
    publisher.write(`{"n":${n}}\n`);
    assert.equal((await publisher.line('published', ({ line }) => line === n)).channel, 'news');
  }
  publisher.write('this is no JSON\n\n{"n":6}');
  publisher.child.stdin.end();
  assert.equal(await publisher.exit(), 1);
  assert.deepEqual(publisher.lines.items.map(({ type, line }) => [type, line]), [['published', 1], ['published', 2], ['published', 3], ['error', 4], ['published', 6]]);
  assert.match(publisher.all('error')[0].reason, /--text/);
  assert.deepEqual(await published(server), [1, 2, 3, 6].map((n) => ({ n })));
});

each('a thousand lines at once, in their order', async (t, way) => {
  const server = await start(t);
  const input = Array.from({ length: 1000 }, (_, n) => `${n}\n`).join('');
  const { exit, lines } = await run(t, way, server, 'pub', ['news'], { input });
  assert.equal(exit, 0);
  assert.deepEqual(lines.map(({ line }) => line), Array.from({ length: 1000 }, (_, n) => n + 1));
  assert.deepEqual(await published(server), Array.from({ length: 400 }, (_, n) => n + 600));
});

each('what the server refuses is told with its code, and ends with 1', async (t, way) => {
  const server = await start(t);
  const { exit, lines } = await run(t, way, server, 'pub', ['unknown:x', '1']);
  assert.equal(exit, 1);
  assert.deepEqual([lines.length, lines[0].type, lines[0].code, lines[0].channel], [1, 'error', 102, 'unknown:x']);
});

each('without a server it says that in time, and ends with 1', async (t, way) => {
  const server = await start(t);
  await server.kill();
  const { exit, lines } = await run(t, way, server, 'pub', ['news', '1', '--timeout', '1']);
  assert.equal(exit, 1);
  assert.ok(types({ lines }).every((type) => type === 'error'));
});

each('a connection that is refused for good ends with 3, also while lines are awaited', async (t, way) => {
  const server = await start(t);
  const bad = await runTool(t, ['pub', way.url(server), 'news', '1', ...way.args, '--token', 'nonsense']);
  assert.equal(bad.exit, 3, bad.out);
  assert.equal(bad.lines.at(-1).type, 'disconnected');
  const publisher = tool(t, ['pub', way.url(server), 'news', ...way.args, ...as('anna')]);
  publisher.write('1\n');
  await publisher.line('published');
  await server.call('disconnect', { user: 'anna', disconnect: { code: 4501, reason: 'go' } });
  assert.equal(await publisher.exit(), 3);
  assert.equal((await publisher.line('disconnected')).code, 4501);
});

each('history comes in either order, from a position, and with the top of the stream', async (t, way) => {
  const server = await start(t);
  for (const n of [1, 2, 3, 4]) await server.publish('news', { n });
  const all = await run(t, way, server, 'history', ['news']);
  assert.equal(all.exit, 0, all.out);
  assert.deepEqual(types(all), ['publication', 'publication', 'publication', 'publication', 'history']);
  assert.deepEqual(all.lines.slice(0, 4).map(({ data, offset }) => [data.n, offset]), [[1, 1], [2, 2], [3, 3], [4, 4]]);
  const { epoch, offset, count, channel } = all.lines.at(-1);
  assert.deepEqual([offset, count, channel], [4, 4, 'news']);
  const newest = await run(t, way, server, 'history', ['news', '--reverse', '--limit', '2']);
  assert.deepEqual(newest.lines.slice(0, -1).map(({ data }) => data.n), [4, 3]);
  const after = await run(t, way, server, 'history', ['news', '--since', `${epoch}:2`]);
  assert.deepEqual(after.lines.slice(0, -1).map(({ data, epoch: its }) => [data.n, its]), [[3, epoch], [4, epoch]]);
  const top = await run(t, way, server, 'history', ['news', '--limit', '0']);
  assert.deepEqual(types(top), ['history']);
});

each('presence lists who is there, or how many', async (t, way) => {
  const server = await start(t);
  const listeners = ['anna', 'bob'].map((user) => tool(t, ['sub', way.url(server), 'room', ...way.args, ...as(user)]));
  for (const listener of listeners) await listener.line('subscribed');
  const who = await run(t, way, server, 'presence', ['room']);
  assert.equal(who.exit, 0, who.out);
  assert.deepEqual(who.lines.slice(0, 2).map(({ type, info }) => [type, info.user]), [['presence', 'anna'], ['presence', 'bob']]);
  assert.deepEqual(who.lines[2], { type: 'presence_stats', channel: 'room', num_clients: 2, num_users: 2 });
  const many = await run(t, way, server, 'presence', ['room', '--stats']);
  assert.deepEqual(types(many), ['presence_stats']);
});

test('a call prints what was answered, or why there is no answer', async (t) => {
  const server = await start(t, { rpc: { ping: { enabled: true } } });
  for (const way of ways.slice(0, 2)) {
    const answered = await run(t, way, server, 'call', ['ping']);
    assert.equal(answered.exit, 0, answered.out);
    assert.deepEqual([answered.lines[0].type, answered.lines[0].method], ['answer', 'ping']);
  }
  for (const way of ways) {
    const refused = await run(t, way, server, 'call', ['no_such', '{"a":1}']);
    assert.equal(refused.exit, 1, refused.out);
    assert.ok([104, 108].includes(refused.lines[0].code), refused.out);
  }
});

const plain = ways.find(({ name }) => name === 'plain');

test('--key needs --plain, and says so', async (t) => {
  const { exit, err, out } = await runTool(t, ['pub', 'ws://localhost:1', 'news', '1', '--key', 'k']);
  assert.equal(exit, 2);
  assert.match(err, /--key needs --plain/);
  assert.equal(out, '');
});

test('publications with one key are one, and lines have keys of their own', { skip: !plain && 'the original has no plain dialect' }, async (t) => {
  const server = await start(t);
  const pub = (data, options) => run(t, plain, server, 'pub', ['news', ...data, '--key', 'k'], options);
  const [first, second] = [await pub(['1']), await pub(['2'])];
  assert.deepEqual([first.exit, second.exit], [0, 0]);
  assert.deepEqual([first.lines[0].offset, second.lines[0].offset], [1, 1]);
  const input = '"a"\n"b"\n';
  for (let twice = 0; twice < 2; twice++) assert.equal((await pub([], { input })).exit, 0);
  assert.deepEqual(await published(server), [1, 'a', 'b']);
});

test('in the plain dialect a cut route publishes each line once', { skip: !plain && 'the original has no plain dialect' }, async (t) => {
  const server = await start(t);
  const net = await network(t, server);
  const publisher = tool(t, ['pub', plain.url(net), 'news', ...plain.args, ...as('anna')]);
  for (let n = 1; n <= 60; n++) {
    if (n % 20 === 10) net.cut();
    publisher.write(`${n}\n`);
    if (n % 20 === 15) net.mend();
  }
  publisher.child.stdin.end();
  assert.equal(await publisher.exit(60_000), 0);
  assert.deepEqual(await published(server), Array.from({ length: 60 }, (_, n) => n + 1));
});

test('HTTP streaming is asked for under its own scheme and path', async (t) => {
  const server = await start(t, { http_stream: { enabled: true } });
  const transport = [...as('anna'), '--transport', 'http_stream', '--timeout', '2'];
  const { exit, lines } = await runTool(t, ['pub', server.ws, 'news', '1', ...transport]);
  if (isVeche) {
    // It has no such door yet, and the tool says what it was answered.
    assert.equal(exit, 1);
    return assert.match(lines[0].reason, /404/);
  }
  assert.deepEqual([exit, lines[0].type], [0, 'published']);
  for (const args of [[], ['--protobuf']]) {
    const listener = tool(t, ['sub', server.http, 'news', ...transport, ...args, '--count', '1']);
    assert.equal((await listener.line('connected')).transport, 'http_stream');
    await listener.line('subscribed');
    await server.publish('news', { n: 1 });
    assert.equal(await listener.exit(), 0);
    assert.deepEqual(listener.all('publication')[0].data, { n: 1 });
  }
  return undefined;
});

test('for people, the answers are short lines', async (t) => {
  const server = await start(t);
  const url = ways[0].url(server);
  const say = async (args, options) => runTool(t, [...args, ...as('anna')], { json: false, ...options });
  assert.equal((await say(['pub', url, 'news', '{"a":1}'])).out, 'published\n');
  assert.equal((await say(['pub', url, 'news'], { input: '1\n' })).out, 'line 1: published\n');
  const bad = await say(['pub', url, 'news'], { input: 'x\n' });
  assert.match(bad.err, /^line 1: news: the data is no JSON value/);
  const history = await say(['history', url, 'news']);
  assert.match(history.out, /^news \{"a":1\} {2}\(by anna, .+:1\)\nnews 1 {2}\(by anna, .+:2\)\n$/);
  assert.match(history.err, /^news: 2 publications; the top is .+:2\n$/);
  assert.equal((await say(['presence', url, 'news'])).out, 'clients: 0, users: 0\n');
});
