// Every view, in both languages and both themes, as a screen reader and a critic of accessibility find it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { DESKTOP, PHONE, Person } from './person.mjs';
import { startDemo } from './server.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it stands: each finding in one line. */
async function findings(person) {
  await person.page.evaluate(axe);
  return person.page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
  });
}

async function isSound(person, view, wrong) {
  // Colours that fade in are looked at when they are there.
  await person.page.evaluate(() => Promise.all(document.getAnimations().map((animation) => (animation.effect.getTiming().iterations === Infinity ? undefined : animation.finished))));
  await person.picture(`view-${view}`);
  for (const finding of await findings(person)) wrong.push(`${view}: ${finding}`);
}

const WORDS = {
  'en-US': { people: 'People', join: 'Join from anywhere', close: 'Close', remove: 'Delete the room', about: 'About the room', discover: 'All public rooms', react: 'React', emoji: 'Emoji', reply: 'Reply', back: 'Back to rooms', account: /^Your account/, noInvitation: 'This invitation leads nowhere', cancel: 'Cancel', flight: 'Break the network' },
  'ru-RU': { people: 'Люди', join: 'Присоединиться отовсюду', close: 'Закрыть', remove: 'Удалить комнату', about: 'О комнате', discover: 'Все открытые комнаты', react: 'Отреагировать', emoji: 'Эмодзи', reply: 'Ответить', back: 'К списку комнат', account: /^Ваш профиль/, noInvitation: 'Это приглашение никуда не ведёт', cancel: 'Отмена', flight: 'Сломать сеть' },
};

