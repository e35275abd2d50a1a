// Subscriptions, disconnects and expiry that the server API decides.

import { api, but, join, publish, send, sequence, subscribe } from '../steps.mjs';
import { config as base } from './config.mjs';

export const config = base();

const told = (name, ...steps) => sequence(name, join('a'), ...steps);
const subscribed = (name, body, ...more) => told(name, api('subscribe', { user: 'a~', channel: 'kept:~', ...body }), api('publish', { channel: 'kept:~', data: { n: 1 } }), ...more);
const disconnects = (name, body) => told(name, api('disconnect', { user: 'a~', ...body }));
const refreshes = (name, body, ...more) => sequence(name, join('a', { claims: { exp: { $in: 60 } } }), api('refresh', { user: 'a~', ...body }), ...more);

export const sequences = [
  subscribed('subscribes a user', {}),
  subscribed('subscribes one client', { client: '<client a>' }),
  subscribed('subscribes a client that is not there', { client: 'x' }),
  subscribed('subscribes another user', { user: 'nobody' }),
  subscribed('subscribes nobody', { user: '' }),
  subscribed('subscribes with data', { data: { welcome: 1 } }),
  subscribed('subscribes with data in base64', { b64data: 'eyJhIjoxfQ==' }),
  subscribed('subscribes with broken base64', { b64data: '!' }),
  subscribed('subscribes with info', { info: { role: 'x' } }, publish('a', 'kept:~', 2)),
  subscribed('subscribes with info in base64', { b64info: 'eyJhIjoxfQ==' }, publish('a', 'kept:~', 2)),
  subscribed('subscribes with broken info', { b64info: '!' }),
  subscribed('subscribes until later', { expire_at: { $in: 600 } }),
  told('subscribes until the past', but(api('subscribe', { user: 'a~', channel: 'kept:~', expire_at: { $in: -5 } }), 'there it is our fault', { http: [{ status: 200, body: { error: { code: 107, message: 'bad request' } } }] }), api('publish', { channel: 'kept:~', data: { n: 1 } })),
  subscribed('subscribes until never', { expire_at: -1 }),
  subscribed('subscribes with overrides', { override: { presence: { value: true }, join_leave: { value: true }, force_push_join_leave: { value: true }, force_recovery: { value: true }, force_positioning: { value: true } } }, api('presence', { channel: 'kept:~' })),
  subscribed('subscribes with recover_since', { override: { force_recovery: { value: true } }, recover_since: { offset: 0, epoch: '' } }),
  told('subscribes to a position', api('publish', { channel: 'forced:~', data: 1 }), api('publish', { channel: 'forced:~', data: 2 }), but(api('subscribe', { user: 'a~', channel: 'forced:~', recover_since: { offset: 1, epoch: '<epoch>' } }), 'there what was missed never comes', {
    a: [{ push: { channel: 'forced:~', subscribe: { recoverable: true, epoch: '<epoch>', offset: 1, positioned: true } } }, { push: { channel: 'forced:~', pub: { data: 2, offset: 2 } } }],
  })),
  told('subscribes to a position that is gone', api('publish', { channel: 'forced:~', data: 1 }), api('subscribe', { user: 'a~', channel: 'forced:~', recover_since: { offset: 1, epoch: 'gone' } })),
  told('subscribes twice', api('subscribe', { user: 'a~', channel: 'open:~' }), api('subscribe', { user: 'a~', channel: 'open:~' }), api('publish', { channel: 'open:~', data: 1 })),
  told('subscribes where the client had subscribed', subscribe('a', 'open:~'), api('subscribe', { user: 'a~', channel: 'open:~' }), api('publish', { channel: 'open:~', data: 1 }), send('a', { unsubscribe: { channel: 'open:~' } })),
  told('a client cannot subscribe to what the server did', api('subscribe', { user: 'a~', channel: 'open:~' }), subscribe('a', 'open:~')),
  told('a client may end what the server began', api('subscribe', { user: 'a~', channel: 'open:~' }), send('a', { unsubscribe: { channel: 'open:~' } }), api('publish', { channel: 'open:~', data: 1 })),
  told('subscribes to an unknown namespace', api('subscribe', { user: 'a~', channel: 'nowhere:~' })),
  told('subscribes to an empty channel', api('subscribe', { user: 'a~', channel: '' })),
  told('subscribes to a closed and to a private channel', api('subscribe', { user: 'a~', channel: 'closed:~' }), api('subscribe', { user: 'a~', channel: '$x~' }), api('subscribe', { user: 'a~', channel: 'dialog:~#b' })),
  told('subscribes to a name beyond ASCII', api('subscribe', { user: 'a~', channel: 'open:é~' })),
  told('subscribes to a forced channel', api('subscribe', { user: 'a~', channel: 'forced:~' }), api('publish', { channel: 'forced:~', data: 1 })),
  told('subscribes with joins', subscribe('a', 'loud:~'), join('b'), api('subscribe', { user: 'b~', channel: 'loud:~', info: { a: 1 } }), api('unsubscribe', { user: 'b~', channel: 'loud:~' })),
  sequence('subscribes all connections of a user', join('a', { user: 'u~' }), join('b', { user: 'u~' }), api('subscribe', { user: 'u~', channel: 'open:~' }), api('publish', { channel: 'open:~', data: 1 }), api('unsubscribe', { user: 'u~', channel: 'open:~', client: '<client b>' }), api('publish', { channel: 'open:~', data: 2 })),

  told('unsubscribes', subscribe('a', 'open:~'), api('unsubscribe', { user: 'a~', channel: 'open:~' }), api('publish', { channel: 'open:~', data: 1 })),
  told('unsubscribes what is not subscribed', api('unsubscribe', { user: 'a~', channel: 'open:~' })),
  told('unsubscribes an unknown namespace', api('unsubscribe', { user: 'a~', channel: 'nowhere:~' })),
  told('unsubscribes a user that is not there', api('unsubscribe', { user: 'x~', channel: 'open:~' })),
  told('unsubscribes a client that is not there', subscribe('a', 'open:~'), api('unsubscribe', { user: 'a~', channel: 'open:~', client: 'x' })),
  told('unsubscribes from no channel', subscribe('a', 'open:~'), but(api('unsubscribe', { user: 'a~' }), 'there a push says so, and nothing is unsubscribed', {
    a: [{ push: { channel: 'open:~', unsubscribe: { code: 2000, reason: 'server unsubscribe' } } }],
  }), but(api('publish', { channel: 'open:~', data: 1 }), 'there it is delivered', { a: [] })),
  told('unsubscribes nobody', api('unsubscribe', { channel: 'open:~' })),

  disconnects('disconnects', {}),
  disconnects('disconnects one client', { client: '<client a>' }),
  disconnects('disconnects a client that is not there', { client: 'x' }),
  disconnects('disconnects others than the whitelist', { whitelist: ['<client a>'] }),
  disconnects('disconnects with a code that reconnects', { disconnect: { code: 4001, reason: 'soon again' } }),
  disconnects('disconnects with a final code', { disconnect: { code: 4501, reason: 'never again' } }),
  disconnects('disconnects with a code of the server', { disconnect: { code: 3100, reason: 'x' } }),
  disconnects('disconnects with a code and no reason', { disconnect: { code: 4002 } }),
  disconnects('disconnects with null', { disconnect: null }),
  [{ code: 200, reason: 'x' }, { code: 5000, reason: 'x' }, {}].map((disconnect) =>
    told(
      `disconnects with ${disconnect.code ?? 'no code'}, which no close frame may carry`,
      but(api('disconnect', { user: 'a~', disconnect }), 'there it goes out', { http: [{ status: 200, body: { error: { code: 107, message: 'bad request' } } }], a: [] }),
    ),
  ),
  told('disconnects with a reason that is too long', but(api('disconnect', { user: 'a~', disconnect: { code: 4001, reason: 'r'.repeat(130) } }), 'there TCP just ends', { a: [{ close: [4001, 'r'.repeat(123)] }] })),
  disconnects('disconnects nobody', { user: '' }),
  sequence('disconnects all but one', join('a', { user: 'u~' }), join('b', { user: 'u~' }), api('disconnect', { user: 'u~', whitelist: ['<client b>'] })),
  told('disconnects a user that is not there', api('disconnect', { user: 'x~' })),
  told('tells others that somebody left', subscribe('a', 'loud:~'), join('b'), subscribe('b', 'loud:~'), api('disconnect', { user: 'b~' })),

  refreshes('refreshes without an end', {}),
  refreshes('refreshes until later', { expire_at: { $in: 600 } }),
  refreshes('refreshes until the past', { expire_at: { $in: -5 } }),
  refreshes('refreshes until never', { expire_at: -1 }),
  sequence('refreshes with info and without an end', join('a'), api('refresh', { user: 'a~', info: { v: 2 } }), subscribe('a', 'open:~'), but(publish('a', 'open:~', 1), 'there the info is dropped', {
    a: [{ id: 3, publish: {} }, { push: { channel: 'open:~', pub: { data: 1, info: { user: 'a~', client: '<client a>', conn_info: { v: 2 } } } } }],
  })),
  refreshes('refreshes as expired', { expired: true }),
  refreshes('refreshes one client', { client: '<client a>', expire_at: { $in: 600 } }),
  refreshes('refreshes a client that is not there', { client: 'x', expire_at: { $in: 600 } }),
  refreshes('refreshes nobody', { user: '' }),
  refreshes('refreshes with info', { info: { a: 1 }, expire_at: { $in: 600 } }, subscribe('a', 'here:~'), api('presence', { channel: 'here:~' })),
  told('refreshes what does not expire', api('refresh', { user: 'a~', expire_at: { $in: 600 } })),
].flat();
