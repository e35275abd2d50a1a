// Tokens that a private key signs: each algorithm, and key sets that rotate, fail and are slow.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBare } from './bare.mjs';
import { as, connect, makeClient } from './client.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { event } from './wait.mjs';

const path = '/connection/websocket';
const pair = (kind, options) => generateKeyPairSync(kind, options);
const rsa = pair('rsa', { modulusLength: 2048 });
const keys = {
  RS256: rsa, RS384: rsa, RS512: rsa,
  ES256: pair('ec', { namedCurve: 'P-256' }), ES384: pair('ec', { namedCurve: 'P-384' }), ES512: pair('ec', { namedCurve: 'P-521' }),
  EdDSA: pair('ed25519'),
};
const b64 = (value) => Buffer.from(value).toString('base64url');

/** A token for anna, signed by node. */
function signed(alg, kid = alg, key = keys[alg].privateKey, claims = {}) {
  const part = `${b64(JSON.stringify({ alg, kid }))}.${b64(JSON.stringify({ sub: 'anna', ...claims }))}`;
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  return `${part}.${sign(hash, Buffer.from(part), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const jwk = (alg, kid = alg) => ({ ...keys[alg].publicKey.export({ format: 'jwk' }), kid, use: 'sig' });
const pem = (alg) => keys[alg].publicKey.export({ type: 'spki', format: 'pem' });

/** An endpoint that answers as `answer` says; counts what it is asked. */
async function endpoint(t, first) {
  const state = { answer: first, asked: 0 };
  const server = createServer((request, response) => {
    state.asked += 1;
    state.answer(response);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => { server.closeAllConnections(); server.close(); });
  state.url = `http://127.0.0.1:${server.address().port}/keys`;
  return state;
}

const set = (...jwks) => (response) => response.end(JSON.stringify({ keys: jwks }));
const fails = (response) => { response.statusCode = 503; response.end(); };
const serving = (t, token) => startServer(t, openConfig({ client: { token } }));

async function answerTo(t, server, token) {
  const bare = await openBare(t, `${server.ws}${path}`);
  return bare.ask({ id: 1, connect: { token } });
}

async function codeFor(t, server, token) {
  const bare = await openBare(t, `${server.ws}${path}`);
  bare.send({ id: 1, connect: { token } });
  return (await bare.close()).code;
}

for (const alg of ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512']) {
  test(`a token with ${alg} is accepted by its key in PEM, and no other`, async (t) => {
    const name = alg.startsWith('RS') ? 'rsa_public_key' : 'ecdsa_public_key';
    const server = await serving(t, { [name]: pem(alg) });
    await connect(t, server, { token: signed(alg) });
    await connect(t, server, as('bob'));
    const foreign = alg.startsWith('RS') ? pair('rsa', { modulusLength: 2048 }) : pair('ec', keys[alg].publicKey.asymmetricKeyDetails);
    assert.equal(await codeFor(t, server, signed(alg, 'x', foreign.privateKey)), 3500);
  });
}

for (const [form, key] of [['in PEM', pem('EdDSA')], ['as its bytes in base64', jwk('EdDSA').x]]) {
  test(`a token with EdDSA is accepted by its key ${form}, and no other`, { skip: !isVeche && 'newer there' }, async (t) => {
    const server = await serving(t, { ed25519_public_key: key });
    await connect(t, server, { token: signed('EdDSA') });
    await connect(t, server, as('bob'));
    assert.equal(await codeFor(t, server, signed('EdDSA', 'x', pair('ed25519').privateKey)), 3500);
  });
}

test('every algorithm is accepted by keys of a set, which is fetched once', async (t) => {
  const keyed = await endpoint(t, set(...Object.keys(keys).map((alg) => jwk(alg))));
  const server = await serving(t, { jwks_public_endpoint: keyed.url });
  for (const alg of Object.keys(keys)) await connect(t, server, { token: signed(alg) });
  assert.equal(keyed.asked, 1);
});

test('a key that is added later is found, one that nobody knows is 3500', async (t) => {
  const keyed = await endpoint(t, set(jwk('RS256')));
  const server = await serving(t, { jwks_public_endpoint: keyed.url });
  await connect(t, server, { token: signed('RS256') });
  keyed.answer = set(jwk('RS256'), jwk('ES256', 'new'));
  await connect(t, server, { token: signed('ES256', 'new') });
  assert.equal(await codeFor(t, server, signed('ES256', 'unknown')), 3500);
});

test('while the endpoint fails a client is told to come again, and known keys hold', { skip: !isVeche && 'there it is final' }, async (t) => {
  const keyed = await endpoint(t, fails);
  const server = await serving(t, { jwks_public_endpoint: keyed.url });
  const { error } = await answerTo(t, server, signed('RS256'));
  assert.deepEqual([error.code, error.temporary], [100, true]);
  const client = makeClient(t, server, { token: signed('RS256') });
  const connected = event(client, 'connected');
  client.connect();
  keyed.answer = set(jwk('RS256'));
  await connected;
  keyed.answer = fails;
  await connect(t, server, { token: signed('RS256') });
});

