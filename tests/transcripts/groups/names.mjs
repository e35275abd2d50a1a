// Other signs for the parts of a channel's name, and rules for all data.

import { api, join, publish, sequence, subscribe, token } from '../steps.mjs';
import { config as base } from './config.mjs';

export const config = base({
  channel: { ...base().channel, private_prefix: '!', namespace_boundary: '/', user_boundary: '@', user_separator: ';', publication_data_format: 'json_object' },
});

const asked = (name, channel, more) => sequence(name, join('a'), subscribe('a', channel, more));

export const sequences = [
  asked('a namespace', 'open/~'),
  asked('the usual boundary means nothing', 'open:~'),
  asked('the usual boundary of an unknown namespace', 'nowhere:~'),
  asked('an unknown namespace', 'nowhere/~'),
  asked('a boundary at the beginning', '/~'),
  asked('a private channel', '!~'),
  asked('a private channel in a namespace', '!open/~'),
  asked('a private channel with a token', '!open/~', { token: token({ sub: 'a~', channel: '!open/~' }) }),
  asked('the usual prefix means nothing', '$~'),
  asked('a user-limited channel', 'dialog/~@b;a~'),
  asked('a user-limited channel of others', 'dialog/~@b;c'),
  asked('the usual signs of users', 'dialog/~#b,c'),
  sequence('objects are data', join('a'), subscribe('a', 'open/~'), publish('a', 'open/~', { a: 1 }), publish('a', 'open/~', [1]), publish('a', 'open/~', 'x'), publish('a', 'open/~', null)),
  sequence('a namespace has its own rule for data', join('a'), publish('a', 'json/~', [1]), api('publish', { channel: 'json/~', data: 1 }), api('publish', { channel: 'binary/~', b64data: '/w==' }), api('publish', { channel: 'open/~', b64data: '/w==' }), api('publish', { channel: 'open/~', data: 5 })),
];
