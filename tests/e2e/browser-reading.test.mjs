// What is read and what is not: by what was seen, on every device, at any length of a room.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { Person, curlWrites, lines } from './person.mjs';
import { startDemo } from './server.mjs';

/** Scrolls down, as with a wheel, until the reader stands at the end. */
async function readsToTheEnd(person) {
  await person.list.hover();
  const atEnd = () => person.page.getByRole('button', { name: 'To the latest message' }).isHidden();
  for (let step = 0; step < 300 && !(await atEnd()); step++) {
    await person.page.mouse.wheel(0, 400);
    await person.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }
  assert.ok(await atEnd());
}

test('a message of one\'s own is shown, and unread in no window', async (t) => {
  const server = await startDemo(t);
  await curlWrites(server, 'curl', lines('curl', 1, 40));
  const anna = await Person.enter(t, server, 'Anna');
  const other = await anna.window();
  await other.goOnAs('Anna');
  await other.looks(false);
  await anna.reads('curl 40');
  const six = lines('line', 1, 6).join('\n');
  await anna.composer.fill(six);
  await anna.composer.press('Enter');
  await anna.row(six, '[data-state="sent"]').waitFor();
  assert.ok(await anna.isOnScreen(six));
  await anna.list.hover();
  await anna.page.mouse.wheel(0, -2000);
  await anna.page.getByRole('button', { name: 'To the latest message' }).waitFor();
  await anna.writeAndBeHeard('written from above');
  await anna.page.waitForFunction(() => {
    const box = document.querySelector('[role="log"]');
    return box.scrollHeight - box.scrollTop - box.clientHeight < 4;
  });
  assert.ok(await anna.isOnScreen('written from above'));
  await other.reads('written from above');
  for (const window of [anna, other]) await window.hasUnread(0);
});

test('120 unread messages open at the first of them, and are read when they were seen', async (t) => {
  const server = await startDemo(t);
  const boris = await Person.enter(t, server, 'Boris');
  const phone = await Person.enter(t, server, 'Anna');
  await boris.writeAndBeHeard('before');
  await phone.reads('before');
  await phone.page.goto('about:blank');
  await curlWrites(server, 'curl', lines('curl', 1, 90));
  await curlWrites(server, 'other', lines('other', 1, 30));
  // The same person on another device, by the session that the first one has.
  await phone.page.goto(server.http);
  await phone.isReady();
  await phone.page.locator('[data-new]').waitFor();
  assert.ok(await phone.isOnScreen('curl 1'));
  await phone.picture('7-unread-line');
  const title = await phone.page.title();
  const left = Number(/^\((\d+)\)/.exec(title)?.[1]);
  assert.ok(left > 80 && left < 120, `some were seen, most were not: ${title}`);
  await readsToTheEnd(phone);
  await phone.reads('other 30');
  await phone.hasUnread(0);
  assert.deepEqual(phone.faults, []);
});

test('a window that nobody looks at marks nothing as read; two windows agree', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  const hidden = await anna.window();
  await hidden.goOnAs('Anna');
  for (const window of [anna, hidden]) await window.looks(false);
  await curlWrites(server, 'curl', lines('curl', 1, 30));
  for (const window of [anna, hidden]) {
    await window.hasUnread(30);
    await window.page.locator('[data-new]').waitFor();
  }
  // What was read in one of them is read in the other.
  await anna.looks(true);
  await readsToTheEnd(anna);
  for (const window of [anna, hidden]) await window.hasUnread(0);
  await curlWrites(server, 'curl', ['one more']);
  await anna.reads('one more');
  await hidden.hasUnread(0);
});

test('10 000 messages open at the unread line at once, and a key costs the same as among ten', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  await anna.writeAndBeHeard('first');
  const cost = () =>
    anna.page.evaluate(async () => {
      const area = document.querySelector('main textarea');
      const times = [];
      for (let key = 0; key < 30; key++) {
        const began = performance.now();
        area.value += 'x';
        area.dispatchEvent(new Event('input', { bubbles: true }));
        await new Promise((done) => requestAnimationFrame(done));
        void area.offsetHeight;
        times.push(performance.now() - began);
      }
      return times.sort((a, b) => a - b)[15];
    });
  const alone = await cost();
  await anna.composer.fill('');
  await anna.page.goto('about:blank');
  fillRoom(server, 10_000);
  const began = Date.now();
  await anna.page.goto(server.http);
  await anna.page.locator('[data-new]').waitFor();
  const took = Date.now() - began;
  t.diagnostic(`10 000 messages opened at the unread line in ${took} ms`);
  assert.ok(await anna.isOnScreen('message 2'));
  const drawn = await anna.page.locator('[role="article"]').count();
  assert.ok(drawn < 200, `${drawn} rows are drawn`);
  // Pages through more than two thousand of them.
  await anna.list.hover();
  const reached = () => anna.page.locator('[role="article"]').last().getAttribute('aria-posinset').then(Number);
  for (let step = 0; step < 600 && (await reached()) < 2_200; step++) await anna.page.mouse.wheel(0, 4_000);
  assert.ok((await reached()) >= 2_200);
  assert.ok((await anna.page.locator('[role="article"]').count()) < 200);
  const among = await cost();
  t.diagnostic(`a key: ${alone.toFixed(1)} ms alone, ${among.toFixed(1)} ms among 2000 loaded`);
  assert.ok(among < 4 * alone + 40, `${alone} ms alone, ${among} ms among thousands`);
  // Home is the beginning of the room, End its end.
  await anna.list.focus();
  await anna.page.keyboard.press('End');
  await anna.reads('message 10000');
  await anna.page.keyboard.press('Home');
  await anna.reads('first');
  const row = anna.row('first');
  assert.deepEqual([await row.getAttribute('aria-posinset'), await row.getAttribute('aria-setsize')], ['1', '10000']);
  // Esc: everything is read, and the reader writes on.
  await anna.page.keyboard.press('Escape');
  await anna.reads('message 10000');
  await anna.hasUnread(0);
  assert.ok(await anna.composer.evaluate((area) => document.activeElement === area));
});

/** Puts messages into the general room's table, up to this seq. */
function fillRoom(server, top) {
  const script = `
import sqlite3, sys, uuid
db = sqlite3.connect(sys.argv[1], timeout=20)
top = int(sys.argv[2])
first = db.execute("SELECT top FROM rooms WHERE id = 'general'").fetchone()[0] + 1
db.executemany("INSERT INTO messages (id, room_id, seq, user_id, name, text, time_ms) VALUES (?, 'general', ?, 'clara', 'Clara', ?, ?)",
    [(str(uuid.uuid4()), seq, f"message {seq}", 1700000000000 + seq * 1000) for seq in range(first, top + 1)])
db.execute("UPDATE rooms SET top = ? WHERE id = 'general'", (top,))
db.commit()`;
  const filled = spawnSync('python3', ['-c', script, join(server.data, 'chat.db'), String(top)], { encoding: 'utf8' });
  assert.equal(filled.status, 0, filled.stderr);
}
