// The chat in a real browser: people talk, lose their network, lose the server, and nobody loses a message.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Person, PHONE, allAgree, lines } from './person.mjs';
import { startDemo } from './server.mjs';

test('two people meet, see each other, and talk in order', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  const boris = await Person.enter(t, server, 'Boris', { colorScheme: 'dark' });
  for (const person of [anna, boris]) {
    for (const name of ['Anna', 'Boris']) await person.page.locator('[data-people]').getByText(name, { exact: false }).first().waitFor();
  }
  await anna.writeAndBeHeard('Hello, is anybody here?');
  await boris.reads('Hello, is anybody here?');
  await boris.composer.pressSequentially('I am', { delay: 5 });
  await anna.page.getByText('Boris is typing').waitFor();
  await boris.writeAndBeHeard('I am <b>here</b> & glad — привет 👋');
  await anna.reads('I am <b>here</b> & glad — привет 👋');
  for (const [n, text] of lines('line', 1, 6).entries()) await [anna, boris][n % 2].writeAndBeHeard(text);
  await allAgree([anna, boris], ['Hello, is anybody here?', 'I am <b>here</b> & glad — привет 👋', ...lines('line', 1, 6)]);
  await anna.picture('1-two-people-light');
  await boris.picture('1-two-people-dark');
});

test('who loses the network for a while finds everything at the return, once and in order', async (t) => {
  const server = await startDemo(t);
  const [anna, boris, vera] = [await Person.enter(t, server, 'Anna'), await Person.enter(t, server, 'Boris'), await Person.enter(t, server, 'Vera')];
  await anna.writeAndBeHeard('before');
  await boris.reads('before');
  await boris.goOffline();
  await boris.picture('2-offline');
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
    await anna.writeAndBeHeard(`anna ${n}`);
    await vera.writeAndBeHeard(`vera ${n}`);
  }
  for (const text of lines('boris', 1, 3)) await boris.write(text);
  assert.deepEqual((await boris.story()).slice(-3).map(({ state }) => state === 'sent'), [false, false, false]);
  await boris.picture('2-offline-with-outbox');
  await boris.comeBack();
  await allAgree([anna, boris, vera], ['before', ...lines('anna', 1, 10), ...lines('vera', 1, 10), ...lines('boris', 1, 3)]);
  await boris.picture('2-back-again');
});

test('who writes while its network comes and goes is neither lost nor doubled', async (t) => {
  const server = await startDemo(t);
  const [anna, boris] = [await Person.enter(t, server, 'Anna'), await Person.enter(t, server, 'Boris')];
  for (let round = 0; round < 5; round++) {
    await boris.write(`boris ${2 * round + 1}`);
    boris.net.cut();
    await boris.write(`boris ${2 * round + 2}`);
    await anna.writeAndBeHeard(`anna ${round + 1}`);
    boris.net.mend();
  }
  const all = await allAgree([anna, boris], [...lines('boris', 1, 10), ...lines('anna', 1, 5)]);
  assert.deepEqual(all.filter((text) => text.startsWith('boris')), lines('boris', 1, 10));
});

test('the server is killed and started again: nothing is lost and nothing comes twice', async (t) => {
  const server = await startDemo(t);
  const [anna, boris] = [await Person.enter(t, server, 'Anna'), await Person.enter(t, server, 'Boris')];
  await anna.writeAndBeHeard('before the crash');
  await boris.reads('before the crash');
  const inFlight = boris.write('into the crash');
  await server.kill('SIGKILL');
  await inFlight;
  for (const person of [anna, boris]) await person.losesLink();
  await anna.write('anna while it is down');
  await boris.write('boris while it is down');
  await anna.picture('3-server-is-down');
  await server.start();
  for (const person of [anna, boris]) await person.hasLink('connected');
  const story = ['before the crash', 'into the crash', 'anna while it is down', 'boris while it is down'];
  await allAgree([anna, boris], story);
  await anna.writeAndBeHeard('after the crash');
  const vera = await Person.enter(t, server, 'Vera');
  await allAgree([anna, boris, vera], [...story, 'after the crash']);
  await anna.picture('3-server-is-back');
});

test('messages that wait survive a closed tab and are sent by the next one', async (t) => {
  const server = await startDemo(t);
  const [anna, boris] = [await Person.enter(t, server, 'Anna'), await Person.enter(t, server, 'Boris')];
  await anna.writeAndBeHeard('before');
  await boris.reads('before');
  await boris.goOffline();
  for (const text of lines('boris', 1, 3)) await boris.write(text);
  await boris.page.close();
  boris.net.mend();
  await boris.context.setOffline(false);
  await boris.open();
  await boris.goOnAs('Boris');
  assert.deepEqual(await allAgree([anna, boris], ['before', ...lines('boris', 1, 3)]), ['before', ...lines('boris', 1, 3)]);
});

test('on a phone, in Russian, by keyboard alone: a new room is made and written to', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Анна', { locale: 'ru-RU' });
  assert.equal(await anna.page.locator('html').getAttribute('lang'), 'ru');
  await anna.page.keyboard.press('Control+k');
  await anna.page.getByRole('combobox').waitFor();
  await anna.page.keyboard.type('Вечер');
  await anna.page.getByRole('option').last().waitFor();
  await anna.page.keyboard.press('Enter');
  await anna.page.getByRole('heading', { name: 'Вечер', level: 1 }).waitFor();
  await anna.isReady();
  await anna.page.keyboard.type('Добрый вечер');
  await anna.page.keyboard.press('Enter');
  await anna.row('Добрый вечер', '[data-state="sent"]').waitFor();
  await anna.picture('4-russian');

  const boris = await Person.enter(t, server, 'Борис', { locale: 'ru-RU', viewport: PHONE, colorScheme: 'dark' });
  await boris.picture('4-phone-dark');
  const width = await boris.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(width[0] <= width[1], `the page is ${width[0]} wide on a screen of ${width[1]}`);
});

test('the page says how to join from elsewhere, and what it says works', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  await anna.page.getByRole('button', { name: 'Join from anywhere' }).first().click();
  const dialog = anna.page.getByRole('dialog');
  await dialog.waitFor();
  const tabs = dialog.getByRole('tab');
  const said = [];
  for (let n = 0; n < (await tabs.count()); n++) {
    await tabs.nth(n).click();
    said.push(await dialog.getByRole('tabpanel').innerText());
  }
  assert.equal(said.length, 3);
  for (const [n, word] of ['curl', 'WebSocket', 'web_socket_channel'].entries()) assert.match(said[n], new RegExp(word, 'i'));
  await anna.picture('5-join');
});
