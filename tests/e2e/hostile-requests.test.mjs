// Requests and calls of the API that no honest client sends: refused with a status and a text, and nobody else notices.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openBare } from './bare.mjs';
import { withBystander } from './bystander.mjs';
import { PING, PONG, TEXT, frame, openRaw } from './raw.mjs';
import { API_KEY, isVeche, openConfig, startServer } from './server.mjs';
import { within } from './wait.mjs';

const DOOR = '/connection/websocket';
const ours = { skip: !isVeche && 'the original answers otherwise' };

const LINES = [
  'Host: x', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const head = (line, lines = LINES) => `${line}\r\n${lines.join('\r\n')}\r\n\r\n`;
const upgrade = (...more) => head(`GET ${DOOR} HTTP/1.1`, [...LINES, ...more]);
const without = (name, ...more) => head(`GET ${DOOR} HTTP/1.1`, [...LINES.filter((line) => !line.startsWith(name)), ...more]);

/** Requests for the door, and the statuses that are right for each. */
const REQUESTS = {
  'two keys': [upgrade('Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='), [400]],
  'two versions': [upgrade('Sec-WebSocket-Version: 8'), [400, 426]],
  'two hosts': [upgrade('Host: y'), [400]],
  'no host': [without('Host'), [400]],
  'a host that is empty twice': [without('Host', 'Host:', 'Host:'), [400]],
  'a body with a length': [`${upgrade('Content-Length: 8')}12345678`, [400]],
  'a chunked body': [`${upgrade('Transfer-Encoding: chunked')}0\r\n\r\n`, [400]],
  'a body in two ways': [upgrade('Content-Length: 4', 'Transfer-Encoding: chunked'), [400]],
  'two different lengths': [upgrade('Content-Length: 0', 'Content-Length: 5'), [400]],
  'a negative length': [upgrade('Content-Length: -1'), [400]],
  'an encoding that only looks chunked': [upgrade('Transfer-Encoding: xchunked'), [400]],
  'a space before the colon': [without('Upgrade', 'Upgrade : websocket'), [400]],
  'a folded line': [without('Upgrade', 'Upgrade:', ' websocket'), [400]],
  'a zero byte in a value': [upgrade('X-Zero: a\0b'), [400]],
  'a bare carriage return in a value': [upgrade('X-Return: a\rb'), [400]],
  'a name that is none': [upgrade('X(Y): a'), [400]],
  'a line without a colon': [upgrade('nothing'), [400]],
  'a key with spaces inside': [without('Sec-WebSocket-Key', 'Sec-WebSocket-Key: dGhlIHNhbXBs ZSBub25jZQ=='), [400]],
  'a key that is too long': [without('Sec-WebSocket-Key', `Sec-WebSocket-Key: ${'A'.repeat(4000)}`), [400]],
  'an upgrade to something else': [without('Upgrade', 'Upgrade: h2c'), [400, 426]],
  'a hundred and one headers': [upgrade(...Array.from({ length: 101 }, (_, i) => `X-${i}: y`)), [400, 431]],
  'another method': [head(`POST ${DOOR} HTTP/1.1`), [400, 405]],
  'a method that nobody knows': [head(`BREW ${DOOR} HTTP/1.1`), [400, 405]],
  'the method of proxies': [head('CONNECT x:443 HTTP/1.1'), [400, 404, 405]],
  'a version that is to come': [head(`GET ${DOOR} HTTP/3.7`), [400, 505]],
  'no version': [`GET ${DOOR}\r\n\r\n`, [400, 505]],
  'a space too many': [head(`GET  ${DOOR} HTTP/1.1`), [400]],
  'a path with a zero byte': [head('GET /connection/\0 HTTP/1.1'), [400]],
  'a path that climbs out': [head('GET /../../etc/passwd HTTP/1.1'), [301, 307, 400, 404]],
  'a path that climbs out in disguise': [head('GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1'), [301, 307, 400, 404]],
  'a path of ten thousand bytes': [head(`GET /${'x'.repeat(10_000)} HTTP/1.1`), [404, 414]],
  'another site in the target': [head('GET http://evil.example/nothing HTTP/1.1'), [400, 404]],
  'the greeting of TLS': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', [400]],
  'the greeting of SSH': ['SSH-2.0-OpenSSH_9.2\r\n\r\n', [400]],
  'a byte beyond ASCII in the query': [head(`GET ${DOOR}?format=\xff HTTP/1.1`), [400]],
};

test('requests that no honest client sends are refused, each with its status', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  for (const [what, [bytes, statuses]] of Object.entries(REQUESTS)) {
    await t.test(what, async (t) => {
      const raw = await openRaw(t, server);
      raw.write(Buffer.from(bytes, 'latin1'));
      const answer = await raw.head();
      assert.ok(statuses.includes(answer.status), `${answer.line}, ${answer.body}`);
    });
  }
  await unharmed();
});

