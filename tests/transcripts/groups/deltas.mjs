// Fossil deltas: who takes them, when a publication comes whole, and what recovery gives.

import { api, but, join, jsonOnly, leave, protobufOnly, publish, send, sequence, subscribe, token } from '../steps.mjs';
import { config as base, OPEN } from './config.mjs';

const HISTORY = { history_size: 5, history_ttl: '300s' };
const DELTAS = { ...OPEN, ...HISTORY, allowed_delta_types: ['fossil'] };

export const config = base({
  channel: {
    ...base().channel,
    namespaces: [
      ...base().channel.namespaces,
      { name: 'cut', ...DELTAS, force_recovery: true, delta_publish: true },
      { name: 'asked', ...DELTAS, force_recovery: true },
      { name: 'watched', ...DELTAS, force_positioning: true, delta_publish: true },
      { name: 'loose', ...DELTAS, delta_publish: true },
      { name: 'latest', ...DELTAS, history_size: 1, force_recovery: true, force_recovery_mode: 'cache', delta_publish: true },
      { name: 'latest.many', ...DELTAS, force_recovery: true, force_recovery_mode: 'cache', delta_publish: true },
      { name: 'bare', ...OPEN, allowed_delta_types: ['fossil'], delta_publish: true },
      { name: 'picked', ...DELTAS, force_recovery: true, delta_publish: true, allow_tags_filter: true },
      { name: 'shown', ...DELTAS, force_recovery: true, delta_publish: true, presence: true, join_leave: true, force_push_join_leave: true },
    ],
  },
});

const STORY = 'Once upon a time there was a river that went all the way down to the sea, and nobody knew why it did. ';
const state = (n, more = {}) => ({ n, story: STORY, ...more });
const states = (channel, from, to, more = {}) => Array.from({ length: to - from + 1 }, (_, i) => api('publish', { channel, data: state(from + i), ...more }));
const wish = { delta: 'fossil' };
const at = (offset, epoch = '<epoch>') => ({ recover: true, offset, epoch });
const listens = (name, channel, more, ...steps) => sequence(name, join('a'), subscribe('a', channel, more), ...steps);

