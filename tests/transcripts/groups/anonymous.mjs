// Clients without a user: let in without a token, refused with one.

import { but, join, open, send, sequence, subscribe, token } from '../steps.mjs';
import { config as base } from './config.mjs';

export const config = base({ client: { token: base().client.token, allow_anonymous_connect_without_token: true, disallow_anonymous_connection_tokens: true } });

const enter = [open('a'), send('a', { connect: {} })];
const asks = (name, ...commands) => sequence(name, enter, send('a', ...commands));
const denied = (channel) => but(subscribe('a', channel), 'there the empty item of the list equals the empty user', { a: [{ id: 2, error: { code: 103, message: 'permission denied' } }] });

export const sequences = [
  sequence('no token', enter),
  sequence('a token of nobody', open('a'), send('a', { connect: { token: token({ sub: '' }) } })),
  sequence('a token without a subject', open('a'), send('a', { connect: { token: token({}) } })),
  sequence('a token of somebody', join('a')),
  sequence('a bad token', open('a'), send('a', { connect: { token: 'x' } })),
  ['open', 'closed', 'anon', 'listen', 'here'].map((name) =>
    asks(`all there is in ${name}`, { subscribe: { channel: `${name}:~` } }, { publish: { channel: `${name}:~`, data: 1 } }, { history: { channel: `${name}:~` } }, { presence: { channel: `${name}:~` } }, { presence_stats: { channel: `${name}:~` } }),
  ),
  sequence('an empty user in a name', enter, denied('dialog:~#')),
  sequence('an empty user among others', enter, denied('dialog:~#,b')),
  sequence('an empty user last', enter, denied('dialog:~#b,')),
  asks('the users of a name', { subscribe: { channel: 'dialog:~#b' } }),
  sequence('a subscription token for nobody', enter, subscribe('a', 'closed:~', { token: token({ channel: 'closed:~' }) })),
  sequence('a subscription token for somebody', enter, subscribe('a', 'closed:~', { token: token({ channel: 'closed:~', sub: 'x' }) })),
  sequence('a subscription token for this client', enter, subscribe('a', 'closed:~', { token: token({ channel: 'closed:~', client: '<client a>' }) })),
  sequence('connect.subs', open('a'), send('a', { connect: { subs: { 'anon:~': {}, 'open:~': {} } } })),
  sequence('refresh with a token of somebody', enter, send('a', { refresh: { token: token({ sub: 'x' }) } })),
  sequence('refresh with a token of nobody', enter, send('a', { refresh: { token: token({ exp: { $in: 600 } }) } })),
].flat(Infinity);
