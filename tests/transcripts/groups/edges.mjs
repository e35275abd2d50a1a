// At the edge of what SDKs do: how they say in what they speak, pongs, and commands that cross what they cause.

import { API_KEY } from '../../e2e/server.mjs';
import { api, but, http, join, jsonOnly, open, publish, send, sequence, subscribe, text, token, wait } from '../steps.mjs';
import { config as base } from './config.mjs';

export const config = base({
  client: { token: base().client.token, ping_interval: '3s', pong_timeout: '2500ms' },
});

const connect = { connect: { token: token({ sub: 'a~' }) } };
const RPC = '{"id":9,"rpc":{"method":"x"}}';
const KEY = { 'X-API-Key': API_KEY };
const FIRST_PING = wait(3100);

/** A JSON client opened like this connects and calls. */
const speaks = (name, options) => jsonOnly(name, open('a', options), send('a', connect), send('a', { rpc: { method: 'x' } }));

/** A client in either encoding that is done with its first ping. */
const pinged = (name, ...steps) => sequence(name, join('a'), FIRST_PING, ...steps);

/** A publish that we do not take. */
const refused = (body) => but(http('POST', '/api/publish', { body, headers: KEY }), 'there it is taken', { http: [{ status: 400 }] });

const FRAME_PINGS = { query: '?cf_ws_frame_ping_pong=true' };

export const sequences = [
  speaks('the subprotocol beats the query', { query: '?format=protobuf' }),
  speaks('the Protobuf subprotocol beats the query', { as: 'protobuf', protocol: 'centrifuge-protobuf', query: '?format=json' }),
  speaks('a format that nobody knows is JSON', { protocol: null, query: '?format=xml' }),
  speaks('a format in capitals is JSON', { protocol: null, query: '?format=PROTOBUF' }),
  speaks('JSON by the query', { protocol: null, query: '?cf_protocol=json' }),
  speaks('two words in the query', { as: 'protobuf', protocol: null, query: '?x=1&format=json&cf_protocol=protobuf' }),
  speaks('an empty subprotocol and Protobuf by the query', { as: 'protobuf', protocol: '', query: '?format=protobuf' }),
  speaks('a subprotocol in capitals', { protocol: 'Centrifuge-JSON' }),
  speaks('a version of the protocol and Protobuf by the query', { as: 'protobuf', protocol: null, query: '?cf_protocol_version=v2&format=protobuf' }),
  jsonOnly('JSON in a binary frame', join('a'), text('a', RPC, { binary: true }), text('a', `${RPC}\n{"id":10,"rpc":{"method":"y"}}`, { binary: true })),
  jsonOnly('a connect in a binary frame', open('a', { protocol: null }), text('a', '{"id":1}', { binary: true })),

  pinged('a second pong for one ping', send('a', {})),
  pinged('a command behind a pong', send('a', { rpc: { method: 'x' } })),
  sequence('two pongs in one frame', join('a', { pong: false }), FIRST_PING, send('a', {}, {})),
  sequence('a pong and a command in one frame', join('a', { pong: false }), FIRST_PING, send('a', {}, { rpc: { method: 'x' } }), send('a', { rpc: { method: 'y' } })),
  sequence('a command and a pong in one frame', join('a', { pong: false }), FIRST_PING, send('a', { rpc: { method: 'x' } }, {}), send('a', { rpc: { method: 'y' } })),
  sequence('a pong before the first ping', join('a'), send('a', {})),
  jsonOnly('a pong as a command where the pings are those of the WebSocket', open('a', FRAME_PINGS), send('a', connect), send('a', {})),
  jsonOnly('a pong as a command after a ping of the WebSocket', open('a', FRAME_PINGS), send('a', connect), FIRST_PING, send('a', {})),
  ...['1', 'TRUE', 'false', ''].map((word) => speaks(`pings of the WebSocket asked for by "${word}"`, { query: `?cf_ws_frame_ping_pong=${word}` })),

  sequence('publish and unsubscribe in one frame', join('a'), subscribe('a', 'open:~'),
    but(send('a', { publish: { channel: 'open:~', data: 1 } }, { unsubscribe: { channel: 'open:~' } }), 'there its own push comes before it leaves', { a: [{ id: 3, publish: {} }, { id: 4, unsubscribe: {} }] })),
  sequence('publish and unsubscribe in one frame, beside another', join('a'), join('b'), subscribe('a', 'open:~'), subscribe('b', 'open:~'),
    but(send('a', { publish: { channel: 'open:~', data: 1 } }, { unsubscribe: { channel: 'open:~' } }), 'there its own push comes before it leaves', { a: [{ id: 3, publish: {} }, { id: 4, unsubscribe: {} }] })),
  sequence('unsubscribe and publish in one frame', join('a'), subscribe('a', 'open:~'), send('a', { unsubscribe: { channel: 'open:~' } }), publish('a', 'open:~', 1)),
  sequence('history behind a publish in another frame', join('a'), publish('a', 'kept:~', 1), send('a', { history: { channel: 'kept:~', limit: 1 } })),

  jsonOnly('the API with two slashes', http('POST', '/api//publish', { body: '{"channel":"kept:~","data":1}', headers: KEY })),
  jsonOnly('the API behind two slashes', http('POST', '//api/publish', { body: '{"channel":"kept:~","data":1}', headers: KEY })),
  jsonOnly('the API with two slashes at the end', http('POST', '/api/publish//', { body: '{"channel":"kept:~","data":1}', headers: KEY })),
  jsonOnly('half a character as the name of a channel', join('a'), text('a', '{"id":9,"subscribe":{"channel":"letters:~"}}'), http('POST', '/api/publish', { body: '{"channel":"kept:~\\ud800x","data":1}', headers: KEY }), api('history', { channel: 'kept:~\ufffdx', limit: 1 })),
  jsonOnly('half a character in data and tags', http('POST', '/api/publish', { body: '{"channel":"kept:~","data":"\\udc00","tags":{"a":"\\ud83d\\ude00\\ud83d!"}}', headers: KEY }), api('history', { channel: 'kept:~', limit: 1 })),
  jsonOnly('half a character in a list of channels', http('POST', '/api/broadcast', { body: '{"channels":["kept:~\\udfff"],"data":1}', headers: KEY }), api('history', { channel: 'kept:~\ufffd', limit: 1 })),
  jsonOnly('half a character as a key', refused('{"\\ud800":1,"channel":"kept:~","data":1}')),
  jsonOnly('half a character as the name of a tag', refused('{"channel":"kept:~","data":1,"tags":{"\\ud800":"x"}}')),
];
