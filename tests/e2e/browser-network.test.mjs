// A network that is neither there nor gone, one that is gone for long, and a house that was built anew.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Person, allAgree, curlWrites, lines } from './person.mjs';
import { startDemo } from './server.mjs';

test('a link that swallows everything is asked, says so, and loses nothing', async (t) => {
  const server = await startDemo(t);
  const [anna, boris] = [await Person.enter(t, server, 'Anna'), await Person.enter(t, server, 'Boris')];
  await anna.writeAndBeHeard('before');
  await boris.reads('before');
  boris.net.swallow();
  await boris.write('into the hole');
  await boris.hasLink('checking');
  await boris.picture('8-checking');
  await boris.losesLink();
  await anna.writeAndBeHeard('beside the hole');
  boris.net.mend();
  await boris.hasLink('connected');
  await allAgree([anna, boris], ['before', 'into the hole', 'beside the hole']);
});

test('without a network rooms can be switched and the page reloaded, and all of it can be read', async (t) => {
  const server = await startDemo(t);
  await curlWrites(server, 'curl', lines('general', 1, 20));
  const anna = await Person.enter(t, server, 'Anna');
  await anna.reads('general 20');
  await anna.page.keyboard.press('Control+k');
  await anna.page.keyboard.type('Tea');
  await anna.page.keyboard.press('Enter');
  await anna.page.waitForURL('**/room/tea');
  await anna.isReady();
  await anna.writeAndBeHeard('tea 1');
  // The worker has the page, and the rooms are on the disk.
  await anna.page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await anna.page.waitForFunction(() => localStorage.getItem('veche.chat.keep.anna.messages.tea')?.includes('tea 1'));
  await anna.goOffline();
  const link = (name) => anna.page.getByRole('navigation').getByRole('link', { name });
  await link(/General/).click();
  await anna.reads('general 20');
  await link(/Tea/).click();
  await anna.reads('tea 1');
  await anna.page.reload();
  await anna.reads('tea 1');
  await link(/General/).click();
  await anna.reads('general 20');
  await anna.write('written without a network');
  await anna.picture('8-offline-after-reload');
  await curlWrites(server, 'curl', ['meanwhile']);
  await anna.comeBack();
  await anna.row('written without a network', '[data-state="sent"]').waitFor();
  await anna.reads('meanwhile');
  assert.deepEqual(anna.faults, []);
});

test('a server whose data was wiped asks who one is, and shows what there is now', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  await anna.writeAndBeHeard('in the old house');
  await server.kill('SIGKILL');
  for (const file of ['chat.db', 'chat.db-wal', 'chat.db-shm', 'token_secret', 'api_key']) rmSync(join(server.data, file), { force: true });
  await server.start();
  await anna.page.getByText('Your session has ended').waitFor();
  await anna.logIn('Anna');
  await anna.writeAndBeHeard('in the new house');
  assert.equal(await anna.row('in the old house').count(), 0);
  assert.deepEqual(anna.faults, []);
});

test('500 messages pass while the network is away, and all are there at the return, once and in order', async (t) => {
  const server = await startDemo(t);
  const boris = await Person.enter(t, server, 'Boris');
  await curlWrites(server, 'curl', ['before']);
  await boris.reads('before');
  await boris.goOffline();
  const writers = ['ada', 'bea', 'cem', 'dan', 'eva', 'fay'];
  await Promise.all(writers.map((name) => curlWrites(server, name, lines(name, 1, 85))));
  await boris.comeBack();
  await boris.page.locator('[data-new]').waitFor();
  const seen = new Map();
  await boris.list.hover();
  const atEnd = () => boris.page.getByRole('button', { name: 'To the latest message' }).isHidden();
  for (let step = 0; step < 600; step++) {
    const rows = boris.page.locator('[role="article"]');
    for (const [seq, text] of await rows.evaluateAll((rows) => rows.map((row) => [Number(row.ariaPosInSet), row.querySelector('.text').textContent]))) {
      assert.ok(!seen.has(seq) || seen.get(seq) === text);
      seen.set(seq, text);
    }
    if (await atEnd()) break;
    await boris.page.mouse.wheel(0, 500);
    await boris.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }
  const all = [...seen].sort(([a], [b]) => a - b).map(([, text]) => text);
  assert.equal(all.length, 1 + 85 * writers.length);
  for (const name of writers) assert.deepEqual(all.filter((text) => text.startsWith(name)), lines(name, 1, 85));
});
