// `veche sub`: its contract with scripts, over good routes and bad ones.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { network } from './network.mjs';
import { route } from './route.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { inSeconds, token } from './tokens.mjs';
import { runTool, tool, ways } from './tools.mjs';
import { within } from './wait.mjs';

/** A server where every channel can be recovered. */
const start = (t, overrides = {}) =>
  startServer(t, openConfig({
    ...(isVeche ? { plain: { enabled: true } } : {}),
    channel: { without_namespace: { force_recovery: true, force_push_join_leave: true } },
    ...overrides,
  }));

const as = (user, claims = {}) => ['--token', token({ sub: user, ...claims })];

/** Runs a test once for each way to connect. */
function each(name, body) {
  for (const way of ways) test(`${way.name}: ${name}`, (t) => body(t, way));
}

const sub = (t, way, net, channels, ...more) => tool(t, ['sub', way.url(net), ...channels, ...way.args, ...more]);

each('publications come as they were published, and --count ends it with 0', async (t, way) => {
  const server = await start(t);
  const listener = sub(t, way, server, ['news'], ...as('anna'), '--count', '5');
  assert.equal((await listener.line('connecting')).code, 0);
  const { client } = await listener.line('connected');
  const subscribed = await listener.line('subscribed');
  assert.deepEqual([subscribed.channel, subscribed.was_recovering, subscribed.recovered, subscribed.offset], ['news', false, false, 0]);
  const values = [{ text: 'hello\n', n: 1.50 }, 'text', 7, null, [[], {}]];
  for (const value of values) await server.publish('news', value);
  assert.equal(await listener.exit(), 0);
  const publications = listener.all('publication');
  assert.deepEqual(publications.map(({ data }) => data), values);
  assert.deepEqual(publications.map(({ channel, offset, epoch }) => [channel, offset, epoch]), [1, 2, 3, 4, 5].map((n) => ['news', n, subscribed.epoch]));
  assert.equal(typeof client, 'string');
  assert.ok(listener.out.endsWith('}\n'));
});

each('several channels, who publishes, who comes and who leaves', async (t, way) => {
  const server = await start(t);
  const listener = sub(t, way, server, ['a', 'b'], ...as('anna'));
  await listener.count('subscribed', 2);
  const other = await runTool(t, ['pub', way.url(server), 'b', '{"n":1}', ...way.args, ...as('bob')]);
  assert.equal(other.exit, 0, other.out);
  const publication = await listener.line('publication');
  assert.deepEqual([publication.channel, publication.data, publication.info.user], ['b', { n: 1 }, 'bob']);
  const guest = sub(t, way, server, ['b'], ...as('bob'));
  assert.equal((await listener.line('join', ({ info }) => info.user === 'bob')).channel, 'b');
  await guest.line('subscribed');
  guest.child.kill('SIGINT');
  assert.equal(await guest.exit(), 0);
  assert.equal((await listener.line('leave', ({ info }) => info.user === 'bob')).channel, 'b');
});

each('a cut route loses nothing and doubles nothing', async (t, way) => {
  const server = await start(t);
  const net = await network(t, server);
  const listener = sub(t, way, net, ['news'], ...as('anna'), '--count', '30');
  await listener.line('subscribed');
  for (let n = 0; n < 30; n++) {
    if (n % 10 === 5) net.cut();
    await server.publish('news', n);
    if (n % 10 === 9) net.mend();
  }
  assert.equal(await listener.exit(30_000), 0);
  assert.deepEqual(listener.all('publication').map(({ data }) => data), Array.from({ length: 30 }, (_, n) => n));
  const [, again] = listener.all('subscribed');
  assert.deepEqual([again.was_recovering, again.recovered], [true, true]);
  assert.ok(listener.all('connecting').length >= 2);
  assert.ok(listener.all('subscribing').some(({ code }) => code === 1));
});

each('a slow route that arrives in pieces, and is torn in the middle of frames', async (t, way) => {
  const server = await start(t);
  const net = await route(t, server);
  Object.assign(net, { delay: 2, piece: 200 });
  const listener = sub(t, way, net, ['news'], ...as('anna'), '--count', '40');
  await listener.line('subscribed');
  for (let n = 0; n < 40; n++) {
    await server.publish('news', { n, text: 'x'.repeat(50) });
    if (n === 10 || n === 25) {
      net.tear = 1100 + n; // the next connection
      net.cut();
    }
  }
  net.tear = Infinity;
  assert.equal(await listener.exit(60_000), 0);
  assert.deepEqual(listener.all('publication').map(({ data }) => data.n), Array.from({ length: 40 }, (_, n) => n));
});

