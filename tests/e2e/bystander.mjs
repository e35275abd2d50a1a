// A server with somebody on it who must notice nothing of what others do.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, subscribe } from './client.mjs';
import { openConfig, startServer } from './server.mjs';
import { hear } from './wait.mjs';

/** A server with a bystander: `unharmed` proves that it still hears everything, and that memory is bounded. */
export async function withBystander(t, overrides = {}) {
  const server = await startServer(t, openConfig({ client: { insecure: true }, ...overrides }));
  const { client } = await connect(t, server, {});
  const drops = hear(client, 'connecting');
  const { publications } = await subscribe(client, 'bystander');
  const unharmed = async () => {
    const mark = `mark ${publications.items.length}`;
    await server.publish('bystander', mark);
    await publications.until((items) => items.includes(mark), 'the bystander to hear a publication');
    assert.deepEqual(drops.items, []);
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
    const megabytes = Number(status.match(/VmRSS:\s+(\d+)/)[1]) / 1024;
    assert.ok(megabytes < 300, `${megabytes} MiB resident`);
  };
  return { server, unharmed };
}