for (const [locale, colorScheme] of [
  ['en-US', 'light'],
  ['en-US', 'dark'],
  ['ru-RU', 'light'],
  ['ru-RU', 'dark'],
]) {
  test(`axe finds nothing on any view: ${locale}, ${colorScheme}`, async (t) => {
    const server = await startDemo(t);
    const words = WORDS[locale];
    const wrong = [];
    const name = (view) => `${view}-${locale.slice(0, 2)}-${colorScheme}`;
    for (const [size, viewport] of [
      ['desktop', DESKTOP],
      ['phone', PHONE],
    ]) {
      const anna = await Person.arrive(t, server, { viewport, locale, colorScheme });
      await anna.page.locator('#name').waitFor();
      await isSound(anna, name(`door-${size}`), wrong);
      await anna.logIn(`Anna ${size}`);
      await isSound(anna, name(`room-${size}`), wrong);
      await anna.writeAndBeHeard(`Hello from a ${size}: www.example.org`);
      await isSound(anna, name(`messages-${size}`), wrong);
      await anna.page.getByRole('button', { name: words.flight }).click();
      await anna.page.locator('[data-trouble] .kind').nth(1).click();
      await anna.page.locator('[data-link="waiting"]').waitFor();
      await isSound(anna, name(`flight-${size}`), wrong);
      await anna.page.locator('[data-trouble]').getByRole('button', { name: words.close }).click();
      await anna.hasLink('connected');
      if (size === 'phone') {
        await anna.page.goBack();
        await anna.page.getByRole('navigation').waitFor();
        await isSound(anna, name('rooms-phone'), wrong);
        await anna.page.goForward();
        await anna.isReady();
        await anna.page.getByRole('button', { name: words.people, exact: true }).click();
        await anna.page.locator('[data-people]').waitFor();
        await isSound(anna, name('people-phone'), wrong);
      }
      await anna.page.getByRole('button', { name: words.join }).first().click();
      await anna.page.getByRole('dialog').waitFor();
      await isSound(anna, name(`join-${size}`), wrong);
      await anna.page.getByRole('dialog').getByRole('button', { name: words.close }).click();
      await anna.page.keyboard.press('Control+k');
      await anna.page.getByRole('combobox').waitFor();
      // A room of one's own: the other size has written in its own.
      await anna.page.keyboard.type(`Чай ${size}`);
      await isSound(anna, name(`switcher-${size}`), wrong);
      await anna.page.keyboard.press('Enter');
      await anna.page.waitForURL('**/room/chay*');
      await anna.page.getByRole('button', { name: words.about }).click();
      await anna.page.getByRole('button', { name: words.remove }).waitFor();
      await isSound(anna, name(`about-${size}`), wrong);
      await anna.page.getByRole('button', { name: words.remove }).click();
      await isSound(anna, name(`delete-${size}`), wrong);
      await anna.page.getByRole('button', { name: words.cancel }).click();
      await anna.goOffline();
      await anna.write('offline');
      await isSound(anna, name(`offline-${size}`), wrong);
      await anna.comeBack();
      // What can be done with a message, and who has reacted.
      await anna.page.goto(`${server.http}/room/general`);
      await anna.isReady();
      const row = anna.row(`Hello from a ${size}: www.example.org`);
      await row.locator('.bubble').hover();
      await row.getByRole('toolbar').getByRole('button', { name: /👍/ }).click();
      await row.locator('.reactions button').waitFor();
      await isSound(anna, name(`reactions-${size}`), wrong);
      await row.locator('.bubble').hover();
      await row.getByRole('button', { name: words.react, exact: true }).click();
      await anna.page.getByRole('dialog', { name: words.emoji }).waitFor();
      await isSound(anna, name(`emoji-${size}`), wrong);
      await anna.page.keyboard.press('Escape');
      await row.getByRole('button', { name: words.reply, exact: true }).click();
      await anna.composer.fill('**bold** `code` @Anna');
      await isSound(anna, name(`reply-${size}`), wrong);
      await anna.composer.press('Enter');
      await anna.page.locator('.text strong').last().waitFor();
      await isSound(anna, name(`styles-${size}`), wrong);
      // The rooms of everybody, and the account.
      if (size === 'phone') await anna.page.getByRole('button', { name: words.back }).click();
      await anna.page.getByRole('button', { name: words.discover }).click();
      await anna.page.getByRole('dialog').getByRole('listitem').first().waitFor();
      await isSound(anna, name(`discover-${size}`), wrong);
      await anna.page.keyboard.press('Escape');
      await anna.page.getByRole('button', { name: words.account }).click();
      await anna.page.getByRole('dialog').getByRole('listitem').first().waitFor();
      await isSound(anna, name(`account-${size}`), wrong);
      await anna.page.keyboard.press('Escape');
      await anna.page.goto(`${server.http}/join/${'0'.repeat(32)}`);
      await anna.page.getByRole('heading', { name: words.noInvitation }).waitFor();
      await isSound(anna, name(`no-invitation-${size}`), wrong);
      await anna.page.goto(`${server.http}/room/nowhere`);
      await anna.page.getByRole('heading', { level: 1 }).waitFor();
      await isSound(anna, name(`nowhere-${size}`), wrong);
      const again = await anna.window();
      await again.page.getByRole('heading', { level: 2 }).waitFor();
      await isSound(again, name(`who-${size}`), wrong);
      assert.deepEqual(anna.faults, []);
    }
    assert.deepEqual(wrong, []);
  });
}

test('a screen reader finds one list, its messages in order with their places, and one heading of the page', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  for (const text of ['one', 'two', 'three']) await anna.writeAndBeHeard(text);
  const tree = await anna.page.getByRole('main').ariaSnapshot();
  assert.match(tree, /heading "General" \[level=1\]/);
  assert.match(tree, /log "Messages in General"/);
  assert.equal(await anna.page.getByRole('heading', { level: 1 }).count(), 1);
  assert.deepEqual(await anna.list.getByRole('article').allInnerTexts().then((all) => all.map((text) => /one|two|three/.exec(text)?.[0])), ['one', 'two', 'three']);
  // One stop for the Tab key, and the arrows from message to message.
  await anna.list.focus();
  await anna.page.keyboard.press('ArrowUp');
  await anna.page.keyboard.press('ArrowUp');
  assert.match(await anna.page.evaluate(() => document.activeElement.textContent), /two/);
  await anna.page.keyboard.press('Escape');
  assert.ok(await anna.composer.evaluate((area) => document.activeElement === area));
});
