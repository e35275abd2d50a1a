// Recovery, positions, and the cache.

import { api, join, publish, send, sequence, subscribe, wait } from '../steps.mjs';
import { config as base } from './config.mjs';

export const config = base({ client: { token: base().client.token, recovery_max_publication_limit: 4 }, channel: { ...base().channel, namespaces: [...base().channel.namespaces, { name: 'long', allow_subscribe_for_client: true, allow_publish_for_client: true, history_size: 20, history_ttl: '300s', force_recovery: true }, { name: 'brief', allow_subscribe_for_client: true, allow_publish_for_client: true, allow_history_for_client: true, history_size: 5, history_ttl: '1s', force_recovery: true }] } });

const published = (channel, count) => Array.from({ length: count }, (_, n) => publish('a', channel, { n: n + 1 }));
const recovers = (name, channel, count, since, more = {}) => [
  sequence(name, join('a'), subscribe('a', channel), published(channel, count), join('b'), subscribe('b', channel, { recover: true, ...since, ...more }), publish('a', channel, { n: 'live' })),
];
const at = (offset, epoch = '<epoch>') => ({ offset, epoch });

export const sequences = [
  ['forced:~', 'stream:~', 'kept:~', 'positioned:~', 'cache:~', 'open:~'].flatMap((channel) => [
    recovers(`${channel} recovers what was missed`, channel, 3, at(1)),
    recovers(`${channel} recovers when nothing was missed`, channel, 3, at(3)),
    recovers(`${channel} recovers from a position beyond the top`, channel, 3, at(9)),
    recovers(`${channel} recovers from another epoch`, channel, 3, at(1, 'gone')),
    recovers(`${channel} recovers without an epoch`, channel, 3, at(1, '')),
    recovers(`${channel} recovers from zero`, channel, 3, at(0)),
    recovers(`${channel} recovers from nothing at all`, channel, 3, {}),
    recovers(`${channel} refuses what cannot be recovered where asked to`, channel, 3, at(1, 'gone'), { flag: 2 }),
    recovers(`${channel} recovers where it would refuse`, channel, 3, at(1), { flag: 2 }),
    recovers(`${channel} recovers when nobody published`, channel, 0, at(0, '')),
    recovers(`${channel} recovers from a far position when nobody published`, channel, 0, at(5, 'gone')),
    recovers(`${channel} keeps what was asked with it`, channel, 1, at(1), { positioned: true, recoverable: true }),
  ]),
  recovers('two missed of a history of two', 'short:~', 5, at(3)),
  recovers('three missed of a history of two', 'short:~', 5, at(2)),
  recovers('as many as the limit', 'long:~', 6, at(2)),
  recovers('one more than the limit', 'long:~', 7, at(2)),
  recovers('all of a stream from zero', 'long:~', 4, at(0)),
  sequence('history is forgotten in time, the position is not', join('a'), subscribe('a', 'brief:~'), published('brief:~', 2), wait(3000), send('a', { history: { channel: 'brief:~', limit: 5 } }), join('b'), subscribe('b', 'brief:~', { recover: true, ...at(1) }), join('c'), subscribe('c', 'brief:~', { recover: true, ...at(2) }), publish('a', 'brief:~', 3), join('d'), subscribe('d', 'brief:~', { recover: true, ...at(2) })),
  sequence('without recover a position is ignored', join('a'), subscribe('a', 'forced:~'), published('forced:~', 3), join('b'), subscribe('b', 'forced:~', at(1))),
  sequence('a second subscription of the same client recovers', join('a'), subscribe('a', 'forced:~'), send('a', { unsubscribe: { channel: 'forced:~' } }), published('forced:~', 2), subscribe('a', 'forced:~', { recover: true, ...at(0) })),
  sequence('recovery across history_remove fails', join('a'), subscribe('a', 'forced:~'), published('forced:~', 3), api('history_remove', { channel: 'forced:~' }), join('b'), subscribe('b', 'forced:~', { recover: true, ...at(1) }), publish('a', 'forced:~', 4), join('c'), subscribe('c', 'forced:~', { recover: true, ...at(3) })),
  sequence('nothing missed after history_remove', join('a'), subscribe('a', 'forced:~'), published('forced:~', 3), api('history_remove', { channel: 'forced:~' }), join('b'), subscribe('b', 'forced:~', { recover: true, ...at(3) })),
  sequence('the cache after history_remove', join('a'), subscribe('a', 'cache:~'), published('cache:~', 2), api('history_remove', { channel: 'cache:~' }), join('b'), subscribe('b', 'cache:~', { recover: true, ...at(1) })),
  sequence('tags and info are recovered', join('a', { claims: { info: { n: 1 } } }), subscribe('a', 'forced:~'), published('forced:~', 1), api('publish', { channel: 'forced:~', data: 1, tags: { a: 'b' } }), join('b'), subscribe('b', 'forced:~', { recover: true, ...at(0) })),
  sequence('recovery in connect.subs', join('a'), subscribe('a', 'forced:~'), published('forced:~', 3), join('b', { connect: { subs: { 'forced:~': { recover: true, ...at(1) } } } }), publish('a', 'forced:~', 9)),
  sequence('recovery of a claim by connect.subs', join('a'), subscribe('a', 'forced:~'), published('forced:~', 3), join('b', { claims: { channels: ['forced:~'] }, connect: { subs: { 'forced:~': { recover: true, ...at(1) } } } })),
  sequence('recovery of a claim where it is not forced', join('a'), subscribe('a', 'stream:~'), published('stream:~', 3), join('b', { claims: { subs: { 'stream:~': { override: { force_recovery: { value: true } } } } }, connect: { subs: { 'stream:~': { recover: true, ...at(1) } } } })),
  sequence('recovery in connect.subs of another epoch', join('a'), subscribe('a', 'forced:~'), published('forced:~', 3), join('b', { connect: { subs: { 'forced:~': { recover: true, ...at(1, 'gone') } } } })),
  sequence('a claim without recovery is live', join('a', { claims: { channels: ['forced:~'] } }), publish('a', 'forced:~', 1), publish('a', 'forced:~', 2)),
  sequence('skip_history leaves no offset', join('a'), subscribe('a', 'forced:~'), api('publish', { channel: 'forced:~', data: 1 }), api('publish', { channel: 'forced:~', data: 2, skip_history: true }), api('publish', { channel: 'forced:~', data: 3 }), send('a', { history: { channel: 'forced:~', limit: 5 } })),
  sequence('idempotent publications', join('a'), subscribe('a', 'forced:~'), api('publish', { channel: 'forced:~', data: 1, idempotency_key: 'k' }), api('publish', { channel: 'forced:~', data: 2, idempotency_key: 'k' }), api('publish', { channel: 'forced:~', data: 3, idempotency_key: 'l' })),
  sequence('idempotent publications without history', join('a'), subscribe('a', 'open:~'), api('publish', { channel: 'open:~', data: 1, idempotency_key: 'k' }), api('publish', { channel: 'open:~', data: 2, idempotency_key: 'k' })),
  sequence('an idempotency key is of its channel', api('publish', { channel: 'kept:~', data: 1, idempotency_key: 'k' }), api('publish', { channel: 'kept:~x', data: 2, idempotency_key: 'k' })),
  sequence('idempotency outlives history_remove', api('publish', { channel: 'kept:~', data: 1, idempotency_key: 'k' }), api('history_remove', { channel: 'kept:~' }), api('publish', { channel: 'kept:~', data: 1, idempotency_key: 'k' })),
  sequence(
    'versions',
    join('a'),
    subscribe('a', 'forced:~'),
    [[5], [5], [4], [6], [0], [3], [9, 'x'], [8, 'y'], [8, 'y'], [9, 'x']].map(([version, version_epoch]) => api('publish', { channel: 'forced:~', data: { version, version_epoch }, version, ...(version_epoch && { version_epoch }) })),
    api('history', { channel: 'forced:~', limit: 5 }),
    send('a', { history: { channel: 'forced:~', limit: 5 } }),
  ),
  sequence('versions outlive history_remove', join('a'), subscribe('a', 'forced:~'), api('publish', { channel: 'forced:~', data: 1, version: 5 }), api('history_remove', { channel: 'forced:~' }), api('publish', { channel: 'forced:~', data: 2, version: 4 }), api('publish', { channel: 'forced:~', data: 3, version: 6 })),
  sequence('versions without history are not held back', join('a'), subscribe('a', 'open:~'), api('publish', { channel: 'open:~', data: 1, version: 5 }), api('publish', { channel: 'open:~', data: 2, version: 4 })),
  sequence('a version with skip_history', join('a'), subscribe('a', 'forced:~'), api('publish', { channel: 'forced:~', data: 1, version: 5, skip_history: true }), api('publish', { channel: 'forced:~', data: 2, version: 4, skip_history: true }), api('publish', { channel: 'forced:~', data: 3, version: 4 })),
  sequence('a version and an idempotency key', join('a'), subscribe('a', 'forced:~'), api('publish', { channel: 'forced:~', data: 1, version: 5, idempotency_key: 'k' }), api('publish', { channel: 'forced:~', data: 2, version: 6, idempotency_key: 'k' }), api('publish', { channel: 'forced:~', data: 3, version: 5, idempotency_key: 'l' })),
].flat(Infinity);
