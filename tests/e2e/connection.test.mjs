// Connections of the official client: who may come in, how long they stay, how they end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBare } from './bare.mjs';
import { as, builds, connect, makeClient, refusal, subscribe } from './client.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { inSeconds, token, unsignedToken } from './tokens.mjs';
import WebSocket from 'ws';
import { event, Heard, hear } from './wait.mjs';

for (const build of builds) {
  test(`${build.name}: a client without a token connects where anonymous clients are allowed`, async (t) => {
    const server = await startServer(t, openConfig({ client: { allow_anonymous_connect_without_token: true } }));
    const { connected } = await connect(t, server, {}, build);
    assert.match(connected.client, /^[0-9a-f-]{36}$/);
  });

  test(`${build.name}: the user of a token is the user that others see`, async (t) => {
    const server = await startServer(t, openConfig());
    const { client } = await connect(t, server, as('alice'), build);
    await subscribe(client, 'news', {}, build);
    const { clients } = await client.presence('news');
    assert.deepEqual(Object.values(clients).map((info) => info.user), ['alice']);
  });

  test(`${build.name}: in insecure mode a client without a token may do everything`, async (t) => {
    const server = await startServer(t, { health: { enabled: true }, client: { insecure: true } });
    const { client } = await connect(t, server, {}, build);
    const { publications } = await subscribe(client, 'news', {}, build);
    await client.publish('news', build.pack({ text: 'hello' }));
    assert.deepEqual(await publications.count(1), [{ text: 'hello' }]);
  });

  test(`${build.name}: an expired token is renewed through getToken and the client comes in`, async (t) => {
    const server = await startServer(t, openConfig());
    let asked = 0;
    const getToken = async () => token({ sub: 'alice', exp: inSeconds(600 + asked++) });
    const { connected } = await connect(t, server, { token: token({ sub: 'alice', exp: inSeconds(-60) }), getToken }, build);
    assert.equal(asked, 1);
    assert.ok(connected.client);
  });

  test(`${build.name}: a connection is refreshed before its token expires and never drops`, async (t) => {
    const server = await startServer(t, openConfig());
    const asked = new Heard();
    const getToken = async () => {
      asked.push(Date.now());
      return token({ sub: 'alice', exp: inSeconds(600) });
    };
    const { client } = await connect(t, server, { token: token({ sub: 'alice', exp: inSeconds(2) }), getToken }, build);
    const disconnections = hear(client, 'disconnected');
    const reconnections = hear(client, 'connecting');
    const { publications } = await subscribe(client, 'clock', {}, build);
    await asked.count(1, 'the question for a new token');
    await client.publish('clock', build.pack('after the refresh'));
    await publications.until((items) => items.includes('after the refresh'), 'the publication after the refresh');
    assert.deepEqual([disconnections.items, reconnections.items], [[], []]);
  });

  test(`${build.name}: a token that is not ours ends the connection with 3500 and is not tried again`, async (t) => {
    const server = await startServer(t, openConfig());
    for (const wrong of [token({ sub: 'mallory' }, { secret: 'another-key' }), unsignedToken({ sub: 'mallory' }), 'not.a.token']) {
      const client = makeClient(t, server, { token: wrong }, build);
      const disconnected = event(client, 'disconnected');
      client.connect();
      assert.equal((await disconnected).code, 3500, wrong);
    }
  });

  test(`${build.name}: an rpc without a backend is refused with 108 and the connection stays`, async (t) => {
    const server = await startServer(t, openConfig());
    const { client } = await connect(t, server, as('alice'), build);
    assert.equal((await refusal(client.rpc('sum', build.pack({ a: 1 })))).code, 108);
    await client.publish('news', build.pack(1));
  });

  test(`${build.name}: a message that nobody handles ends the connection with 3508`, async (t) => {
    const server = await startServer(t, openConfig());
    const { client } = await connect(t, server, as('alice'), build);
    const disconnected = event(client, 'disconnected');
    await client.send(build.pack({ hello: 'server' }));
    assert.equal((await disconnected).code, 3508);
  });

  test(`${build.name}: a shutdown says 3001 to every client and the process ends by itself`, async (t) => {
    const server = await startServer(t, openConfig());
    const clients = await Promise.all(['alice', 'bob'].map((user) => connect(t, server, as(user), build)));
    const goodbyes = clients.map(({ client }) => event(client, 'connecting', (context) => context.code === 3001));
    const ended = server.kill('SIGTERM');
    await Promise.all(goodbyes);
    clients.forEach(({ client }) => client.disconnect());
    assert.equal((await ended).code, 0);
  });

  test(`${build.name}: the client answers the pings and its quiet connection stays`, async (t) => {
    const server = await startServer(t, openConfig({ client: { ping_interval: '1s', pong_timeout: '500ms' } }));
    const pings = new Heard();
    class Listening extends WebSocket {
      constructor(...args) {
        super(...args);
        // A ping is `{}` in JSON, and a message of length zero, one byte with its prefix, in Protobuf.
        this.on('message', (bytes) => (bytes.byteLength ?? bytes.length) <= 3 && pings.push('ping'));
      }
    }
    const { client } = await connect(t, server, { ...as('alice'), websocket: Listening }, build);
    const drops = hear(client, 'connecting');
    await pings.count(3, 'three pings');
    assert.equal((await refusal(client.rpc('x', build.pack({})))).code, 108);
    assert.deepEqual(drops.items, []);
  });
}