test('a slow endpoint holds nobody up but those who wait for its keys', async (t) => {
  const keyed = await endpoint(t, set(jwk('RS256')));
  const server = await serving(t, { jwks_public_endpoint: keyed.url });
  const { client } = await connect(t, server, { token: signed('RS256') });
  let reached;
  const asked = new Promise((done) => { reached = done; });
  keyed.answer = () => reached();
  const waiting = await openBare(t, `${server.ws}${path}`);
  waiting.send({ id: 1, connect: { token: signed('ES256', 'new') } });
  await asked;
  await connect(t, server, { token: signed('RS256') });
  await client.publish('news', { a: 1 });
});

/** A certificate of this machine's own for 127.0.0.1, and the files it is in. */
function certificate(t) {
  const folder = mkdtempSync(join(tmpdir(), 'veche-e2e-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=keys', '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', key, '-out', cert]);
  assert.equal(made.status, 0, String(made.stderr));
  return { file: cert, key: readFileSync(key), cert: readFileSync(cert) };
}

test('keys come over HTTPS from an endpoint whose certificate is trusted, also by redirects that stay there, and from no other', { skip: !isVeche && 'there no machine-wide authorities are read from a file' }, async (t) => {
  const { file, ...credentials } = certificate(t);
  const secure = createSecureServer(credentials, (request, response) => {
    if (request.url === '/keys') return set(jwk('RS256'))(response);
    const location = request.url === '/moved' ? '/keys' : 'http://127.0.0.1:1/keys';
    return response.writeHead(302, { location }).end();
  });
  await new Promise((done) => secure.listen(0, '127.0.0.1', done));
  t.after(() => { secure.closeAllConnections(); secure.close(); });
  const address = `https://127.0.0.1:${secure.address().port}`;
  const keyed = (path, env) => startServer(t, openConfig({ client: { token: { jwks_public_endpoint: address + path } } }), { env });
  const trusting = { SSL_CERT_FILE: file };
  for (const path of ['/keys', '/moved']) await connect(t, await keyed(path, trusting), { token: signed('RS256') });
  for (const [path, env] of [['/keys', {}], ['/away', trusting]]) {
    const { error } = await answerTo(t, await keyed(path, env), signed('RS256'));
    assert.equal(error.code, 100, path);
  }
});

test('parts of the address come from the issuer, and a token cannot choose another place', async (t) => {
  const keyed = await endpoint(t, set(jwk('RS256')));
  const token = { jwks_public_endpoint: `${keyed.url}/{{realm}}`, issuer_regex: '^https://id[.]example/(?P<realm>one|two)$' };
  const server = await serving(t, token);
  const asks = [];
  keyed.answer = (response) => { asks.push(response.req.url); set(jwk('RS256'))(response); };
  const issued = (iss) => signed('RS256', 'RS256', rsa.privateKey, { iss });
  await connect(t, server, { token: issued('https://id.example/one') });
  await connect(t, server, { token: issued('https://id.example/two') });
  for (const iss of ['https://id.example/three', 'https://evil.example/one', '']) assert.equal(await codeFor(t, server, issued(iss)), 3500, iss);
  assert.deepEqual(asks, ['/keys/one', '/keys/two']);
});

test('a plain login behind an anonymous token that is checked late is heard', { skip: !isVeche && 'the original has no plain dialect' }, async (t) => {
  let answers = () => {};
  const keyed = await endpoint(t, (response) => { answers = () => set(jwk('ES256'))(response); });
  const server = await startServer(t, openConfig({ plain: { enabled: true }, client: { token: { jwks_public_endpoint: keyed.url } } }));
  const anonymous = signed('ES256', 'ES256', keys.ES256.privateKey, { sub: '' });
  const bare = await openBare(t, `${server.ws}/connection/plain?token=${anonymous}`);
  bare.send({ action: 'subscribe', channel: 'news', id: 1 });
  bare.send({ action: 'login', token: signed('ES256', 'ES256', keys.ES256.privateKey, { sub: 'bob' }), id: 2 });
  bare.send({ action: 'publish', channel: 'news', data: 'as bob', id: 3 });
  while (keyed.asked === 0) await new Promise((done) => setTimeout(done, 5));
  answers();
  const login = await bare.frames.first((frame) => frame.id === 2, 'an answer to the login');
  assert.equal(login.data.user, 'bob');
  assert.equal((await bare.frames.first((frame) => frame.id === 3, 'an answer to the publish')).event, 'published');
  // What nobody had asked for before is answered, and given back at the login.
  const [subscribed, unsubscribed] = bare.frames.items.filter((frame) => frame.channel === 'news' && /subscribed/.test(frame.event));
  assert.deepEqual([subscribed.event, subscribed.id], ['subscribed', 1]);
  assert.deepEqual([unsubscribed.event, unsubscribed.data.code], ['unsubscribed', 2502]);
  assert.equal((await bare.ask({ action: 'subscribe', channel: 'news', id: 4 })).event, 'subscribed');
});
