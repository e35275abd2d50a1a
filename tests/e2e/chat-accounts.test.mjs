// Names with passwords: registered, used in another browser, changed; devices, and signing out of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHONE, Person } from './person.mjs';
import { startDemo } from './server.mjs';

const PASSWORD = 'correct horse battery';

/** Comes in through the door, with a password. */
async function comeIn(person, name, password, button) {
  await person.page.getByRole('button', { name: 'With a password' }).click();
  await person.page.locator('#name').fill(name);
  await person.page.locator('#password').fill(password);
  await person.page.getByRole('button', { name: button }).click();
  person.name = name;
}

async function account(person) {
  await person.page.getByRole('button', { name: /^Your account/ }).click();
  const card = person.page.getByRole('dialog', { name: 'Your account' });
  await card.getByText('this one').waitFor();
  return card;
}

test('a registered name is the same person in another browser, and a wrong password is nobody', async (t) => {
  const server = await startDemo(t);
  const desk = await Person.arrive(t, server);
  await comeIn(desk, 'Anna', PASSWORD, 'Register');
  await desk.isReady();
  await desk.writeAndBeHeard('from the desk');
  const phone = await Person.arrive(t, server, { viewport: PHONE });
  // Who only says the name is asked for the password.
  await phone.page.locator('#name').fill('Anna');
  await phone.page.keyboard.press('Enter');
  await phone.page.locator('#password').waitFor();
  assert.equal(await phone.page.getByRole('alert').count(), 0);
  await phone.page.locator('#password').fill('a wrong guess');
  await phone.page.getByRole('button', { name: 'Log in' }).click();
  await phone.page.getByText('The name and the password do not belong together.').waitFor();
  await phone.picture('chat-door-password');
  await phone.page.locator('#password').fill(PASSWORD);
  await phone.page.keyboard.press('Enter');
  await phone.isReady();
  assert.ok((await phone.row('from the desk').getAttribute('class')).includes('own'));
  await phone.writeAndBeHeard('from the phone');
  await desk.reads('from the phone');
  await desk.hasUnread(0);
  assert.deepEqual([...desk.faults, ...phone.faults], []);
});

test('a guest gives her name a password, sees where she is logged in, and signs a device out', async (t) => {
  const server = await startDemo(t);
  const desk = await Person.enter(t, server, 'Anna');
  let card = await account(desk);
  await card.getByText('Guest: the name belongs to this browser').waitFor();
  await card.getByLabel('New password').fill(PASSWORD);
  await card.getByRole('button', { name: 'Save' }).click();
  await card.getByText('The password is saved.').waitFor();
  await card.getByText('The name has a password').waitFor();
  await desk.picture('chat-account');
  await desk.page.keyboard.press('Escape');
  const phone = await Person.arrive(t, server, { viewport: PHONE });
  await comeIn(phone, 'Anna', PASSWORD, 'Log in');
  await phone.isReady();
  card = await account(desk);
  await card.getByRole('button', { name: /^Sign out: Chrome/ }).click();
  await phone.page.getByText('Your session has ended').waitFor();
  await card.getByRole('button', { name: /^Sign out: / }).waitFor({ state: 'detached' });
  await desk.page.keyboard.press('Escape');
  await desk.isReady();
  await desk.writeAndBeHeard('still here');
  assert.deepEqual([...desk.faults, ...phone.faults], []);
});

test('another password ends the other sessions, and signing out everywhere ends all', async (t) => {
  const server = await startDemo(t);
  const desk = await Person.arrive(t, server);
  await comeIn(desk, 'Anna', PASSWORD, 'Register');
  await desk.isReady();
  const phone = await Person.arrive(t, server);
  await comeIn(phone, 'Anna', PASSWORD, 'Log in');
  await phone.isReady();
  let card = await account(desk);
  await card.getByLabel('Password until now').fill('not it, sorry');
  await card.getByLabel('New password').fill('another password');
  await card.getByRole('button', { name: 'Save' }).click();
  await card.getByText('The name and the password do not belong together.').waitFor();
  await card.getByLabel('Password until now').fill(PASSWORD);
  await card.getByRole('button', { name: 'Save' }).click();
  await card.getByText('The password is saved; 1 other session has ended.').waitFor();
  await phone.page.getByText('Your session has ended').waitFor();
  await comeIn(phone, 'Anna', 'another password', 'Log in');
  await phone.isReady();
  await card.getByRole('button', { name: 'Sign out everywhere' }).click();
  for (const person of [desk, phone]) await person.page.locator('#name').waitFor();
  await phone.page.getByText('Your session has ended').waitFor();
  assert.deepEqual([...desk.faults, ...phone.faults], []);
});

for (const [colorScheme, viewport] of [
  ['dark', PHONE],
  ['light', undefined],
]) {
  test(`pictures of the account: ${colorScheme}, ru-RU`, async (t) => {
    const server = await startDemo(t);
    const anna = await Person.arrive(t, server, { colorScheme, locale: 'ru-RU', ...(viewport ? { viewport } : {}) });
    await anna.page.getByRole('button', { name: 'С паролем' }).click();
    await anna.page.locator('#name').fill('Анна');
    await anna.page.locator('#password').fill(PASSWORD);
    await anna.picture(`chat-door-${colorScheme}`);
    await anna.page.getByRole('button', { name: 'Зарегистрироваться' }).click();
    await anna.isReady();
    if (viewport) await anna.page.getByRole('button', { name: 'К списку комнат' }).click();
    await anna.page.getByRole('button', { name: /^Ваш профиль/ }).click();
    await anna.page.getByText('это устройство').waitFor();
    await anna.picture(`chat-account-${colorScheme}`);
    assert.deepEqual(anna.faults, []);
  });
}
