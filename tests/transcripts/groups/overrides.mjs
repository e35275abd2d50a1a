// What a token or the API says of a subscription instead of its namespace.

import { api, join, leave, publish, send, sequence, subscribe, token } from '../steps.mjs';
import { config as base, OPEN } from './config.mjs';

const HISTORY = { history_size: 5, history_ttl: '300s' };

export const config = base({
  channel: {
    ...base().channel,
    namespaces: [
      { name: 'bare', ...OPEN, ...HISTORY },
      { name: 'full', ...OPEN, ...HISTORY, presence: true, join_leave: true, force_push_join_leave: true, force_recovery: true, force_positioning: true },
      { name: 'there', ...OPEN, presence: true, join_leave: true },
    ],
  },
});

const NAMES = ['presence', 'join_leave', 'force_push_join_leave', 'force_recovery', 'force_positioning'];
const all = (value) => Object.fromEntries(NAMES.map((name) => [name, { value }]));

/** A subscriber, then another one who comes, is asked for, speaks and leaves. */
const story = (channel, begin) => [begin, join('b'), subscribe('b', channel), api('publish', { channel, data: { n: 1 } }), api('presence', { channel }), leave('b'), publish('a', channel, 2)];
const byToken = (channel, override) => story(channel, [join('a'), subscribe('a', channel, { token: token({ sub: 'a~', channel, override }) })]);
const byClaim = (channel, override) => story(channel, join('a', { claims: { subs: { [channel]: { override } } } }));
const byApi = (channel, override) => story(channel, [join('a'), api('subscribe', { user: 'a~', channel, override })]);
const WAYS = { 'a subscription token': byToken, 'a claim': byClaim, 'the API': byApi };

export const sequences = [
  Object.entries(WAYS).flatMap(([way, tells]) => [
    ...NAMES.flatMap((name) => [sequence(`${way} adds ${name}`, tells('bare:~', { [name]: { value: true } })), sequence(`${way} takes ${name} away`, tells('full:~', { [name]: { value: false } }))]),
    sequence(`${way} adds all`, tells('bare:~', all(true))),
    sequence(`${way} takes all away`, tells('full:~', all(false))),
    sequence(`${way} says nothing`, tells('full:~', {})),
    sequence(`${way} says nothing of anything`, tells('full:~', Object.fromEntries(NAMES.map((name) => [name, {}])))),
    sequence(`${way} says null`, tells('full:~', null)),
  ]),
  sequence('a claim has recovery in a stream', api('publish', { channel: 'bare:~', data: 1 }), api('history', { channel: 'bare:~' }), join('a', { claims: { subs: { 'bare:~': { override: { force_recovery: { value: true } } } } }, connect: { subs: { 'bare:~': { recover: true, offset: 0, epoch: '<epoch>' } } } })),
  sequence('a token has recovery in a stream', api('publish', { channel: 'bare:~', data: 1 }), api('history', { channel: 'bare:~' }), join('a'), subscribe('a', 'bare:~', { recover: true, offset: 0, epoch: '<epoch>', token: token({ sub: 'a~', channel: 'bare:~', override: { force_recovery: { value: true } } }) })),
  sequence('a token has recovery where it is taken away', api('publish', { channel: 'full:~', data: 1 }), api('history', { channel: 'full:~' }), join('a'), subscribe('a', 'full:~', { recover: true, offset: 0, epoch: '<epoch>', token: token({ sub: 'a~', channel: 'full:~', override: { force_recovery: { value: false } } }) })),
  sequence('joins are asked for with a token', join('a'), subscribe('a', 'there:~', { join_leave: true, token: token({ sub: 'a~', channel: 'there:~' }) }), join('b'), subscribe('b', 'there:~'), leave('b')),
  sequence('joins are asked for with a token where there are none', join('a'), subscribe('a', 'bare:~', { join_leave: true, token: token({ sub: 'a~', channel: 'bare:~', override: { join_leave: { value: true } } }) }), join('b'), subscribe('b', 'bare:~', { token: token({ sub: 'b~', channel: 'bare:~', override: { join_leave: { value: true } } }) }), leave('b')),
  sequence('a position is asked for with a token', join('a'), subscribe('a', 'bare:~', { positioned: true, recoverable: true, token: token({ sub: 'a~', channel: 'bare:~' }) })),
  sequence('info, data and an end by the API', join('a'), api('subscribe', { user: 'a~', channel: 'there:~', info: { i: 1 }, data: { d: 1 }, expire_at: { $in: 600 } }), send('a', { presence: { channel: 'there:~' } }), api('subscribe', { user: 'a~', channel: 'there:~', info: { i: 2 } }), send('a', { presence: { channel: 'there:~' } })),
  sequence('info and data by a claim', join('a', { claims: { info: { c: 1 }, subs: { 'there:~': { info: { i: 1 }, data: { d: 1 } } } } }), send('a', { presence: { channel: 'there:~' } }), publish('a', 'there:~', 1)),
  sequence('info that is null', join('a', { claims: { subs: { 'there:~': { info: null, data: null } } } }), send('a', { presence: { channel: 'there:~' } })),
  sequence('info of a subscription token that is refreshed', join('a'), subscribe('a', 'there:~', { token: token({ sub: 'a~', channel: 'there:~', info: { v: 1 }, exp: { $in: 600 } }) }), send('a', { sub_refresh: { channel: 'there:~', token: token({ sub: 'a~', channel: 'there:~', info: { v: 2 }, exp: { $in: 600 } }) } }), publish('a', 'there:~', 1), send('a', { presence: { channel: 'there:~' } })),
].flat(Infinity);
