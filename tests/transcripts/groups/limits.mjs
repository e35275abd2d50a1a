// What is the most: channels, connections, the size of a message, the length of a name.

import { api, but, jsonOnly, join, publish, send, sequence, subscribe, text } from '../steps.mjs';
import { config as base } from './config.mjs';

export const config = base({
  client: { token: base().client.token, channel_limit: 2, user_connection_limit: 2, history_max_publication_limit: 2, connect_include_server_time: true },
  channel: { ...base().channel, max_length: 20 },
  websocket: { message_size_limit: 1000 },
});

export const sequences = [
  sequence('the server tells its time', join('a')),
  sequence('one channel too many', join('a'), subscribe('a', 'open:1~'), subscribe('a', 'open:2~'), subscribe('a', 'open:3~'), send('a', { unsubscribe: { channel: 'open:1~' } }), subscribe('a', 'open:3~')),
  sequence('a subscription twice where there is no room', join('a'), subscribe('a', 'open:1~'), subscribe('a', 'open:2~'), subscribe('a', 'open:2~')),
  sequence('where there is no room the rights count first', join('a'), subscribe('a', 'open:1~'), subscribe('a', 'open:2~'), subscribe('a', 'closed:3~'), subscribe('a', 'nowhere:~')),
  sequence('claims beyond the limit', join('a', { claims: { channels: ['open:1~', 'open:2~', 'open:3~'] } })),
  sequence('claims count', join('a', { claims: { channels: ['open:1~', 'open:2~'] } }), subscribe('a', 'open:3~')),
  sequence('connect.subs beyond the limit', join('a', { connect: { subs: { 'open:1~': {}, 'open:2~': {}, 'open:3~': {} } } })),
  sequence('the API subscribes beyond the limit', join('a'), subscribe('a', 'open:1~'), subscribe('a', 'open:2~'), api('subscribe', { user: 'a~', channel: 'open:3~' })),
  sequence('the API subscribes again at the limit', join('a'), subscribe('a', 'open:1~'), subscribe('a', 'open:2~'), but(api('subscribe', { user: 'a~', channel: 'open:2~' }), 'there one that is replaced counts twice', { a: [{ push: { channel: 'open:2~', subscribe: {} } }] })),
  sequence('one connection too many', join('a', { user: 'u~' }), join('b', { user: 'u~' }), join('c', { user: 'u~' })),
  sequence('history gives no more than its limit', join('a'), [1, 2, 3].map((n) => publish('a', 'kept:~', n)), send('a', { history: { channel: 'kept:~', limit: 3 } }), send('a', { history: { channel: 'kept:~', limit: -1 } }), send('a', { history: { channel: 'kept:~', limit: 3, reverse: true } }), api('history', { channel: 'kept:~', limit: 3 })),
  sequence('a name of the greatest length', join('a'), subscribe('a', 'open:' + 'x'.repeat(15)), subscribe('a', 'open:' + 'x'.repeat(16)), but(publish('a', 'open:' + 'x'.repeat(16), 1), 'there only subscribe looks at it', { a: [{ id: 4, error: { code: 107, message: 'bad request' } }] })),
  jsonOnly('a message of the greatest size', join('a'), text('a', '{"id":2,"rpc":{"method":"x"}}'.padEnd(1000))),
  jsonOnly('a message beyond it', join('a'), text('a', '{"id":2,"rpc":{"method":"x"}}'.padEnd(1001))),
];