test('a client that does not answer pings is closed with 3012', async (t) => {
  const server = await startServer(t, openConfig({ client: { insecure: true, ping_interval: '1s', pong_timeout: '300ms' } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  const { connect: hello } = await bare.ask({ id: 1, connect: {} });
  assert.equal(hello.ping, 1);
  assert.equal(hello.pong, true);
  assert.equal((await bare.close()).code, 3012);
});

test('a client that pongs to each ping stays', async (t) => {
  const server = await startServer(t, openConfig({ client: { insecure: true, ping_interval: '1s', pong_timeout: '300ms' } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  bare.socket.on('message', (bytes) => bytes.toString().trim() === '{}' && bare.socket.send('{}'));
  await bare.ask({ id: 1, connect: {} });
  const isPing = (frame) => Object.keys(frame).length === 0;
  await bare.frames.until((items) => items.filter(isPing).length >= 3, 'three pings');
  const { error } = await bare.ask({ id: 2, rpc: { method: 'x' } });
  assert.equal(error.code, 108);
});

test('a socket that never connects is closed as stale with 3502', async (t) => {
  const server = await startServer(t, openConfig({ client: { stale_close_delay: '500ms' } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  assert.equal((await bare.close()).code, 3502);
});

test('a connection whose token expires and is not renewed ends with 3005', async (t) => {
  const server = await startServer(t, openConfig({ client: { expired_close_delay: '500ms' } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  const { connect: hello } = await bare.ask({ id: 1, connect: { token: token({ sub: 'alice', exp: inSeconds(2) }) } });
  assert.equal(hello.expires, true);
  assert.ok(hello.ttl >= 1 && hello.ttl <= 2);
  assert.equal((await bare.close()).code, 3005);
});

test('an expired token is answered with error 109', async (t) => {
  const server = await startServer(t, openConfig());
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  const { error } = await bare.ask({ id: 1, connect: { token: token({ sub: 'alice', exp: inSeconds(-5) }) } });
  assert.deepEqual([error.code, error.message], [109, 'token expired']);
});

test('a refresh with the token of another user ends the connection with 3500', async (t) => {
  const server = await startServer(t, openConfig());
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  await bare.ask({ id: 1, connect: { token: token({ sub: 'alice', exp: inSeconds(60) }) } });
  const renewed = await bare.ask({ id: 2, refresh: { token: token({ sub: 'alice', exp: inSeconds(600) }) } });
  assert.equal(renewed.refresh.expires, true);
  bare.send({ id: 3, refresh: { token: token({ sub: 'bob', exp: inSeconds(600) }) } });
  assert.equal((await bare.close()).code, 3500);
});

test('without a token and without anonymous access the connection ends with 3501', async (t) => {
  const server = await startServer(t, openConfig());
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  bare.send({ id: 1, connect: {} });
  assert.equal((await bare.close()).code, 3501);
});

test('commands in one frame are answered in order, and a command before connect ends the connection', async (t) => {
  const server = await startServer(t, openConfig());
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  const commands = [
    { id: 1, connect: { token: token({ sub: 'alice' }) } },
    { id: 2, subscribe: { channel: 'news' } },
    { id: 3, publish: { channel: 'news', data: { n: 1 } } },
    { id: 4, history: { channel: 'news', limit: 10 } },
  ];
  bare.send(commands.map((command) => JSON.stringify(command)).join('\n'));
  const replies = await bare.frames.until((items) => items.filter((frame) => frame.id).length >= 4, 'four replies');
  assert.deepEqual(replies.filter((frame) => frame.id).map((frame) => frame.id), [1, 2, 3, 4]);

  const early = await openBare(t, `${server.ws}/connection/websocket`);
  early.send({ id: 1, subscribe: { channel: 'news' } });
  assert.equal((await early.close()).code, 3501);
});

test('with more concurrency too the commands of a frame are all answered, each once and rightly', async (t) => {
  const server = await startServer(t, openConfig({ client: { insecure: true, concurrency: 8 } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  await bare.ask({ id: 1, connect: {} });
  await bare.ask({ id: 2, subscribe: { channel: 'news' } });
  const kinds = [
    { publish: { channel: 'news', data: 1 } },
    { history: { channel: 'news' } },
    { presence_stats: { channel: 'news' } },
    { rpc: { method: 'x' } },
    { subscribe: { channel: 'news' } },
  ];
  const commands = Array.from({ length: 300 }, (_, at) => ({ id: at + 10, ...kinds[at % kinds.length] }));
  bare.send(commands.map((command) => JSON.stringify(command)).join('\n'));
  const isAnswer = (frame) => frame.id >= 10;
  const frames = await bare.frames.until((all) => all.filter(isAnswer).length >= commands.length, 'all answers');
  const answers = frames.filter(isAnswer).map(({ id, error, ...body }) => [id, error?.code ?? Object.keys(body)[0]]);
  const expected = ['publish', 'history', 'presence_stats', 108, 105];
  assert.deepEqual(answers.sort(([a], [b]) => a - b), commands.map(({ id }, at) => [id, expected[at % kinds.length]]));
  await bare.frames.until((all) => all.filter((frame) => frame.push?.pub).length === 60, 'its own sixty publications');
});

test('a foreign origin is refused with 403 and the listed one is let in', async (t) => {
  const server = await startServer(t, openConfig({ client: { insecure: true, allowed_origins: ['https://chat.example.com'] } }));
  const foreign = openBare(t, `${server.ws}/connection/websocket`, { headers: { origin: 'https://evil.example.org' } });
  const error = await refusal(foreign);
  assert.equal(error.status, 403);
  if (isVeche) assert.match(error.text, /evil\.example\.org/);
  await openBare(t, `${server.ws}/connection/websocket`, { headers: { origin: 'https://chat.example.com' } });
  await openBare(t, `${server.ws}/connection/websocket`);
});

test('a user over its connection limit is closed with 3504', async (t) => {
  const server = await startServer(t, openConfig({ client: { user_connection_limit: 1 } }));
  await connect(t, server, as('alice'));
  const second = makeClient(t, server, as('alice'));
  const disconnected = event(second, 'disconnected');
  second.connect();
  assert.equal((await disconnected).code, 3504);
  await connect(t, server, as('bob'));
});

test('of connections of one user that come at once only as many get in as there are places', async (t) => {
  const server = await startServer(t, openConfig({ client: { user_connection_limit: 1 }, ...(isVeche && { node: { workers: 2 } }) }));
  for (let round = 0; round < 10; round++) {
    const sockets = await Promise.all(Array.from({ length: 8 }, () => openBare(t, `${server.ws}/connection/websocket`)));
    const mine = token({ sub: `user ${round}` });
    const answers = await Promise.all(sockets.map((bare) => {
      bare.send({ id: 1, connect: { token: mine } });
      return Promise.race([bare.next('an answer').then(() => 'in', () => 'nothing'), bare.close().then(({ code }) => code)]);
    }));
    assert.deepEqual(answers.sort(), [3504, 3504, 3504, 3504, 3504, 3504, 3504, 'in'], `round ${round}`);
    for (const bare of sockets) bare.socket.terminate();
  }
});

test('a compressed connection carries the same publications', async (t) => {
  const server = await startServer(t, openConfig({ client: { insecure: true }, websocket: { compression: true } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`, { perMessageDeflate: { threshold: 0 } });
  assert.match(bare.socket.extensions, /permessage-deflate/);
  await bare.ask({ id: 1, connect: {} });
  await bare.ask({ id: 2, subscribe: { channel: 'news' } });
  const text = 'a long text that is worth to be compressed '.repeat(200);
  await server.publish('news', { text });
  const push = await bare.frames.first((frame) => frame.push?.pub, 'the publication');
  assert.equal(push.push.pub.data.text, text);
});
