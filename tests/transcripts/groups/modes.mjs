// Errors of the API in the status of HTTP, by configuration; commands of a client in parallel.

import { api, but, http, join, jsonOnly, open, send, sequence, subscribe, token } from '../steps.mjs';
import { API_KEY } from '../../e2e/server.mjs';
import { config as base } from './config.mjs';

export const config = base({
  http_api: { key: API_KEY, error_mode: 'transport' },
  client: { token: base().client.token, concurrency: 4 },
});

const KEY = { 'X-API-Key': API_KEY };
const calls = (name, method, body, headers) => jsonOnly(name, api(method, body, headers));
const old = (name, body) => jsonOnly(`the old way in: ${name}`, http('POST', '/api', { body: JSON.stringify(body), headers: KEY }));

export const sequences = [
  calls('success', 'publish', { channel: 'open:~', data: 1 }),
  calls('an unknown channel', 'publish', { channel: 'nowhere:~', data: 1 }),
  calls('no channel', 'publish', { data: 1 }),
  calls('no data', 'publish', { channel: 'open:~' }),
  calls('not available', 'presence', { channel: 'open:~' }),
  calls('an unrecoverable position', 'history', { channel: 'kept:~', limit: 1, since: { offset: 1, epoch: 'gone' } }),
  calls('an unknown method of rpc', 'rpc', { method: 'x' }),
  calls('an unknown method', 'shout', {}),
  calls('a broadcast with errors', 'broadcast', { channels: ['nowhere:~', 'open:~'], data: 1 }),
  calls('a broadcast without channels', 'broadcast', { data: 1 }),
  calls('a batch with errors', 'batch', { commands: [{ publish: { channel: 'nowhere:~', data: 1 } }, {}] }),
  jsonOnly('a reversed history from zero', but(api('history', { channel: 'kept:~', limit: 1, reverse: true, since: { offset: 0, epoch: '' } }), 'there it is our fault', { http: [{ status: 400, body: { code: 107, message: 'bad request' } }] })),
  calls('another mode by the header', 'publish', { channel: 'nowhere:~', data: 1 }, { 'X-Centrifugo-Error-Mode': 'response' }),
  calls('an empty header', 'publish', { channel: 'nowhere:~', data: 1 }, { 'X-Centrifugo-Error-Mode': '' }),
  ['publish', 'subscribe', 'unsubscribe', 'presence', 'presence_stats', 'history', 'history_remove'].map((method) => calls(`${method} in an unknown namespace`, method, { channel: 'nowhere:~', user: 'u', data: 1 })),
  ['publish', 'broadcast', 'subscribe', 'unsubscribe', 'disconnect', 'refresh', 'presence', 'presence_stats', 'history', 'history_remove', 'channels', 'rpc', 'batch'].map((method) => calls(`${method} of nothing`, method, {})),
  old('an error', { method: 'publish', params: { channel: 'nowhere:~', data: 1 } }),
  old('success', { method: 'publish', params: { channel: 'open:~', data: 1 } }),

  sequence('commands one after the other', join('a'), subscribe('a', 'kept:~'), send('a', { publish: { channel: 'kept:~', data: 1 } }), send('a', { history: { channel: 'kept:~', limit: 5 } }), send('a', { presence: { channel: 'here:~' } }), send('a', { unsubscribe: { channel: 'kept:~' } })),
  sequence('commands together with connect', open('a'), send('a', { connect: { token: token({ sub: 'a~' }) } }, { subscribe: { channel: 'open:~' } })),
  sequence('a subscription of the API', join('a'), api('subscribe', { user: 'a~', channel: 'kept:~' }), api('publish', { channel: 'kept:~', data: 1 })),
  sequence('refused commands', join('a'), subscribe('a', 'closed:~'), subscribe('a', 'nowhere:~'), send('a', { rpc: { method: 'x' } })),
].flat(Infinity);
