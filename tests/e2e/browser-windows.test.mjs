// Windows of one browser, and their addresses: who is in each, what it shows, and how to get back to it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Person, PHONE, curlWrites, lines } from './person.mjs';
import { startDemo } from './server.mjs';

const path = (person) => new URL(person.page.url()).pathname;

/** Waits until the page is at an address. */
const isAt = (person, wanted) => person.page.waitForURL((url) => url.pathname === wanted);

test('a second window asks who it is, and the first one stays who it was', async (t) => {
  const server = await startDemo(t);
  const alice = await Person.enter(t, server, 'Alice');
  const bob = await alice.window();
  await bob.page.getByRole('button', { name: 'Go on as Alice' }).waitFor();
  await bob.picture('6-who-are-you');
  await bob.page.getByRole('button', { name: 'Somebody else' }).click();
  await bob.logIn('Bob');
  await alice.writeAndBeHeard('from Alice');
  await bob.writeAndBeHeard('from Bob');
  await alice.reads('from Bob');
  await alice.page.reload();
  await alice.isReady();
  await alice.page.getByRole('navigation').getByText('Alice', { exact: true }).last().waitFor();
  await alice.writeAndBeHeard('still Alice');
  await bob.page.locator('[role="log"] .author', { hasText: 'Alice' }).first().waitFor();
  assert.equal(await bob.page.locator('[role="log"] .author', { hasText: 'Bob' }).count(), 0);
});

test('a session that ended in another window, or on another device, says so at once', async (t) => {
  const server = await startDemo(t);
  const one = await Person.enter(t, server, 'Alice');
  const other = await one.window();
  await other.goOnAs('Alice');
  await one.write('before the end');
  await other.page.getByRole('button', { name: 'Log out' }).click();
  await one.page.getByText('Your session has ended').waitFor();
  // And it asks anew; nobody is logged in in this browser.
  await one.page.locator('#name').waitFor();

  // From elsewhere: by the interface, with the session's own token.
  await one.logIn('Alice');
  const headers = { authorization: `Bearer ${await one.token()}`, 'content-type': 'application/json' };
  const ended = await fetch(`${server.http}/chat/api/logout`, { method: 'POST', headers, body: '{}' });
  assert.equal(ended.status, 200);
  await one.page.getByText('Your session has ended').waitFor();
});

test('rooms have addresses: Back, Forward and a reload lead where they should', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  await isAt(anna, '/room/general');
  await anna.page.keyboard.press('Control+k');
  await anna.page.keyboard.type('Tea time');
  await anna.page.keyboard.press('Enter');
  await isAt(anna, '/room/tea-time');
  await anna.writeAndBeHeard('in the tea room');
  await anna.page.goBack();
  await isAt(anna, '/room/general');
  await anna.page.getByRole('heading', { name: 'General', level: 1 }).waitFor();
  await anna.page.goForward();
  await anna.reads('in the tea room');
  await anna.page.reload();
  await anna.isReady();
  await anna.reads('in the tea room');
  assert.equal(path(anna), '/room/tea-time');
  assert.match(await anna.page.title(), /^Tea time/);
});

test('a message has an address, which leads to it in the middle of a long room', async (t) => {
  const server = await startDemo(t);
  await curlWrites(server, 'curl', lines('curl', 1, 90));
  const anna = await Person.enter(t, server, 'Anna');
  await anna.reads('curl 90');
  await anna.row('curl 85').getByRole('link').click();
  await isAt(anna, '/room/general/85');
  const far = await anna.window('/room/general/7');
  await far.goOnAs('Anna');
  await far.row('curl 7', '[aria-current="true"]').waitFor();
  await far.page.waitForFunction(() => document.querySelector('[aria-current="true"][role="article"]').getBoundingClientRect().top > 0);
  assert.ok(await far.isOnScreen('curl 7'));
  await far.picture('6-message-link');
  // One's own message is shown, wherever one reads.
  await far.writeAndBeHeard('from far above');
  assert.ok(await far.isOnScreen('from far above'));
});

test('an address that leads nowhere is a friendly page', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna', { viewport: PHONE });
  for (const address of ['/room/no-such-room', '/no/such/page']) {
    await anna.page.goto(server.http + address);
    await anna.page.getByRole('heading', { name: 'There is nothing here', level: 1 }).waitFor();
  }
  await anna.picture('6-nowhere-phone');
  await anna.page.getByRole('button', { name: 'To the general room' }).click();
  await anna.isReady();
  assert.equal(path(anna), '/room/general');
});

test('on a phone the list of rooms is one step back', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna', { viewport: PHONE });
  await isAt(anna, '/room/general');
  await anna.page.goBack();
  await isAt(anna, '/');
  await anna.page.getByRole('navigation').getByRole('link', { name: /General/ }).click();
  await anna.isReady();
  await anna.page.getByRole('button', { name: 'Back to rooms' }).click();
  await isAt(anna, '/');
  await anna.picture('6-rooms-phone');
});

test('a name belongs to the browser that chose it, and a name that looks like it is not taken either', async (t) => {
  const server = await startDemo(t);
  const rita = await Person.enter(t, server, 'Rita');
  const eve = await Person.arrive(t, server);
  for (const [name, word] of [['rita', /belongs to somebody/], ['R\u0131ta', /can be taken for/], ['R\u0456ta', /can be taken for/]]) {
    await eve.page.locator('#name').fill(name);
    await eve.page.keyboard.press('Enter');
    await eve.page.getByRole('alert').filter({ hasText: word }).waitFor();
  }
  await eve.picture('6-name-taken');
  await rita.page.getByRole('button', { name: 'Log out' }).click();
  await rita.logIn('Rita');
  await rita.writeAndBeHeard('it is me again');
});
