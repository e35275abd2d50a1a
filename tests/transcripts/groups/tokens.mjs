// Tokens where the server asks for an audience and an issuer, has two keys, and another for subscriptions.

import { TOKEN_SECRET } from '../../e2e/server.mjs';
import { open, publish, send, sequence, subscribe, token } from '../steps.mjs';
import { config as base } from './config.mjs';

const [OLD, FOR_SUBSCRIPTIONS] = ['the-key-that-was-used-before-this-one', 'a-key-for-subscription-tokens-only'];

export const config = base({
  client: {
    token: { hmac_secret_key: TOKEN_SECRET, hmac_previous_secret_key: OLD, audience: 'veche', issuer: 'backend', user_id_claim: 'uid' },
    subscription_token: { enabled: true, hmac_secret_key: FOR_SUBSCRIPTIONS },
  },
});

const good = { uid: 'anna~', aud: 'veche', iss: 'backend' };
const connect = (claims, options) => [open('a'), send('a', { connect: { token: token(claims, options) } })];
const connects = (name, claims, options) => sequence(name, connect(claims, options));
const subscribes = (name, claims, secret) => sequence(name, connect(good), subscribe('a', 'closed:~', { token: token({ channel: 'closed:~', ...claims }, { secret }) }));

export const sequences = [
  connects('the user by another claim', good),
  connects('the previous key', good, { secret: OLD }),
  connects('the key of subscriptions', good, { secret: FOR_SUBSCRIPTIONS }),
  connects('another audience', { ...good, aud: 'other' }),
  connects('an audience among others', { ...good, aud: ['other', 'veche'] }),
  connects('no audience', { uid: 'anna~', iss: 'backend' }),
  connects('another issuer', { ...good, iss: 'other' }),
  connects('no issuer', { uid: 'anna~', aud: 'veche' }),
  connects('a user that is a number', { ...good, uid: 42 }),
  connects('a user that is true', { ...good, uid: true }),
  connects('a user that is an object', { ...good, uid: { a: 1 } }),
  connects('a user that is null', { ...good, uid: null }),
  connects('a user that is a fraction', { ...good, uid: 1.5 }),
  connects('a user that is a great number', { ...good, uid: 12345678901234567890 }),
  connects('no user', { aud: 'veche', iss: 'backend', sub: 'bob' }),
  connects('a subject beside', { ...good, sub: 'bob~' }),
  connects('HS384 is HS256 to nobody', good, { secret: TOKEN_SECRET, header: { alg: 'HS384' } }),
  connects('an unknown key id', good, { secret: TOKEN_SECRET, header: { alg: 'HS256', kid: 'x' } }),
  subscribes('a subscription token of its own key', { sub: 'anna~' }, FOR_SUBSCRIPTIONS),
  subscribes('a subscription token of the connection key', { sub: 'anna~' }, TOKEN_SECRET),
  subscribes('a subscription token without a user', {}, FOR_SUBSCRIPTIONS),
  subscribes('a subscription token of another user', { sub: 'bob' }, FOR_SUBSCRIPTIONS),
  sequence('a subscription that was granted can be used', connect(good), subscribe('a', 'open:~'), publish('a', 'open:~', { text: 'hi' })),
];
