// A channel for each user, with every connection.

import { api, join, open, publish, send, sequence, subscribe, token } from '../steps.mjs';
import { config as base, OPEN } from './config.mjs';

export const config = base({
  client: {
    token: base().client.token,
    allow_anonymous_connect_without_token: true,
    subscribe_to_user_personal_channel: { enabled: true, personal_channel_namespace: 'own' },
  },
  channel: {
    ...base().channel,
    namespaces: [
      ...base().channel.namespaces,
      { name: 'own', ...OPEN, allow_user_limited_channels: true, history_size: 5, history_ttl: '300s', force_recovery: true, presence: true, join_leave: true, force_push_join_leave: true, allowed_delta_types: ['fossil'], delta_publish: true, allow_tags_filter: true },
    ],
  },
});

const own = 'own:#a~';
const told = (...data) => data.map((n) => api('publish', { channel: own, data: { n } }));

export const sequences = [
  sequence('a user gets its channel', join('a'), told(1, 2)),
  sequence('two connections of a user share it', join('a', { user: 'u~' }), join('b', { user: 'u~' }), api('publish', { channel: 'own:#u~', data: 1 }), send('a', { presence: { channel: 'own:#u~' } })),
  sequence('a user without a name has none', open('a'), send('a', { connect: {} })),
  sequence('a token of nobody has none', open('a'), send('a', { connect: { token: token({ sub: '' }) } })),
  sequence('it recovers', told(1, 2, 3), api('history', { channel: own }), join('a', { connect: { subs: { [own]: { recover: true, offset: 1, epoch: '<epoch>' } } } }), told(4)),
  sequence('it recovers with deltas', told(1, 2, 3), api('history', { channel: own }), join('a', { connect: { subs: { [own]: { recover: true, offset: 1, epoch: '<epoch>', delta: 'fossil' } } } }), told(4)),
  sequence('what the client asks besides is ignored', join('a', { connect: { subs: { [own]: { positioned: true, join_leave: true, tf: { key: 'k', cmp: 'eq', val: 'x' } } } } }), told(1)),
  sequence('other channels of connect.subs stay', join('a', { connect: { subs: { 'open:~': {}, 'own:#b~': {} } } })),
  sequence('channels of the token stay', join('a', { claims: { channels: ['open:~'] } })),
  sequence('the token names it too', join('a', { claims: { channels: [own] } }), told(1)),
  sequence('the token says more of it', join('a', { claims: { subs: { [own]: { info: { i: 1 }, data: { welcome: 1 } } } } }), send('a', { presence: { channel: own } })),
  sequence('a client cannot subscribe to it again', join('a'), subscribe('a', own)),
  sequence('a client may leave it and come back', join('a'), send('a', { unsubscribe: { channel: own } }), told(1), subscribe('a', own), told(2)),
  sequence('a client may publish there', join('a'), publish('a', own, { x: 1 })),
  sequence('nobody else may subscribe', join('b'), subscribe('b', own)),
  sequence('the API ends it', join('a'), api('unsubscribe', { user: 'a~', channel: own }), told(1)),
  sequence('refresh keeps it', join('a', { claims: { exp: { $in: 60 } } }), send('a', { refresh: { token: token({ sub: 'a~', exp: { $in: 600 } }) } })),
  sequence('refresh with it among the channels', join('a', { claims: { exp: { $in: 60 }, channels: [own] } }), send('a', { refresh: { token: token({ sub: 'a~', exp: { $in: 600 } }) } })),
].flat(Infinity);
