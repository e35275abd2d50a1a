// The latest publication, brought with every subscription.

import { api, join, publish, send, sequence, subscribe } from '../steps.mjs';
import { config as base, OPEN } from './config.mjs';

const LATEST = { ...OPEN, history_size: 3, history_ttl: '300s', force_recovery: true, force_recovery_mode: 'cache', auto_cache_recover: true };

export const config = base({
  client: { token: base().client.token, subscribe_to_user_personal_channel: { enabled: true, personal_channel_namespace: 'own' } },
  channel: {
    ...base().channel,
    namespaces: [...base().channel.namespaces, { name: 'fresh', ...LATEST }, { name: 'fresh.cut', ...LATEST, allowed_delta_types: ['fossil'], delta_publish: true }, { name: 'own', ...LATEST, allow_user_limited_channels: true }, { name: 'fresh.tags', ...LATEST, allow_tags_filter: true }],
  },
});

const published = (channel, ...numbers) => numbers.map((n) => api('publish', { channel, data: { n, text: 'the same text in each of them, again and again' } }));

export const sequences = [
  ['fresh:~', 'fresh.cut:~', 'cache:~'].flatMap((channel) => [
    sequence(`${channel} of a claim`, published(channel, 1, 2), join('a', { claims: { channels: [channel] } }), published(channel, 3)),
    sequence(`${channel} of a claim, empty`, join('a', { claims: { channels: [channel] } }), published(channel, 1)),
    sequence(`${channel} of connect.subs`, published(channel, 1, 2), join('a', { connect: { subs: { [channel]: {} } } }), published(channel, 3)),
    sequence(`${channel} of connect.subs with a position`, published(channel, 1, 2), api('history', { channel }), join('a', { connect: { subs: { [channel]: { recover: true, offset: 1, epoch: '<epoch>' } } } })),
    sequence(`${channel} of connect.subs that is up to date`, published(channel, 1, 2), api('history', { channel }), join('a', { connect: { subs: { [channel]: { recover: true, offset: 2, epoch: '<epoch>' } } } })),
    sequence(`${channel} of connect.subs with deltas`, published(channel, 1, 2), join('a', { connect: { subs: { [channel]: { delta: 'fossil' } } } }), published(channel, 3)),
    sequence(`${channel} of the API`, published(channel, 1, 2), join('a'), api('subscribe', { user: 'a~', channel }), published(channel, 3)),
    sequence(`${channel} asked for`, published(channel, 1, 2), join('a'), subscribe('a', channel), published(channel, 3)),
    sequence(`${channel} asked for with recovery`, published(channel, 1, 2), join('a'), subscribe('a', channel, { recover: true }), published(channel, 3)),
    sequence(`${channel} asked for with deltas`, published(channel, 1, 2), join('a'), subscribe('a', channel, { delta: 'fossil' }), published(channel, 3, 4)),
    sequence(`${channel} asked for where it would be refused`, join('a'), subscribe('a', channel, { recover: true, offset: 3, epoch: 'gone', flag: 2 })),
  ]),
  sequence('the channel of the user', published('own:#a~', 1, 2), join('a'), published('own:#a~', 3)),
  sequence('after history_remove', published('fresh:~', 1, 2), api('history_remove', { channel: 'fresh:~' }), join('a', { claims: { channels: ['fresh:~'] } }), published('fresh:~', 3)),
  sequence('what was published without a place', published('fresh:~', 1), api('publish', { channel: 'fresh:~', data: 2, skip_history: true }), join('a', { claims: { channels: ['fresh:~'] } })),
  sequence('with overrides of the claims', published('fresh:~', 1), join('a', { claims: { subs: { 'fresh:~': { override: { force_recovery: { value: false } } } } } })),
  sequence('with a filter', api('publish', { channel: 'fresh.tags:~', data: 1, tags: { k: 'x' } }), join('a'), subscribe('a', 'fresh.tags:~', { tf: { key: 'k', cmp: 'eq', val: 'y' } }), subscribe('a', 'own:#a~')),
  sequence('history still tells all', published('fresh:~', 1, 2, 3, 4), join('a'), send('a', { history: { channel: 'fresh:~', limit: 10 } }), publish('a', 'fresh:~', 5)),
].flat(Infinity);