/** Requests for the API, whose `Host` is wrong. */
const HOSTS = {
  'no host': [[], 400],
  'two hosts': [['Host: x', 'Host: x'], 400],
  'a host that is no name': [['Host: a b'], 400],
  'a host with a user': [['Host: user@x'], 400],
  'a port that is no number': [['Host: x:8x'], 400],
  'half an address': [['Host: [::1'], 400],
  'an address of IPv6 with a port': [['Host: [::1]:8000'], 200],
  'an empty host': [['Host:'], 200],
};

test('a request without one good host is refused, on the first request of a connection and on a later one', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  const request = (lines, version = '1.1') =>
    `${[`POST /api/info HTTP/${version}`, ...lines, `X-API-Key: ${API_KEY}`, 'Content-Length: 2'].join('\r\n')}\r\n\r\n{}`;
  for (const [what, [lines, status]] of Object.entries(HOSTS)) {
    await t.test(what, async (t) => {
      const first = await openRaw(t, server);
      first.write(request(lines));
      assert.equal((await first.head()).status, status, 'first');
      const later = await openRaw(t, server);
      later.write(request(['Host: x']));
      assert.equal((await later.head()).status, 200);
      later.write(request(lines));
      const answer = await later.head();
      assert.equal(answer.status, status, 'later');
      if (status === 400) {
        assert.match(answer.body, /Host/);
        await within(later.ended, 'the end of TCP');
      }
    });
  }
  const old = await openRaw(t, server);
  old.write(request([], '1.0'));
  assert.equal((await old.head()).status, 200, 'HTTP/1.0 has no Host');
  const old2 = await openRaw(t, server);
  old2.write(request(['Host: x', 'Host: y'], '1.0'));
  assert.equal((await old2.head()).status, 400, 'but never two');
  await unharmed();
});

/** Requests that look odd, and are good. */
const ODD = {
  'names and values in another case': head(`GET ${DOOR} HTTP/1.1`, LINES.map((line) => line.replace(/^[^:]+/, (name) => name.toUpperCase())).map((line) => line.replace('websocket', 'WebSocket'))),
  'a whole address as target': head(`GET http://localhost${DOOR} HTTP/1.1`),
  'a thousand subprotocols': upgrade(`Sec-WebSocket-Protocol: ${Array.from({ length: 1000 }, (_, i) => `p${i}`).join(', ')}`),
  'extensions that make no sense': upgrade('Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99; x="\\"', 'Sec-WebSocket-Extensions: ,,;;'),
  'a query of rubbish': head(`GET ${DOOR}?%zz&=&format=&&format=%00&cf_protocol=%ff HTTP/1.1`),
  'a length of nothing': upgrade('Content-Length: 0'),
};

test('requests that only look odd are let in', ours, async (t) => {
  const { server, unharmed } = await withBystander(t, { websocket: { compression: true } });
  for (const [what, bytes] of Object.entries(ODD)) {
    await t.test(what, async (t) => {
      const raw = await openRaw(t, server);
      raw.write(Buffer.from(bytes, 'latin1'));
      const { line, status } = await raw.head();
      assert.equal(status, 101, line);
      raw.write(frame(PING, 'are you there'));
      const { opcode } = await raw.frame();
      assert.equal(opcode, PONG);
    });
  }
  await unharmed();
});

