// What the tests of the page share: a server of their own with the sample in it, and a browser.
import { after, before } from 'node:test';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { Server } from './server.mjs';

const sample = fileURLToPath(new URL('../../ingest/sample/sample.jsonl.gz', import.meta.url));
const shots = process.env.BIRDWATCH_SHOTS; // a folder for screenshots, when wanted
export const server = new Server();
export const violations = []; // of the Content-Security-Policy, and what was thrown
let browser;
export let page;

before(async () => {
  server.import(sample);
  await server.start();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  page = await browser.newPage({ viewport: { width: 1000, height: 900 } });
  page.on('pageerror', (e) => violations.push(String(e)));
  page.on('console', (m) => { if (m.type() === 'error' && /Content Security Policy|Uncaught/.test(m.text())) violations.push(m.text()); });
});

after(async () => {
  await browser?.close();
  if (server.process?.exitCode === null) await server.stop();
  server.clean();
});

export const live = () => page.waitForSelector('#state[data-state=live]');
export const articles = () => page.locator('#results article');
export const withText = (text) => page.locator('#results article', { hasText: text });

export async function shot(name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, name + '.png') });
}

export async function open(query) {
  await page.goto(server.url + (query ? '/?q=' + encodeURIComponent(query) : '/'));
  await live();
}
