// The official client as its users have it, in both of its builds.

import { Centrifuge as JsonClient } from 'centrifuge';
import { Centrifuge as ProtobufClient } from 'centrifuge/build/protobuf';
import WebSocket from 'ws';
import { token } from './tokens.mjs';
import { event, hear } from './wait.mjs';

/** The two builds: tests of the client protocol run with each. */
export const builds = [
  { name: 'JSON', Client: JsonClient, pack: (value) => value, unpack: (value) => value },
  {
    name: 'Protobuf',
    Client: ProtobufClient,
    pack: (value) => Buffer.from(JSON.stringify(value)),
    unpack: parseOrBytes,
  },
];

function parseOrBytes(bytes) {
  if (!bytes?.length) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return Buffer.from(bytes);
  }
}

const [json, protobuf] = builds;
export { json, protobuf };

/** A client that is not connected yet; it leaves when the test ends. */
export function makeClient(t, server, options = {}, build = json) {
  const url = options.url ?? `${server.ws}/connection/websocket`;
  const { url: _, ...rest } = options;
  const client = new build.Client(url, {
    websocket: WebSocket,
    minReconnectDelay: 20,
    maxReconnectDelay: 200,
    timeout: 5000,
    ...rest,
  });
  client.on('error', () => {});
  t.after(() => client.disconnect());
  return client;
}

/** A connected client, and what the server said to it: `{client, connected}`. */
export async function connect(t, server, options = {}, build = json) {
  const client = makeClient(t, server, options, build);
  const connected = event(client, 'connected');
  client.connect();
  return { client, connected: await connected };
}

/** A live subscription: `{sub, subscribed, publications}`, where publications are heard from the start. */
export async function subscribe(client, channel, options = {}, build = json) {
  const sub = client.newSubscription(channel, options);
  sub.on('error', () => {});
  const publications = hear(sub, 'publication', (publication) => build.unpack(publication.data));
  const subscribed = event(sub, 'subscribed');
  sub.subscribe();
  return { sub, subscribed: await subscribed, publications };
}

/** Waits for a promise of the client to be refused, and returns `{code, message}`. */
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('was not refused');
}

/** Options of a client that is this user. */
export const as = (user, claims = {}) => ({ token: token({ sub: user, ...claims }) });
