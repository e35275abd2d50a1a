// Messages compressed both ways.

import { api, join, publish, send, sequence, subscribe, text } from '../steps.mjs';
import { config as base } from './config.mjs';

export const config = base({ websocket: { compression: true, message_size_limit: 1000 } });

const offers = [
  'permessage-deflate',
  'permessage-deflate; client_max_window_bits',
  'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
  'permessage-deflate; server_no_context_takeover',
  'permessage-deflate; client_max_window_bits=15',
  'x-webkit-deflate-frame',
  'permessage-bzip2, permessage-deflate',
];
const STORY = 'Once upon a time there was a river that went all the way down to the sea. '.repeat(5);

export const sequences = [
  offers.map((offer) => sequence(`the offer ${offer}`, join('a', { offer }), subscribe('a', 'kept:~'), publish('a', 'kept:~', { text: STORY }), api('publish', { channel: 'kept:~', data: 'small' }), send('a', { history: { channel: 'kept:~', limit: 5 } }))),
  sequence('no offer', join('a'), subscribe('a', 'open:~'), publish('a', 'open:~', { text: STORY })),
  sequence('compressed and plain clients meet', join('a', { offer: offers[0] }), join('b'), subscribe('a', 'open:~'), subscribe('b', 'open:~'), publish('a', 'open:~', { text: STORY }), publish('b', 'open:~', { text: STORY })),
  sequence('what is small when compressed', join('a', { offer: offers[0] }), text('a', `{"id":9,"rpc":{"method":"x","data":"${'y'.repeat(2000)}"}}`)),
  sequence('what is too much when inflated', join('a', { offer: offers[0] }), text('a', `{"id":9,"rpc":{"method":"x","data":"${'y'.repeat(11000)}"}}`)),
].flat(Infinity).map((one) => (one.steps.some((step) => step.text) ? { ...one, only: 'json' } : one));