each('--since goes on where an earlier run was, split at the last colon', async (t, way) => {
  const server = await start(t);
  const first = sub(t, way, server, ['news'], ...as('anna'), '--count', '1');
  await first.line('subscribed');
  await server.publish('news', 1);
  const { epoch, offset } = await first.line('publication');
  assert.equal(await first.exit(), 0);
  await server.publish('news', 2);
  await server.publish('news', 3);
  const second = await runTool(t, ['sub', way.url(server), 'news', ...way.args, ...as('anna'), '--since', `${epoch}:${offset}`, '--count', '2']);
  assert.equal(second.exit, 0);
  const [{ was_recovering: was, recovered }] = second.lines.filter(({ type }) => type === 'subscribed');
  assert.deepEqual([was, recovered], [true, true]);
  assert.deepEqual(second.lines.filter(({ type }) => type === 'publication').map(({ data }) => data), [2, 3]);
  const lost = sub(t, way, server, ['news'], ...as('anna'), '--since', 'no:such:epoch:7');
  const answer = await lost.line('subscribed');
  assert.deepEqual([answer.was_recovering, answer.recovered], [true, false]);
});

each('a final disconnect ends it with 3, and any other one does not', async (t, way) => {
  const server = await start(t);
  const listener = sub(t, way, server, ['news'], ...as('anna'));
  await listener.line('subscribed');
  for (const code of [3499, 4000]) {
    const before = listener.all('subscribed').length;
    await server.call('disconnect', { user: 'anna', disconnect: { code, reason: 'come back' } });
    assert.equal((await listener.line('connecting', (line) => line.code === code)).type, 'connecting');
    await listener.count('subscribed', before + 1);
  }
  await server.call('disconnect', { user: 'anna', disconnect: { code: 4500, reason: 'go away' } });
  const end = await listener.line('disconnected');
  assert.deepEqual([end.code, end.reason], [4500, 'go away']);
  assert.equal(await listener.exit(), 3);
});

each('a bad token and an expired one without a command are final', async (t, way) => {
  const server = await start(t);
  const bad = await runTool(t, ['sub', way.url(server), 'news', ...way.args, '--token', 'nonsense']);
  assert.equal(bad.exit, 3, bad.out);
  assert.equal(bad.lines.at(-1).type, 'disconnected');
  const old = await runTool(t, ['sub', way.url(server), 'news', ...way.args, ...as('anna', { exp: inSeconds(-100) })]);
  assert.equal(old.exit, 3, old.out);
  assert.equal(old.lines.at(-1).type, 'disconnected');
  assert.ok(old.lines.some(({ type, code }) => type === 'error' && code === 109), old.out);
});