test('a head that comes byte by byte is cut off when its time is over', async (t) => {
  const { server, unharmed } = await withBystander(t);
  const slow = await Promise.all(Array.from({ length: 50 }, () => openRaw(t, server)));
  const drip = setInterval(() => slow.forEach((raw) => !raw.isEnded && raw.write('X')), 200);
  t.after(() => clearInterval(drip));
  slow.forEach((raw) => raw.write(`GET ${DOOR} HTTP/1.1\r\nX-Slow: `));
  await unharmed();
  await within(Promise.all(slow.map((raw) => raw.ended)), 'the end of all that drip', 20_000);
  await unharmed();
});

test('bytes behind a refused request are not taken for another one', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  const hidden = `POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nContent-Length: 37\r\n\r\n{"channel":"bystander","data":"mark"}`;
  for (const request of [`${upgrade(`Content-Length: ${hidden.length}`)}${hidden}`, `${upgrade('Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n${hidden}`]) {
    const raw = await openRaw(t, server);
    raw.write(request);
    assert.equal((await raw.head()).status, 400);
    await within(raw.ended, 'the end of TCP');
  }
  await unharmed();
});

const deep = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const publish = (fields) => ['publish', `{"channel":"news","data":1${fields}}`];

/** Calls of the API: method, body, and the status or error code that is right. */
const CALLS = {
  'no body': ['publish', '', 400],
  'half a body': ['publish', '{"channel":"news","da', 400],
  'a body and a half': ['publish', '{"channel":"news","data":1}}', 400],
  'a list': ['publish', '[]', 400],
  'a string': ['publish', '"x"', 400],
  'a mark of byte order': ['publish', '\ufeff{"channel":"news","data":1}', 400],
  'a zero byte': ['publish', '{"channel":"news","data":1}\0', 400],
  'a channel that is a number': ['publish', '{"channel":7,"data":1}', 400],
  'a channel that is a list': ['publish', '{"channel":["news"],"data":1}', 400],
  'no channel': ['publish', '{"data":1}', 107],
  'tags that are a list': [...publish(',"tags":["a"]'), 400],
  'tags that are numbers': [...publish(',"tags":{"a":1}'), 400],
  'a version below zero': [...publish(',"version":-1'), 400],
  'a version beyond 64 bits': [...publish(',"version":18446744073709551616'), 400],
  'a version that is a fraction': [...publish(',"version":1.5'), 400],
  'a flag that is a string': [...publish(',"delta":"true"'), 400],
  'base64 that is none': ['publish', '{"channel":"news","b64data":"***"}', 107],
  'not a number': ['publish', '{"channel":"news","data":NaN}', 400],
  'a number with a zero before it': ['publish', '{"channel":"news","data":01}', 400],
  'an escape that is none': ['publish', '{"channel":"news","data":"\\x41"}', 400],
  'a line break in a string': ['publish', '{"channel":"news","data":"a\nb"}', 400],
  'a limit beyond 32 bits': ['history', '{"channel":"news","limit":99999999999}', 400],
  'an offset below zero': ['history', '{"channel":"news","since":{"offset":-1}}', 400],
  'channels that are a string': ['broadcast', '{"channels":"news","data":1}', 400],
  'a batch of nothing known': ['batch', '{"commands":"x"}', 400],
  'a disconnect with a code of nobody': ['disconnect', '{"user":"a","disconnect":{"code":70000}}', 107],
};

test('calls of the API that make no sense are refused, each with its status or code', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  for (const [what, [method, body, expected]] of Object.entries(CALLS)) {
    await t.test(what, async () => {
      const { status, text } = await server.post(`/api/${method}`, body, { 'X-API-Key': API_KEY });
      if (expected >= 400) assert.equal(status, expected, text);
      else assert.deepEqual([status, JSON.parse(text).error?.code], [200, expected], text);
    });
  }
  await unharmed();
});

test('data at the edge of what JSON can say are passed on or refused, and nobody is thrown out', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  for (const data of ['1e400', '-1e-400', '123456789'.repeat(1000), '"\\ud800"', '"\\u0000"', deep(512), deep(513), '{"a":1,"a":2}', '"\u2028"', `"${'x'.repeat(1_000_000)}"`]) {
    const { status, text } = await server.post('/api/publish', `{"channel":"bystander","data":${data}}`, { 'X-API-Key': API_KEY });
    assert.ok(status === 200 || status === 400, `${data.slice(0, 40)}: HTTP ${status} ${text.slice(0, 100)}`);
  }
  await unharmed();
});

