// The rules of the Rust client, compiled to WebAssembly, against the model of server and network: a million steps.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

test('the machine keeps its promises as WebAssembly, and asks its host for nothing', async () => {
  const module = await WebAssembly.compile(readFileSync(process.env.MODEL));
  // No clock, no randomness, no console: what it needs it is given by whoever drives it.
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const { exports } = await WebAssembly.instantiate(module, {});
  const before = exports.memory.buffer.byteLength;
  // The test harness's own `main`. A test that fails is a trap.
  assert.equal(exports.main(0, 0), 0);
  // A harness that finds no test needs no memory.
  const grown = exports.memory.buffer.byteLength - before;
  assert.ok(grown > 1 << 20, `it ran: ${grown} bytes`);
});
