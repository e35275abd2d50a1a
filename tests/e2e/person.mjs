// People at the chat: each a browser of its own, behind a network of its own.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { socks } from './network.mjs';
import { within } from './wait.mjs';

const PICTURES = resolve(fileURLToPath(import.meta.url), '../../artifacts/screenshots');
const CHROMIUM = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
const DEADLINE_MS = 30_000;
export const DESKTOP = { width: 1280, height: 800 };
export const SMALL = { width: 800, height: 600 };
export const PHONE = { width: 390, height: 844 };

let browser;
before(async () => {
  assert.ok(CHROMIUM, 'no Chromium; as root: apt-get install chromium');
  mkdirSync(PICTURES, { recursive: true });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
});
after(() => browser?.close());

/** A window of somebody's browser. */
export class Person {
  /** Opens a browser, and its first window at the door. */
  static async arrive(t, server, { viewport = DESKTOP, locale = 'en-US', colorScheme = 'light' } = {}) {
    const person = new Person();
    Object.assign(person, { t, server, net: await socks(t), faults: [] });
    person.context = await browser.newContext({
      viewport,
      locale,
      colorScheme,
      // The loopback would go around the proxy by default.
      proxy: { server: person.net.proxy, bypass: '<-loopback>' },
    });
    t.after(() => person.context.close());
    await person.open();
    return person;
  }

  static async enter(t, server, name, options) {
    const person = await Person.arrive(t, server, options);
    await person.logIn(name);
    return person;
  }

  /** Opens an address in a new tab. */
  async open(path = '/') {
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(DEADLINE_MS);
    this.page.on('pageerror', (error) => this.faults.push(error.message));
    await this.page.goto(this.server.http + path);
  }

  async logIn(name) {
    this.name = name;
    await this.page.locator('#name').fill(name);
    await this.page.keyboard.press('Enter');
    await this.isReady();
  }

  /** Goes on as somebody who is logged in in another window of this browser. */
  async goOnAs(name) {
    this.name = name;
    await this.page.getByRole('button', { name: `Go on as ${name}` }).click();
    await this.isReady();
  }

  /** Another window of the same browser. */
  async window(path = '/') {
    const other = Object.assign(new Person(), this);
    await other.open(path);
    return other;
  }

  get composer() {
    return this.page.locator('main textarea');
  }

  get list() {
    return this.page.getByRole('log');
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

  /** Goes to the last message, which has this text. A burst that is longer than the screen stops at its first line. */
  async goesToTheEnd(text) {
    const going = async () => {
      while (!(await this.row(text).isVisible())) {
        await this.list.press('End');
        await this.row(text).waitFor({ timeout: 1000 }).catch(() => {});
      }
    };
    await within(going(), `the message ${text}`);
  }

  /** The window has the focus, or another one has it: a browser under test gives it to all of them. */
  async looks(here) {
    await this.page.evaluate((here) => {
      document.hasFocus = () => here;
      window.dispatchEvent(new Event(here ? 'focus' : 'blur'));
    }, here);
  }

  /** Waits until the page's title begins with the number of unread messages, 0 for none. */
  async hasUnread(count) {
    await this.page.waitForFunction((count) => (count === 0 ? !document.title.startsWith('(') : document.title.startsWith(`(${count})`)), count);
  }

  /** The token of this window's session. */
  token() {
    return this.page.evaluate(() => {
      const here = JSON.parse(sessionStorage.getItem('veche.chat.account'));
      return JSON.parse(localStorage.getItem('veche.chat.accounts')).find(({ session }) => session.user.id === here).token;
    });
  }

  /** Whether a row is wholly on the screen. */
  isOnScreen(text) {
    return this.row(text).evaluate((row) => {
      const box = row.closest('[role="log"]').getBoundingClientRect();
      const { top, bottom } = row.getBoundingClientRect();
      return top >= box.top - 1 && bottom <= box.bottom + 1;
    });
  }

  /** Everything of the open room that is drawn, from top to bottom. */
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
export async function allAgree(people, expected) {
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

export const lines = (who, from, to) => Array.from({ length: to - from + 1 }, (_, i) => `${who} ${from + i}`);

/** Calls the chat's interface as `curl -u NAME:` does. */
async function asCurl(server, name, method, path, body) {
  const headers = { authorization: `Basic ${Buffer.from(`${name}:`).toString('base64')}`, 'content-type': 'application/json' };
  const answer = await fetch(`${server.http}/chat/api/${path}`, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(10_000) });
  return { status: answer.status, ...(await answer.json()) };
}

/** Writes messages as `curl` does, one after another. */
export async function curlWrites(server, name, texts, room = 'general') {
  for (const text of texts) {
    const { status } = await asCurl(server, name, 'POST', `rooms/${room}/messages`, { text });
    assert.equal(status, 201);
  }
}