each('--token-command is asked again when the token has run out', async (t, way) => {
  const server = await start(t);
  const folder = mkdtempSync(join(tmpdir(), 'veche-token-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [old, fresh, asked] = ['old', 'fresh', 'asked'].map((name) => join(folder, name));
  writeFileSync(old, token({ sub: 'anna', exp: inSeconds(-100) }));
  writeFileSync(fresh, `${token({ sub: 'anna', exp: inSeconds(600) })}\n`);
  const command = `[ -e ${asked} ] && cat ${fresh} || { touch ${asked}; cat ${old}; }`;
  const listener = sub(t, way, server, ['news'], '--token-command', command, '--count', '1');
  await listener.line('error', ({ code }) => code === 109);
  await listener.line('subscribed');
  await server.publish('news', 1);
  assert.equal(await listener.exit(), 0);
});

each('an unsubscribe below 2500 is final for its channel, and the last one for the command', async (t, way) => {
  const server = await start(t);
  const listener = sub(t, way, server, ['a', 'b'], ...as('anna'));
  await listener.count('subscribed', 2);
  await server.call('unsubscribe', { user: 'anna', channel: 'a' });
  assert.equal((await listener.line('unsubscribed')).channel, 'a');
  assert.equal((await listener.line('unsubscribed')).code, 2000);
  await server.publish('a', 'unheard');
  await server.publish('b', 'heard');
  await listener.line('publication');
  assert.deepEqual(listener.all('publication').map(({ data }) => data), ['heard']);
  await server.call('unsubscribe', { user: 'anna', channel: 'b' });
  assert.equal(await listener.exit(), 3);
});

each('a channel that is not allowed is told with its code', async (t, way) => {
  const server = await start(t);
  const refused = await runTool(t, ['sub', way.url(server), 'unknown:x', ...way.args, ...as('anna')]);
  assert.equal(refused.exit, 3);
  assert.equal(refused.lines.find(({ type }) => type === 'unsubscribed').code, 102);
});

each('Ctrl+C and SIGTERM end it with 0', async (t, way) => {
  const server = await start(t);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    const listener = sub(t, way, server, ['news'], ...as('anna'));
    await listener.line('subscribed');
    listener.child.kill(signal);
    assert.equal(await listener.exit(), 0);
  }
});

each('without a server it tries for ever, and comes when the server does', async (t, way) => {
  const server = await start(t);
  await server.kill();
  const listener = sub(t, way, server, ['news'], ...as('anna'), '--count', '1');
  await listener.line('error');
  await server.start();
  await listener.line('subscribed');
  await server.publish('news', 1);
  assert.equal(await listener.exit(), 0);
});

each('while nobody reads its output, pings are answered and nothing is lost', async (t, way) => {
  const server = await start(t, { client: { ping_interval: '1s', pong_timeout: '500ms' } });
  const listener = sub(t, way, server, ['news'], ...as('anna'), '--count', '300');
  await listener.line('subscribed');
  listener.child.stdout.pause();
  // More than a pipe holds, and longer than a pong may take.
  for (let n = 0; n < 300; n++) {
    await server.publish('news', { n, text: 'x'.repeat(1000) });
    if (n % 100 === 0) await new Promise((done) => setTimeout(done, 1200));
  }
  listener.child.stdout.resume();
  assert.equal(await listener.exit(), 0);
  assert.deepEqual(listener.all('publication').map(({ data }) => data.n), Array.from({ length: 300 }, (_, n) => n));
  assert.equal(listener.all('connecting').length, 1, 'the connection was kept');
});

each('Ctrl+C ends it also while nobody reads its output', async (t, way) => {
  const server = await start(t);
  const listener = sub(t, way, server, ['news'], ...as('anna'));
  await listener.line('subscribed');
  listener.child.stdout.pause();
  // More than the pipe and the reader's buffer hold.
  for (let n = 0; n < 20; n++) await server.publish('news', 'x'.repeat(30_000));
  listener.child.kill('SIGINT');
  assert.equal(await within(listener.exited, 'the end of the process'), 0);
});

test('a reader that goes away ends it without a complaint', async (t) => {
  const server = await start(t);
  const listener = sub(t, ways[0], server, ['news'], ...as('anna'));
  await listener.line('subscribed');
  listener.child.stdout.destroy();
  await server.publish('news', 1);
  assert.equal(await listener.exit(), 0);
  assert.equal(listener.err, '');
});

test('a link that swallows everything is noticed', async (t) => {
  const server = await start(t, { client: { ping_interval: '1s', pong_timeout: '500ms' } });
  const net = await network(t, server);
  const listener = sub(t, ways[0], net, ['news'], ...as('anna'), '--count', '1');
  await listener.line('subscribed');
  net.swallow();
  await server.publish('news', 1);
  await listener.line('connecting', ({ code }) => code === 2, 30_000);
  net.mend();
  assert.equal(await listener.exit(30_000), 0);
  assert.equal(listener.all('subscribed').at(-1).recovered, true);
});

test('bytes that are no JSON stand in base64', async (t) => {
  const server = await start(t);
  const listener = sub(t, ways[1], server, ['news'], ...as('anna'), '--count', '1');
  await listener.line('subscribed');
  await server.call('publish', { channel: 'news', b64data: Buffer.from([0xff, 0]).toString('base64') });
  assert.equal(await listener.exit(), 0);
  const [publication] = listener.all('publication');
  assert.deepEqual([publication.base64, 'data' in publication], ['/wA=', false]);
});

test('a wrong command line ends with 2, and says what is wrong', async (t) => {
  const wrong = [
    [['sub'], /URL/],
    [['sub', 'ws://localhost'], /CHANNEL/],
    [['sub', 'ftp://localhost', 'a'], /ws:\/\//],
    [['sub', 'ws://localhost', 'a', '--since', '7'], /EPOCH:OFFSET/],
    [['sub', 'ws://localhost', 'a', 'b', '--since', 'e:7'], /one channel/],
    [['sub', 'ws://localhost', 'a', '--count', '0'], /--count/],
    [['sub', 'ws://localhost', 'a', '--plain', '--protobuf'], /--plain/],
    [['sub', 'ws://localhost', 'a', '--plain', '--transport', 'http_stream'], /--plain/],
    [['sub', 'ws://localhost', 'a', '--token', 'a', '--token-command', 'b'], /--token/],
  ];
  for (const [args, says] of wrong) {
    const { exit, out, err } = await runTool(t, args);
    assert.equal(exit, 2, `${args}: ${out}${err}`);
    assert.match(err, says);
    assert.equal(out, '');
  }
});

test('for people, publications stand on standard output and all else on standard error', async (t) => {
  const server = await start(t);
  const listener = tool(t, ['sub', ways[0].url(server), 'news', ...as('anna'), '--count', '1'], { json: false });
  await new Promise((done) => listener.child.stderr.on('data', () => /subscribed/.test(listener.err) && done()));
  await server.publish('news', { text: 'hello' });
  assert.equal(await listener.exit(), 0);
  assert.match(listener.out, /^news \{"text":"hello"\} {2}\(.+:1\)\n$/);
  assert.match(listener.err, /connecting\nnews: subscribing\n|news: subscribing\nconnecting\n/);
  assert.match(listener.err, /connected, client [\w-]+\nnews: subscribed at .+:0\n/);
  assert.doesNotMatch(listener.err, /came/, 'one knows that one is there');
});
