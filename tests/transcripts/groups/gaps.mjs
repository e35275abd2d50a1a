// Positions that are watched, and what is told when something was lost.

import { api, but, join, sequence, subscribe, token, wait } from '../steps.mjs';
import { config as base, OPEN } from './config.mjs';

const FLEETING = { ...OPEN, history_size: 5, history_ttl: '1s', history_meta_ttl: '1s' };

export const config = base({
  client: { token: base().client.token, channel_position_check_delay: '1s', presence_update_interval: '1s' },
  channel: {
    ...base().channel,
    history_meta_ttl: '600s',
    namespaces: [
      ...base().channel.namespaces,
      { name: 'fleeting', ...FLEETING, force_recovery: true },
      { name: 'watched', ...FLEETING, force_positioning: true },
      { name: 'fleeting.free', ...FLEETING },
      { name: 'fleeting.cache', ...FLEETING, force_recovery: true, force_recovery_mode: 'cache' },
      { name: 'fleeting.cut', ...FLEETING, force_recovery: true, allowed_delta_types: ['fossil'], delta_publish: true },
    ],
  },
});

const published = (channel, ...numbers) => numbers.map((n) => api('publish', { channel, data: { n } }));
const LONG = wait(6000);

export const sequences = [
  sequence('nothing is lost and nothing is told', join('a'), subscribe('a', 'forced:~'), published('forced:~', 1, 2), wait(4000), published('forced:~', 3)),
  ['fleeting:~', 'watched:~', 'fleeting.free:~', 'fleeting.cache:~'].flatMap((channel) => [
    sequence(`${channel} is another stream`, join('a'), subscribe('a', channel), published(channel, 1), LONG),
    sequence(`${channel} is another stream before anything was published`, join('a'), subscribe('a', channel), LONG),
  ]),
  sequence('the channel of a claim is another stream', join('a', { claims: { channels: ['fleeting:~'] } }), published('fleeting:~', 1), LONG),
  sequence('the channel of the API is another stream', join('a'), api('subscribe', { user: 'a~', channel: 'watched:~' }), published('watched:~', 1), LONG),
  sequence('the channel of a claim that nobody watches', join('a', { claims: { channels: ['fleeting.free:~'] } }), published('fleeting.free:~', 1), LONG),
  sequence('the channel of a token that has it watched', join('a'), subscribe('a', 'fleeting.free:~', { token: token({ sub: 'a~', channel: 'fleeting.free:~', override: { force_positioning: { value: true } } }) }), published('fleeting.free:~', 1), but(LONG, 'there the token makes the epoch live as long as the global setting says', { a: [{ push: { channel: 'fleeting.free:~', unsubscribe: { code: 2500, reason: 'insufficient state' } } }] })),
  sequence('history is removed and nothing is lost', join('a'), subscribe('a', 'forced:~'), published('forced:~', 1), api('history_remove', { channel: 'forced:~' }), wait(4000), published('forced:~', 2)),
  sequence('a publication without a place in the stream is no gap', join('a'), subscribe('a', 'forced:~'), published('forced:~', 1), api('publish', { channel: 'forced:~', data: 2, skip_history: true }), wait(3000), published('forced:~', 3)),
  sequence('another stream and deltas', join('a'), subscribe('a', 'fleeting.cut:~', { delta: 'fossil' }), published('fleeting.cut:~', 1), LONG),
  sequence('who comes back after a loss', join('a'), subscribe('a', 'fleeting:~'), published('fleeting:~', 1), LONG, subscribe('a', 'fleeting:~', { recover: true, offset: 1, epoch: '<epoch>' }), published('fleeting:~', 2)),
  sequence('who asks to be refused comes back after a loss', join('a'), published('fleeting:~', 1), wait(3500), subscribe('a', 'fleeting:~', { recover: true, offset: 1, epoch: '<epoch>', flag: 2 })),
].flat(Infinity);
