// The chat in a real browser: people talk, lose their network, lose the server, and nobody loses a message.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { socks } from './network.mjs';
import { startDemo } from './server.mjs';

const PICTURES = resolve(fileURLToPath(import.meta.url), '../../artifacts/screenshots');
const CHROMIUM = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
const DEADLINE_MS = 30_000;
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

let browser;
before(async () => {
  assert.ok(CHROMIUM, 'no Chromium; as root: apt-get install chromium');
  mkdirSync(PICTURES, { recursive: true });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
});
after(() => browser?.close());

/** One person at the chat: a browser of its own, behind a network of its own. */
class Person {
  static async enter(t, server, name, { viewport = DESKTOP, locale = 'en-US', colorScheme = 'light' } = {}) {
    const person = new Person();
    Object.assign(person, { t, name, server, net: await socks(t), faults: [] });
    person.context = await browser.newContext({
      viewport,
      locale,
      colorScheme,
      // The loopback would go around the proxy by default.
      proxy: { server: person.net.proxy, bypass: '<-loopback>' },
    });
    t.after(() => person.context.close());
    await person.open();
    await person.page.locator('#name').fill(name);
    await person.page.keyboard.press('Enter');
    await person.isReady();
    return person;
  }

  /** Opens the page in a new tab. */
  async open() {
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(DEADLINE_MS);
    this.page.on('pageerror', (error) => this.faults.push(error.message));
    await this.page.goto(this.server.http);
  }

  get composer() {
    return this.page.locator('main textarea, section textarea').first();
  }

  /** In the room and connected. */
  async isReady() {
    await this.composer.waitFor();
    await this.hasLink('connected');
  }

  hasLink(kind) {
    return this.page.locator(`[data-link="${kind}"]`).waitFor();
  }

  async losesLink() {
    await this.page.locator('[data-link]:not([data-link="connected"])').waitFor();
  }

  /** Cuts this person's network, as a tunnel does. */
  async goOffline() {
    this.net.cut();
    await this.context.setOffline(true);
    await this.losesLink();
  }

  async comeBack() {
    this.net.mend();
    await this.context.setOffline(false);
    await this.hasLink('connected');
  }

  async write(text) {
    await this.composer.fill(text);
    await this.composer.press('Enter');
    await this.row(text).waitFor();
  }

  async writeAndBeHeard(text) {
    await this.write(text);
    await this.row(text, '[data-state="sent"]').waitFor();
  }

  row(text, state = '') {
    return this.page.locator(`[role="log"] [role="article"]${state}`, { has: this.page.locator('.text').getByText(text, { exact: true }) });
  }

  async reads(text) {
    await this.row(text).waitFor();
  }

  /** Everything in the open room, from top to bottom. */
  story() {
    return this.page.locator('[role="log"] [role="article"]').evaluateAll((rows) =>
      rows.map((row) => ({ id: row.dataset.id, text: row.querySelector('.text').textContent, state: row.dataset.state })),
    );
  }

  async picture(name) {
    await this.page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }
}

const texts = async (person) => (await person.story()).map(({ text }) => text);

/** All see the same messages in the same order, each once, all of them sent; exactly `expected` as a set. */
async function allAgree(people, expected) {
  for (const person of people) {
    for (const text of expected) await person.reads(text);
    await person.page.locator('[role="log"] [role="article"]:not([data-state="sent"])').first().waitFor({ state: 'detached' });
  }
  const [first, ...others] = await Promise.all(people.map(texts));
  assert.deepEqual([...first].sort(), [...expected].sort());
  for (const other of others) assert.deepEqual(other, first);
  for (const person of people) assert.deepEqual(person.faults, []);
  return first;
}

const lines = (who, from, to) => Array.from({ length: to - from + 1 }, (_, i) => `${who} ${from + i}`);

test('two people meet, see each other, and talk in order', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  const boris = await Person.enter(t, server, 'Boris', { colorScheme: 'dark' });
  for (const person of [anna, boris]) {
    for (const name of ['Anna', 'Boris']) await person.page.locator('aside').getByText(name, { exact: false }).first().waitFor();
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
  await boris.isReady();
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
  await anna.page.getByRole('heading', { name: 'Вечер', level: 2 }).waitFor();
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
