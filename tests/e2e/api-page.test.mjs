// The page that describes the server API, in a real browser: it shows every method, and its calls work.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { API_KEY, openConfig, startServer } from './server.mjs';

const PICTURES = resolve(fileURLToPath(import.meta.url), '../../artifacts/screenshots');
const CHROMIUM = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
const DEADLINE_MS = 30_000;

let browser;
before(async () => {
  assert.ok(CHROMIUM, 'no Chromium; as root: apt-get install chromium');
  mkdirSync(PICTURES, { recursive: true });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
});
after(() => browser?.close());

/** The page, opened; whatever goes wrong in it is in `faults`. */
async function open(t, server, { viewport = { width: 1280, height: 860 }, colorScheme = 'light', path = '/swagger' } = {}) {
  const context = await browser.newContext({ viewport, colorScheme });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && /Content Security|Refused/.test(message.text()) && faults.push(message.text()));
  await page.goto(server.http + path);
  await page.locator('main h2').waitFor();
  return { page, faults };
}

const swagger = { swagger: { enabled: true } };

test('every method of the document has its place on the page, with its fields', async (t) => {
  const server = await startServer(t, openConfig(swagger));
  const { page, faults } = await open(t, server);
  const document = JSON.parse((await server.get('/swagger/openapi.json')).text);
  const operations = Object.values(document.paths).flatMap((verbs) => Object.values(verbs));
  for (const { operationId, summary } of operations) {
    await page.locator('nav a', { hasText: new RegExp(`^${operationId}$`) }).click();
    await page.locator('main h2', { hasText: summary }).waitFor();
  }
  await page.goto(`${server.http}/swagger/#history`);
  await page.locator('td', { hasText: 'since.offset' }).waitFor();
  await page.locator('td', { hasText: 'publications[].info.user' }).waitFor();
  assert.deepEqual(faults, []);
});

test('a call from the page is carried out with the key and refused without, and is told as it is', async (t) => {
  const server = await startServer(t, openConfig(swagger));
  const { page, faults } = await open(t, server, { path: '/swagger/#publish' });
  await page.locator('.send').click();
  await page.locator('.answer .bad', { hasText: '401' }).waitFor();
  await page.locator('#key').fill(API_KEY);
  await page.locator('.send').click();
  await page.locator('.answer .good', { hasText: '200' }).waitFor();
  assert.match(await page.locator('.answer pre').textContent(), /"offset": 1/);
  await page.screenshot({ path: join(PICTURES, 'api-publish-light.png') });
  await page.locator('#request').fill('{"channel": "unknown:x", "data": "<b>&"}');
  await page.locator('#request').press('Control+Enter');
  await page.locator('.answer .bad', { hasText: '200' }).waitFor();
  await page.locator('#mode').check();
  await page.locator('.send').click();
  await page.locator('.answer .bad', { hasText: '404' }).waitFor();
  assert.match(await page.locator('.answer pre').textContent(), /unknown channel/);
  await page.reload();
  await page.locator('.send').click();
  await page.locator('.answer .good').waitFor();
  assert.deepEqual(faults, []);
});

test('the page is for dark rooms and for phones too', async (t) => {
  const server = await startServer(t, openConfig(swagger));
  for (const [name, options] of [
    ['api-connections-dark', { colorScheme: 'dark', path: '/swagger/#connections' }],
    ['api-connections-phone', { viewport: { width: 390, height: 844 }, path: '/swagger/#connections' }],
    ['api-history-phone-dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark', path: '/swagger/#history' }],
  ]) {
    const { page, faults } = await open(t, server, options);
    await page.locator('#key').fill(API_KEY);
    await page.locator('.send').click();
    await page.locator('.answer .good').waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${name} is wider than the screen by ${overflow}`);
    await page.screenshot({ path: join(PICTURES, `${name}.png`) });
    await page.screenshot({ path: join(PICTURES, `${name}-full.png`), fullPage: true });
    assert.deepEqual(faults, []);
  }
});
