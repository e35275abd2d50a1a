// client.insecure: everybody may do everything, but a token that is given is still looked at.

import { join, open, publish, send, sequence, subscribe, token } from '../steps.mjs';
import { config as base } from './config.mjs';

export const config = base({ client: { token: base().client.token, insecure: true }, http_api: { insecure: true } });

const enter = [open('a'), send('a', { connect: {} })];

export const sequences = [
  sequence('no token', enter),
  sequence('a good token', join('a', { claims: { exp: { $in: 600 }, info: { a: 1 } } }), subscribe('a', 'here:~'), send('a', { presence: { channel: 'here:~' } })),
  sequence('a bad token', open('a'), send('a', { connect: { token: token({ sub: 'a' }, { secret: 'x' }) } })),
  sequence('an expired token', open('a'), send('a', { connect: { token: token({ sub: 'a', exp: 1 }) } })),
  sequence('channels of a token', join('a', { claims: { channels: ['open:~'] } })),
  sequence('subscribe anywhere', enter, subscribe('a', 'closed:~'), publish('a', 'closed:~', 1)),
  sequence('subscribe to a private channel', enter, subscribe('a', '$closed:~')),
  sequence('subscribe to a private channel with a token', enter, subscribe('a', '$closed:~', { token: token({ channel: '$closed:~', sub: '' }) })),
  sequence('subscribe with a token that is none', enter, subscribe('a', 'closed:~', { token: 'x' })),
  sequence('subscribe with an expired token', enter, subscribe('a', 'closed:~', { token: token({ channel: 'closed:~', sub: '', exp: 1 }) })),
  sequence('subscribe to a channel of others', enter, subscribe('a', 'dialog:~#bob')),
  sequence('subscribe to an unknown namespace', enter, subscribe('a', 'nowhere:~')),
  sequence('subscribe against the regular expression', enter, subscribe('a', 'letters:9~')),
  sequence('subscribe beyond ASCII', enter, subscribe('a', 'open:é~')),
  sequence('publish anywhere', enter, publish('a', 'closed:~', 1), publish('a', 'nowhere:~', 1)),
  sequence('history and presence anywhere', enter, send('a', { history: { channel: 'closed:~' } }, { presence: { channel: 'closed:~' } }, { presence_stats: { channel: 'closed:~' } }, { history: { channel: 'listen:~', limit: 1 } }, { presence: { channel: 'listen:~' } })),
  sequence('refresh', join('a', { claims: { exp: { $in: 60 } } }), send('a', { refresh: { token: token({ sub: 'a~', exp: { $in: 600 } }) } })),
  sequence('refresh with a bad token', enter, send('a', { refresh: { token: 'x' } })),
  sequence('connect.subs anywhere', open('a'), send('a', { connect: { subs: { 'closed:~': {}, '$x~': {}, 'dialog:~#b': {} } } })),
  sequence('the API without a key', { http: 'POST', path: '/api/publish', body: '{"channel":"open:~","data":1}', headers: {} }),
];
