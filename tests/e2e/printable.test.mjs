// What a client sends is harmless to the terminal on which its log is read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBare } from './bare.mjs';
import { isVeche, openConfig, startServer } from './server.mjs';
import { token } from './tokens.mjs';

const skip = !isVeche && 'the original logs otherwise';
/** An escape sequence, a new line that looks like one of ours, controls of eight bits, and text that runs backwards. */
const EVIL = '\u001b]0;owned\u0007\u001b[2J\nERROR forged\r\u009b31m\u007f\u202eback';
const escaped = /\\u\{1b\}\]0;owned\\u\{7\}/;

test('names, paths, filters and users are escaped before they are logged', { skip }, async (t) => {
  const allowed = { allow_tags_filter: true, allow_subscribe_for_client: true };
  const server = await startServer(t, openConfig({ log: { level: 'info' }, channel: { without_namespace: allowed } }));
  const bare = await openBare(t, `${server.ws}/connection/websocket`);
  await bare.ask({ id: 1, connect: { token: token({ sub: `mallory ${EVIL}` }) } });
  const refused = async (id, subscribe) => assert.ok((await bare.ask({ id, subscribe })).error, 'it is refused');
  await refused(2, { channel: 'a', tf: { op: EVIL, key: 'k', val: 'v' } });
  await refused(3, { channel: 'b', tf: { key: 'k', cmp: EVIL, val: 'v' } });
  await refused(4, { channel: `no such:${EVIL}` });
  await refused(5, { channel: 'c', token: `${EVIL}.${EVIL}.${EVIL}` });
  const lines = await Promise.all(['"code":107', '"code":102', '"code":103'].map((what) => server.logged(what)));
  for (const line of lines) assert.match(line.user, escaped);
  assert.match(lines[0].message, escaped);
  assert.match(lines[1].channel, escaped);
  const log = server.log.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const controls = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;
  for (const line of log) for (const value of Object.values(line)) assert.doesNotMatch(String(value), controls);
});
