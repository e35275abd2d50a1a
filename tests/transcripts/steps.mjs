// The steps of which a sequence consists, and the words that stand for what is known only when it runs.
//
// In any text `~` is the mark of the run (so that sequences share a server, not channels or users), `<client a>` the id
// of client a, `<epoch>` the epoch heard last. `{$token: claims}` is a signed token, `{$in: 60}` the Unix time in 60 s.

/**
 * A named list of steps. `only` is one encoding where a sequence makes sense in one; `{exact: true}` clients compare JSON
 * as text.
 */
export const sequence = (name, ...steps) => ({ name, steps: steps.flat(Infinity) });

/** The same in one encoding only. */
export const jsonOnly = (name, ...steps) => ({ ...sequence(name, ...steps), only: 'json' });
export const protobufOnly = (name, ...steps) => ({ ...sequence(name, ...steps), only: 'protobuf' });

/** Opens a socket for client `who`. */
export const open = (who, options = {}) => ({ open: who, ...options });

/** Sends commands in one frame. */
export const send = (who, ...commands) => ({ send: who, commands });

/** A connection token. */
export const token = (claims, options) => ({ $token: claims, ...options });

/** Opens and connects a client with a token of `user`, by default its own name with the mark. */
export const join = (who, { user = `${who}~`, claims = {}, connect = {}, ...options } = {}) => [
  open(who, options),
  send(who, { connect: { token: token({ sub: user, ...claims }), ...connect } }),
];

/** Sends a frame as it stands: a text frame, or a binary one. */
export const text = (who, payload, { binary = false } = {}) => ({ text: who, payload, ...(binary && { binary }) });

/** Sends a binary frame of parts: `{command}` with its length before it, or `{hex}`. */
export const bytes = (who, ...parts) => ({ bytes: who, parts });

/** Calls a method of the server API. */
export const api = (method, body = {}, headers) => ({ api: method, body, ...(headers && { headers }) });

/** Any HTTP request; `body` is text. */
export const http = (method, path, { body, headers = {} } = {}) => ({ http: method, path, ...(body !== undefined && { body }), headers });

/** Lets time pass. */
export const wait = (ms) => ({ wait: ms });

/** Ends a client's TCP connection. */
export const leave = (who) => ({ leave: who });

/** Makes the step before one whose outcome is another on purpose. `gets` replaces what the named clients (or `http`) get. */
export const but = (step, because, gets) => ({ ...step, instead: { because, gets } });

export const subscribe = (who, channel, more = {}) => send(who, { subscribe: { channel, ...more } });
export const publish = (who, channel, data) => send(who, { publish: { channel, data } });
