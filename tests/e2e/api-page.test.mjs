// The page that describes the server API, in a real browser: it shows every method, and its calls work.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer, request } from 'node:http';
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

/** Texts of the page whose contrast against what is behind them is below WCAG AA. */
const faint = (page) =>
  page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = (color) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
    const behind = (element) => {
      if (!element) return [255, 255, 255, 1];
      return over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement));
    };
    const light = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const texts = [...document.querySelectorAll('body *')].filter((element) =>
      element.checkVisibility() && !element.disabled && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
    return texts.flatMap((element) => {
      const back = behind(element);
      const [a, b] = [light(over(rgba(getComputedStyle(element).color), back)), light(back)];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return ratio < 4.5 ? [`${element.tagName} "${element.textContent.slice(0, 30)}": ${ratio.toFixed(2)}`] : [];
    });
  });

test('every text of the page can be read, in light and in dark', async (t) => {
  const server = await startServer(t, openConfig(swagger));
  for (const colorScheme of ['light', 'dark']) {
    const { page, faults } = await open(t, server, { colorScheme, path: '/swagger/#publish' });
    assert.deepEqual(await faint(page), [], colorScheme);
    await page.locator('.send').click();
    await page.locator('.answer .bad', { hasText: '401' }).waitFor();
    assert.match(await page.locator('.answer pre').textContent(), /X-API-Key/);
    assert.deepEqual(await faint(page), [], `${colorScheme}, refused`);
    await page.screenshot({ path: join(PICTURES, `api-key-${colorScheme}.png`) });
    await page.locator('#key').fill(API_KEY);
    assert.ok(await page.locator('.hint').isHidden(), 'who has the key needs no hint');
    await page.locator('.send').click();
    await page.locator('.answer .good', { hasText: '200' }).waitFor();
    assert.deepEqual(await faint(page), [], `${colorScheme}, carried out`);
    assert.deepEqual(faults, []);
  }
});

test('whoever has no key is told where it is', async (t) => {
  const server = await startServer(t, openConfig(swagger));
  const { page } = await open(t, server, { path: '/swagger/#publish' });
  assert.match(await page.locator('.hint').textContent(), /http_api\.key.*veche-data\/api_key/);
  await page.goto(`${server.http}/swagger/#get_health`);
  await page.locator('main h2', { hasText: 'Whether the server serves' }).waitFor();
  assert.ok(await page.locator('.hint').isHidden(), 'health wants no key');
});

/** A reverse proxy that serves `server` below `prefix`, and passes paths on without it. */
async function behindProxy(t, server, prefix) {
  const proxy = createServer((asked, answer) => {
    if (!asked.url.startsWith(`${prefix}/`)) return void answer.writeHead(404).end();
    const options = { port: server.port, host: '127.0.0.1', path: asked.url.slice(prefix.length), method: asked.method, headers: asked.headers };
    const passed = request(options, (reply) => {
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
  t.after(() => proxy.closeAllConnections());
  t.after(() => proxy.close());
  return { http: `http://127.0.0.1:${proxy.address().port}${prefix}` };
}

test('the page works behind a proxy that adds a prefix, from the root of the server on', async (t) => {
  const server = await startServer(t, openConfig(swagger));
  const proxied = await behindProxy(t, server, '/deep/live');
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  await page.goto(`${proxied.http}/`);
  await page.screenshot({ path: join(PICTURES, 'index.png') });
  await page.locator('a', { hasText: 'swagger' }).click();
  await page.locator('main h2').waitFor();
  assert.equal(page.url(), `${proxied.http}/swagger/`);
  await page.locator('#key').fill(API_KEY);
  await page.locator('.send').click();
  await page.locator('.answer .good', { hasText: '200' }).waitFor();
  assert.match(await page.locator('main .path').textContent(), /POST \/deep\/live\/api\/publish/);
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