test('a body beyond the limit, or packed, is refused', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  const key = { 'X-API-Key': API_KEY };
  // It is refused for what it announces, before it is sent.
  const large = await openRaw(t, server);
  large.write(`POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nContent-Length: ${17 << 20}\r\n\r\n{`);
  assert.equal((await large.head()).status, 413);
  const packed = await server.post('/api/publish', gzipSync('{"channel":"news","data":1}'), { ...key, 'Content-Encoding': 'gzip' });
  assert.ok([400, 415].includes(packed.status), `HTTP ${packed.status}`);
  await unharmed();
});

test('a broken chunk ends the call with 400 and its connection', ours, async (t) => {
  const { server, unharmed } = await withBystander(t);
  for (const chunks of ['zz\r\n{}\r\n0\r\n\r\n', '-1\r\n{}\r\n', 'fffffffffffffffff\r\n{}', '2\r\n{}0\r\n\r\n']) {
    const raw = await openRaw(t, server);
    raw.write(`POST /api/info HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
    assert.equal((await raw.head()).status, 400, chunks);
    await within(raw.ended, 'the end of TCP');
  }
  await unharmed();
});

test('a first frame behind the request is heard', async (t) => {
  const { server } = await withBystander(t);
  const raw = await openRaw(t, server);
  raw.write(Buffer.concat([Buffer.from(upgrade()), frame(TEXT, '{"id":1,"connect":{}}')]));
  assert.equal((await raw.head()).status, 101);
  assert.ok((await raw.object((reply) => reply.id === 1)).connect);
});

/** A server with a channel whose history is larger than what the kernel keeps for a socket. */
async function withLargeHistory(t, config) {
  const server = await startServer(t, openConfig(config));
  const data = 'x'.repeat(1_000_000);
  for (let i = 0; i < 24; i++) await server.publish('large', data);
  return server;
}

const history = '{"channel":"large","limit":-1}';
const call = (method, body) => `POST /api/${method} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

test('callers that do not read, or do not finish, keep the stop from nothing', ours, async (t) => {
  const server = await withLargeHistory(t, { client: { allow_anonymous_connect_without_token: true }, shutdown: { timeout: '8s' } });
  const client = await openBare(t, `${server.ws}/connection/websocket`);
  client.socket.send('{"id":1,"connect":{}}');
  await client.frames.first(({ id }) => id === 1);
  // It asks for 24 MB and reads nothing.
  const silent = await openRaw(t, server);
  silent.socket.pause();
  silent.write(call('history', history));
  // It has sent half of its call.
  const half = await openRaw(t, server);
  half.write(call('publish', `{"channel":"large","data":${'1'.repeat(100)}}`).slice(0, -50));
  // Whoever asks after these is answered after they were accepted.
  await server.call('info');
  const ended = server.kill('SIGTERM');
  const { code } = await within(client.closed, 'the close of the WebSocket');
  assert.equal(code, 3001);
  assert.deepEqual(await ended, { code: 0, signal: null });
});

test('a connection stays open between two calls for as long as is configured', ours, async (t) => {
  const server = await startServer(t, openConfig({ http_server: { keepalive_timeout: '1s' } }));
  const kept = await openRaw(t, server);
  for (let i = 0; i < 2; i++) {
    kept.write(call('info', '{}'));
    assert.equal((await kept.head()).status, 200);
  }
  await within(kept.ended, 'the end of an idle connection');
  // In a file zero leaves the default in force.
  const other = await startServer(t, openConfig(), { env: { VECHE_HTTP_SERVER_KEEPALIVE_TIMEOUT: '0s' } });
  const once = await openRaw(t, other);
  once.write(call('info', '{}'));
  const { status, headers } = await once.head();
  assert.deepEqual([status, headers.connection], [200, 'close']);
  await within(once.ended, 'the end of a connection that is not kept');
});