export const sequences = [
  ['cut:~', 'asked:~', 'watched:~', 'latest:~', 'bare:~', 'forced:~', 'open:~'].flatMap((channel) => [
    listens(`${channel} with deltas`, channel, wish, states(channel, 1, 4)),
    listens(`${channel} without deltas`, channel, {}, states(channel, 1, 3)),
    listens(`${channel} where the publisher asks for deltas`, channel, wish, states(channel, 1, 4, { delta: true })),
    listens(`${channel} where the publisher asks for none`, channel, wish, states(channel, 1, 3, { delta: false })),
    listens(`${channel} published to by a client`, channel, wish, [1, 2, 3].map((n) => publish('a', channel, state(n)))),
  ]),
  sequence('one subscriber with deltas, one without', join('a'), join('b'), subscribe('a', 'cut:~', wish), subscribe('b', 'cut:~'), states('cut:~', 1, 3)),
  sequence('a second subscriber begins with a whole publication', join('a'), join('b'), subscribe('a', 'cut:~', wish), states('cut:~', 1, 2), subscribe('b', 'cut:~', wish), states('cut:~', 3, 5)),
  listens('an unknown delta', 'cut:~', { delta: 'odd' }),
  listens('the delta in capitals', 'cut:~', { delta: 'FOSSIL' }),
  listens('a delta of only some publications', 'asked:~', wish, states('asked:~', 1, 2), states('asked:~', 3, 4, { delta: true }), states('asked:~', 5, 6), states('asked:~', 7, 7, { delta: true })),
  listens('a publication that is smaller than its delta', 'cut:~', wish, ['', 1, null, 'x', {}, [], true].map((data) => api('publish', { channel: 'cut:~', data }))),
  listens('publications that have nothing in common', 'cut:~', wish, ['abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '01234567890123456789012345'].map((text) => api('publish', { channel: 'cut:~', data: text.repeat(4) }))),
  listens('the same publication twice', 'cut:~', wish, [1, 2, 3].map(() => api('publish', { channel: 'cut:~', data: state(1) }))),
  listens('a publication that grows and shrinks', 'cut:~', wish, [1, 3, 9, 2, 1].map((times) => api('publish', { channel: 'cut:~', data: { text: STORY.repeat(times) } }))),
  listens('great publications', 'cut:~', wish, [1, 2, 3].map((n) => api('publish', { channel: 'cut:~', data: { n, text: STORY.repeat(30) } }))),
  listens('data with signs of HTML and quotes', 'cut:~', wish, [1, 2, 3].map((n) => api('publish', { channel: 'cut:~', data: { n, text: '<b>"quoted" & \\slashed\\</b>'.repeat(4) } }))),
  listens('deltas with tags', 'cut:~', wish, states('cut:~', 1, 3, { tags: { a: 'b' } })),
  listens('deltas with versions', 'cut:~', wish, [[1, 3], [2, 2], [3, 4]].map(([n, version]) => api('publish', { channel: 'cut:~', data: state(n), version }))),
  listens('deltas with idempotency keys', 'cut:~', wish, [1, 2, 2, 3].map((n) => api('publish', { channel: 'cut:~', data: state(n), idempotency_key: `k${n}` }))),
  listens('deltas of a broadcast', 'cut:~', wish, [1, 2, 3].map((n) => api('broadcast', { channels: ['cut:~', 'asked:~'], data: state(n), delta: true }))),
  listens('deltas in a batch', 'cut:~', wish, api('batch', { commands: [1, 2, 3].map((n) => ({ publish: { channel: 'cut:~', data: state(n) } })) })),
  listens('deltas and history', 'cut:~', wish, states('cut:~', 1, 3), send('a', { history: { channel: 'cut:~', limit: 10 } }), api('history', { channel: 'cut:~', limit: 10 })),
  listens('deltas after history_remove', 'cut:~', wish, states('cut:~', 1, 2), api('history_remove', { channel: 'cut:~' }), states('cut:~', 3, 4)),
  listens('subscribing again begins again', 'cut:~', wish, states('cut:~', 1, 2), send('a', { unsubscribe: { channel: 'cut:~' } }), subscribe('a', 'cut:~', wish), states('cut:~', 3, 4)),
  listens('subscribing again without deltas', 'cut:~', wish, states('cut:~', 1, 2), send('a', { unsubscribe: { channel: 'cut:~' } }), subscribe('a', 'cut:~'), states('cut:~', 3, 4)),
  listens('deltas beside joins and leaves', 'shown:~', wish, states('shown:~', 1, 1), join('b'), subscribe('b', 'shown:~'), states('shown:~', 2, 2), leave('b'), states('shown:~', 3, 3)),
  listens('deltas by a client and the API in turns', 'cut:~', wish, publish('a', 'cut:~', state(1)), states('cut:~', 2, 2), publish('a', 'cut:~', state(3))),

  [
    ['positioned', { positioned: true }],
    ['recoverable', { recoverable: true }],
    ['both', { positioned: true, recoverable: true }],
  ].map(([name, more]) => listens(`deltas where the client asks to be ${name}`, 'loose:~', { ...wish, ...more }, states('loose:~', 1, 3))),
  listens('deltas where the position is not watched', 'loose:~', {}, states('loose:~', 1, 2)),
  sequence(
    'deltas asked for where the position is not watched',
    join('a'),
    subscribe('a', 'loose:~', wish),
    states('loose:~', 1, 3),
  ),

  [1, 2, 3].map((offset) => sequence(`recovery with deltas from ${offset}`, states('cut:~', 1, 4), api('history', { channel: 'cut:~' }), join('a'), subscribe('a', 'cut:~', { ...wish, ...at(offset) }), states('cut:~', 5, 6))),
  sequence('recovery with deltas from zero', states('cut:~', 1, 4), api('history', { channel: 'cut:~' }), join('a'), subscribe('a', 'cut:~', { ...wish, ...at(0) }), states('cut:~', 5, 6)),
  sequence('recovery without deltas', states('cut:~', 1, 4), api('history', { channel: 'cut:~' }), join('a'), subscribe('a', 'cut:~', at(1)), states('cut:~', 5, 6)),
  sequence('recovery with deltas that were not published as such', states('asked:~', 1, 4), api('history', { channel: 'asked:~' }), join('a'), subscribe('a', 'asked:~', { ...wish, ...at(1) }), states('asked:~', 5, 6, { delta: true })),
  sequence('recovery with deltas that fails', states('cut:~', 1, 8), api('history', { channel: 'cut:~' }), join('a'), subscribe('a', 'cut:~', { ...wish, ...at(1) }), states('cut:~', 9, 10)),
  sequence('recovery with deltas of another epoch', states('cut:~', 1, 4), join('a'), subscribe('a', 'cut:~', { ...wish, ...at(1, 'gone') }), states('cut:~', 5, 6)),
  sequence('recovery with deltas where it is refused', states('cut:~', 1, 4), join('a'), subscribe('a', 'cut:~', { ...wish, ...at(1, 'gone'), flag: 2 })),
  sequence('recovery with deltas of what is smaller than its delta', [1, 2, 3].map((n) => api('publish', { channel: 'cut:~', data: { n } })), api('history', { channel: 'cut:~' }), join('a'), subscribe('a', 'cut:~', { ...wish, ...at(0) })),
  sequence('recovery with deltas and tags', states('cut:~', 1, 3, { tags: { a: 'b' } }), api('history', { channel: 'cut:~' }), join('a'), subscribe('a', 'cut:~', { ...wish, ...at(0) })),
  ['latest:~', 'latest.many:~'].flatMap((channel) => [
    sequence(`the cache of ${channel} with deltas`, states(channel, 1, 3), api('history', { channel }), join('a'), subscribe('a', channel, { ...wish, ...at(1) }), states(channel, 4, 5)),
    sequence(`the cache of ${channel} with deltas and no position`, states(channel, 1, 3), join('a'), subscribe('a', channel, { ...wish, recover: true }), states(channel, 4, 5)),
    sequence(`the cache of ${channel} without deltas`, states(channel, 1, 3), api('history', { channel }), join('a'), subscribe('a', channel, at(1)), states(channel, 4, 5)),
    sequence(`the empty cache of ${channel} with deltas`, join('a'), subscribe('a', channel, { ...wish, recover: true }), states(channel, 1, 2)),
  ]),
  sequence('recovery with deltas in connect.subs', states('cut:~', 1, 4), api('history', { channel: 'cut:~' }), join('a', { connect: { subs: { 'cut:~': { ...wish, ...at(1) } } } }), states('cut:~', 5, 6)),
  sequence('deltas in connect.subs', join('a', { connect: { subs: { 'cut:~': wish } } }), states('cut:~', 1, 3)),
  sequence('deltas of a claim', join('a', { claims: { channels: ['cut:~'] } }), states('cut:~', 1, 3)),
  sequence('deltas of a claim by connect.subs', join('a', { claims: { channels: ['cut:~'] }, connect: { subs: { 'cut:~': wish } } }), states('cut:~', 1, 3)),
  sequence('deltas of a claim with recovery', states('cut:~', 1, 3), api('history', { channel: 'cut:~' }), join('a', { claims: { channels: ['cut:~'] }, connect: { subs: { 'cut:~': { ...wish, ...at(1) } } } }), states('cut:~', 4, 5)),
  sequence('deltas of a claim of a namespace without them', join('a', { claims: { channels: ['forced:~'] }, connect: { subs: { 'forced:~': wish } } }), states('forced:~', 1, 2)),
  sequence('deltas by a subscription token', join('a'), subscribe('a', 'cut:~', { ...wish, token: token({ sub: 'a~', channel: 'cut:~' }) }), states('cut:~', 1, 3)),
  sequence('deltas by a subscription token that forces positioning', join('a'), subscribe('a', 'loose:~', { ...wish, token: token({ sub: 'a~', channel: 'loose:~', override: { force_positioning: { value: true } } }) }), states('loose:~', 1, 3)),
  sequence('subscriptions of the API take no deltas', join('a'), api('subscribe', { user: 'a~', channel: 'cut:~' }), states('cut:~', 1, 2)),

  sequence('deltas to clients of both kinds', join('a'), join('b', { as: 'json' }), join('c', { as: 'protobuf' }), ['a', 'b', 'c'].map((who) => subscribe(who, 'cut:~', wish)), states('cut:~', 1, 3)),
  protobufOnly('bytes with deltas', join('a'), subscribe('a', 'cut:~', wish), [1, 2, 3].map((n) => publish('a', 'cut:~', { hex: `ff00${'abcdef0123456789'.repeat(8)}0${n}` }))),
  protobufOnly('bytes that are recovered with deltas', join('a'), [1, 2, 3].map((n) => publish('a', 'cut:~', { hex: `ff00${'abcdef0123456789'.repeat(8)}0${n}` })), send('a', { history: { channel: 'cut:~' } }), subscribe('a', 'cut:~', { ...wish, ...at(0) })),
  jsonOnly('the text of a whole publication', join('a', { exact: true }), subscribe('a', 'cut:~', wish), api('publish', { channel: 'cut:~', data: { a: '<b>&"\\/é\u2028' } })),
  listens('deltas beside a filter where filters are off', 'cut:~', { ...wish, tf: { key: 'k', cmp: 'eq', val: 'x' } }),
  listens('a filter alone where there may be deltas', 'picked:~', { tf: { key: 'k', cmp: 'eq', val: 'x' } }, [['x', 1], ['y', 2], ['x', 3]].map(([k, n]) => api('publish', { channel: 'picked:~', data: state(n), tags: { k } }))),
].flat(Infinity);
