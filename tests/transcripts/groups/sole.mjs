// One connection for each user: a new one ends the others.

import { api, join, jsonOnly, leave, open, send, sequence, token } from '../steps.mjs';
import { config as base, OPEN } from './config.mjs';

export const config = base({
  client: {
    token: base().client.token,
    allow_anonymous_connect_without_token: true,
    subscribe_to_user_personal_channel: { enabled: true, single_connection: true },
  },
  channel: { ...base().channel, without_namespace: { ...OPEN, presence: true } },
});

export const sequences = [
  sequence('the first', join('a')),
  sequence('the second ends the first', join('a', { user: 'u~' }), join('b', { user: 'u~' }), api('publish', { channel: '#u~', data: 1 })),
  sequence('the third ends the second', join('a', { user: 'u~' }), join('b', { user: 'u~' }), join('c', { user: 'u~' }), api('presence', { channel: '#u~' })),
  sequence('other users stay', join('a'), join('b'), api('publish', { channel: '#a~', data: 1 })),
  sequence('nobody in particular may be many', open('a'), send('a', { connect: {} }), open('b'), send('b', { connect: {} })),
  sequence('a first that left ends nothing', join('a', { user: 'u~' }), leave('a'), join('b', { user: 'u~' })),
  sequence('a bad token ends nothing', join('a', { user: 'u~' }), open('b'), send('b', { connect: { token: token({ sub: 'u~' }, { secret: 'x' }) } }), api('publish', { channel: '#u~', data: 1 })),
  jsonOnly('an expired token ends nothing', join('a', { user: 'u~' }), open('b'), send('b', { connect: { token: token({ sub: 'u~', exp: 1 }) } }), api('publish', { channel: '#u~', data: 1 })),
].flat(Infinity);
