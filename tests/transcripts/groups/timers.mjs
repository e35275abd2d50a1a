// What happens as time passes: pings, expiry, and sockets that say nothing.

import { api, but, join, jsonOnly, open, send, sequence, subscribe, token, wait } from '../steps.mjs';
import { config as base } from './config.mjs';

export const config = base({
  client: {
    token: base().client.token,
    ping_interval: '2s',
    pong_timeout: '1s',
    stale_close_delay: '1s',
    expired_close_delay: '1s',
    expired_sub_close_delay: '1s',
    presence_update_interval: '1s',
  },
});

const soon = { exp: { $in: 2 } };
const closed = { sub: 'a~', channel: 'closed:~' };

export const sequences = [
  sequence('a socket that says nothing', open('a'), wait(2500)),
  jsonOnly('a socket that fails to connect', open('a'), send('a', { connect: { token: token({ sub: 'a~', exp: 1 }) } }), wait(2500)),
  sequence('pings come', join('a'), wait(4500)),
  sequence('a client that does not answer pings', join('a', { pong: false }), wait(5000)),
  sequence('a client that answers every ping with a command', join('a', { pong: false }), wait(100), send('a', { rpc: { method: 'x' } }), wait(5000)),
  jsonOnly('pings of the WebSocket', open('a', { query: '?cf_ws_frame_ping_pong=true' }), send('a', { connect: { token: token({ sub: 'a~' }) } }), wait(4500)),
  jsonOnly(
    'a client that does not answer pings of the WebSocket',
    open('a', { query: '?cf_ws_frame_ping_pong=true', pong: false }),
    send('a', { connect: { token: token({ sub: 'a~' }) } }),
    but(wait(5000), 'there TCP ends without a close frame', { a: [{ framePing: true }, { close: [3012, 'no pong'] }] }),
  ),
  sequence('a refresh without an end', join('a', { claims: soon }), send('a', { refresh: { token: token({ sub: 'a~' }) } }), but(wait(5000), 'there the old end stays in force', { a: [{ ping: true }] })),
  sequence('a connection expires', join('a', { claims: soon }), wait(6000)),
  sequence('a connection is refreshed in time', join('a', { claims: soon }), send('a', { refresh: { token: token({ sub: 'a~', exp: { $in: 60 } }) } }), wait(5000)),
  sequence('a connection is refreshed during the grace', join('a', { claims: { exp: { $in: 2 } } }), wait(2300), send('a', { refresh: { token: token({ sub: 'a~', exp: { $in: 60 } }) } }), wait(3000)),
  sequence('a connection is refreshed with what does not last', join('a', { claims: { exp: { $in: 60 } } }), send('a', { refresh: { token: token({ sub: 'a~', ...soon }) } }), wait(6000)),
  sequence('the API lets a connection expire', join('a'), api('refresh', { user: 'a~', expire_at: { $in: 2 } }), wait(6000)),
  sequence('the API keeps a connection alive', join('a', { claims: soon }), api('refresh', { user: 'a~', expire_at: { $in: 60 } }), wait(5000)),
  sequence('a subscription expires', join('a'), subscribe('a', 'closed:~', { token: token({ ...closed, ...soon }) }), wait(7000), api('publish', { channel: 'closed:~', data: 1 })),
  sequence('a subscription is refreshed', join('a'), subscribe('a', 'closed:~', { token: token({ ...closed, ...soon }) }), send('a', { sub_refresh: { channel: 'closed:~', token: token({ ...closed, exp: { $in: 60 } }) } }), wait(6000), api('publish', { channel: 'closed:~', data: 1 })),
  sequence('a subscription that was refreshed expires', join('a'), subscribe('a', 'closed:~', { token: token(closed) }), send('a', { sub_refresh: { channel: 'closed:~', token: token({ ...closed, ...soon }) } }), wait(7000)),
  sequence('an expired subscription leaves', join('b'), subscribe('b', 'loud:~'), join('a'), subscribe('a', 'loud:~', { token: token({ sub: 'a~', channel: 'loud:~', ...soon }) }), wait(7000)),
  sequence('a subscription of the API expires', join('a'), api('subscribe', { user: 'a~', channel: 'open:~', expire_at: { $in: 2 } }), wait(7000)),
  sequence('a subscription of a claim expires', join('a', { claims: { subs: { 'open:~': {} }, exp: { $in: 60 } } }), wait(3000)),
  sequence('a connection expires by expire_at', join('a', { claims: { exp: { $in: 600 }, expire_at: { $in: 2 } } }), wait(6000)),
  sequence('a connection does not expire by exp beside expire_at of zero', join('a', { claims: { exp: { $in: 2 }, expire_at: 0 } }), wait(5000)),
  sequence('a subscription expires by expire_at', join('a'), subscribe('a', 'closed:~', { token: token({ ...closed, exp: { $in: 600 }, expire_at: { $in: 2 } }) }), wait(7000)),
  sequence('a subscription is refreshed during the grace', join('a'), subscribe('a', 'closed:~', { token: token({ ...closed, ...soon }) }), wait(2300), send('a', { sub_refresh: { channel: 'closed:~', token: token({ ...closed, exp: { $in: 60 } }) } }), wait(4000), api('publish', { channel: 'closed:~', data: 1 })),
  sequence('a subscription of the API is prolonged', join('a'), api('subscribe', { user: 'a~', channel: 'open:~', expire_at: { $in: 2 } }), api('subscribe', { user: 'a~', channel: 'open:~', expire_at: { $in: 60 } }), wait(6000), api('publish', { channel: 'open:~', data: 1 })),
  sequence('a client prolongs a subscription of the API', join('a'), api('subscribe', { user: 'a~', channel: 'closed:~', expire_at: { $in: 2 } }), send('a', { sub_refresh: { channel: 'closed:~', token: token({ ...closed, exp: { $in: 60 } }) } }), wait(6000), api('publish', { channel: 'closed:~', data: 1 })),
  sequence('the API makes a connection last for ever', join('a', { claims: soon }), api('refresh', { user: 'a~' }), wait(5000), api('presence', { channel: 'here:~' })),
  sequence('a subscription that expires beside one that does not', join('a'), subscribe('a', 'open:~'), subscribe('a', 'closed:~', { token: token({ ...closed, ...soon }) }), wait(7000), api('publish', { channel: 'open:~', data: 1 })),
  sequence('who expired comes back', join('a'), subscribe('a', 'closed:~', { token: token({ ...closed, ...soon }) }), wait(7000), subscribe('a', 'closed:~', { token: token(closed) }), api('publish', { channel: 'closed:~', data: 1 })),
  sequence('presence goes on', join('a'), subscribe('a', 'here:~'), wait(3000), api('presence', { channel: 'here:~' })),
];
