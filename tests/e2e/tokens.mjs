// JSON web tokens made by hand, so that a test can make wrong ones too.

import { createHmac } from 'node:crypto';
import { TOKEN_SECRET } from './server.mjs';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Seconds since 1970, `delta` seconds from now. */
export const inSeconds = (delta) => Math.floor(Date.now() / 1000) + delta;

/** A token with these claims, signed by HS256. */
export function token(claims, { secret = TOKEN_SECRET, header = { alg: 'HS256', typ: 'JWT' } } = {}) {
  const body = `${encode(header)}.${encode(claims)}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

/** A token that claims to need no signature. */
export const unsignedToken = (claims) => `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`;
