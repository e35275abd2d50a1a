// The first minute of a demonstration: a bot, a second person, and a button that breaks the network.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHONE, Person } from './person.mjs';
import { startDemo } from './server.mjs';

const flight = (person) => person.page.getByRole('region', { name: 'Break the network' });
const choose = (person, name) => flight(person).getByRole('button', { name, exact: true }).click();
const count = async (person, what) => Number(await flight(person).locator(`[data-count="${what}"] dd`).textContent());

async function fly(person) {
  await person.page.getByRole('button', { name: 'Break the network' }).click();
  await flight(person).waitFor();
}

/** Waits until a counter has this value. */
const counts = (person, what, value) => flight(person).locator(`[data-count="${what}"] dd`).getByText(String(value), { exact: true }).waitFor();

for (const [trouble, state] of [['Cut', 'waiting'], ['Black hole', 'checking']]) {
  test(`what is written and said during "${trouble}" is all there afterwards, once`, async (t) => {
    const server = await startDemo(t);
    const anna = await Person.enter(t, server, 'Anna');
    const boris = await Person.enter(t, server, 'Boris');
    await anna.writeAndBeHeard('before');
    await fly(anna);
    await choose(anna, trouble);
    await anna.write('from the air');
    await boris.writeAndBeHeard('from the ground');
    await anna.page.locator(`[data-link="${state}"]`).waitFor();
    assert.equal(await anna.row('from the ground').count(), 0);
    assert.equal(await boris.row('from the air').count(), 0);
    await counts(anna, 'waiting', 1);
    await choose(anna, 'Whole');
    await anna.row('from the air', '[data-state="sent"]').waitFor();
    await anna.reads('from the ground');
    await boris.reads('from the air');
    await flight(anna).getByText(/messages? caught up/).waitFor();
    const figures = Object.fromEntries(await Promise.all(['written', 'arrived', 'waiting', 'others', 'lost', 'doubled'].map(async (what) => [what, await count(anna, what)])));
    assert.deepEqual(figures, { written: 1, arrived: 1, waiting: 0, others: 1, lost: 0, doubled: 0 });
    assert.deepEqual((await anna.story()).map(({ text }) => text).toSorted(), ['before', 'from the air', 'from the ground']);
  });
}

test('on a flaky network nothing is lost and nothing doubled', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  const boris = await Person.enter(t, server, 'Boris');
  await fly(anna);
  await choose(anna, 'Flaky');
  for (let n = 1; n <= 15; n++) {
    await anna.write(`anna ${n}`);
    await boris.writeAndBeHeard(`boris ${n}`);
  }
  await choose(anna, 'Whole');
  await counts(anna, 'arrived', 15);
  await counts(anna, 'others', 15);
  assert.deepEqual([await count(anna, 'lost'), await count(anna, 'doubled')], [0, 0]);
});

test('leaving the panel mends the network', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  await fly(anna);
  await choose(anna, 'Cut');
  await anna.write('still here');
  await flight(anna).getByRole('button', { name: 'Close' }).click();
  await anna.row('still here', '[data-state="sent"]').waitFor();
});

test('the bot greets, answers who is alone, and writes on while one is cut off', async (t) => {
  const server = await startDemo(t, { bot: true });
  const login = await fetch(`${server.http}/chat/api/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'Echo', key: 'a browser that would like to be the bot' }) });
  assert.ok(login.status >= 400, `the bot's name belongs to the bot: ${login.status}`);
  const anna = await Person.enter(t, server, 'Anna');
  await anna.list.getByText('I am Echo, a small bot').waitFor();
  await anna.writeAndBeHeard('hello');
  await anna.list.getByText('yours is message 3 of this room').waitFor();
  await anna.writeAndBeHeard('привет');
  await anna.page.getByText('Echo is typing').waitFor();
  await anna.list.getByText('Сообщение 5 сохранено раньше').waitFor();
  await fly(anna);
  await choose(anna, 'Cut');
  await anna.page.locator('[data-link="waiting"]').waitFor();
  const boris = await Person.enter(t, server, 'Boris');
  await boris.list.getByText('8 of 8').waitFor();
  assert.equal(await anna.list.getByText(/[2-8] of 8 ·/).count(), 0);
  await choose(anna, 'Whole');
  await counts(anna, 'others', 8);
  await anna.list.getByText('2 of 8 · You do not see this yet.').waitFor();
  assert.deepEqual([await count(anna, 'lost'), await count(anna, 'doubled')], [0, 0]);
  await anna.picture('flight-landed');
});

test('a second person comes in by one click, as a guest in a window of their own', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  await fly(anna);
  const opened = anna.context.waitForEvent('page');
  await flight(anna).getByRole('button', { name: 'A second person' }).click();
  const guest = await opened;
  await guest.locator('[data-link="connected"]').waitFor();
  assert.doesNotMatch(guest.url(), /guest/);
  await guest.getByRole('textbox', { name: /message/i }).fill('I am new here');
  await guest.keyboard.press('Enter');
  await anna.reads('I am new here');
  await anna.page.getByText(/^Guest \d+$/).first().waitFor();
});

for (const options of [{ colorScheme: 'dark', locale: 'ru-RU', viewport: PHONE }, { colorScheme: 'light', locale: 'en-US' }]) {
  test(`pictures of a flight: ${options.colorScheme}, ${options.locale}`, async (t) => {
    const server = await startDemo(t);
    const anna = await Person.enter(t, server, options.locale === 'ru-RU' ? 'Анна' : 'Anna', options);
    await anna.page.locator('header button[aria-expanded]').first().click();
    await anna.page.locator('.kind').nth(1).click();
    await anna.write('…');
    await anna.page.locator('[data-link="waiting"]').waitFor();
    await anna.picture(`flight-${options.colorScheme}-${options.locale}`);
    assert.deepEqual(anna.faults, []);
  });
}
