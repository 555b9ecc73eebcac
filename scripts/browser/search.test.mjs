// Orders, the panel, completion and marks, in a real browser.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { articles, live, open, page, server, shot, violations, withText } from './harness.mjs';

test('another order is by its figure, page after page, and not live', async () => {
  await open('');
  await page.selectOption('#sort', 'likes');
  await page.waitForURL(/sort=likes/);
  await page.waitForSelector('#state[data-state=sorted]');
  await articles().first().waitFor();
  assert.equal(await page.isVisible('#pause'), false);
  const n = await articles().count();
  await page.evaluate(() => scrollTo({ top: document.body.scrollHeight }));
  await page.waitForFunction((was) => document.querySelectorAll('#results article').length > was, n);
  const ids = await articles().evaluateAll((as) => as.map((a) => a.dataset.id));
  const likes = await Promise.all(ids.map(async (id) => {
    const { data, includes } = await server.ask('GET', `/2/tweets/${id}?tweet.fields=public_metrics&expansions=referenced_tweets.id`);
    const repeated = data.referenced_tweets?.find((r) => r.type === 'retweeted')?.id;
    return (includes?.tweets?.find((t) => t.id === repeated)?.public_metrics ?? data.public_metrics)?.like_count ?? -1;
  }));
  assert.deepEqual(likes, [...likes].sort((a, b) => b - a));
  assert.equal(new Set(ids).size, ids.length);
  await page.evaluate(() => scrollTo({ top: 0 }));
  await shot('sorted');
  await server.post('a dunnock nobody likes yet');
  await page.goto(server.url + '/?q=dunnock&sort=likes');
  await withText('a dunnock nobody likes yet').waitFor();
  await server.post('a dunnock that comes later');
  await page.selectOption('#sort', 'recency');
  await withText('a dunnock that comes later').waitFor();
  assert.equal(new URL(page.url()).search, '?q=dunnock');
  await live();
  await server.post('a dunnock alive');
  await withText('a dunnock alive').waitFor();
});

test('the panel says what the matches have most, and a click narrows the query', async () => {
  await open('lang:ja OR lang:en');
  await page.keyboard.press('t');
  const values = page.locator('#facets section li');
  await values.first().waitFor();
  assert.equal(await page.getAttribute('#top', 'aria-expanded'), 'true');
  await shot('panel');
  const tag = page.locator('#facets section', { hasText: 'Hashtags' }).locator('li').first();
  const count = Number((await tag.locator('.n').innerText()).replaceAll(',', ''));
  await tag.locator('a').first().click();
  await page.waitForURL(/%23/);
  assert.match(await page.inputValue('#q'), /^\(lang:ja OR lang:en\) #\S+$/);
  await page.waitForFunction((n) => document.querySelector('#facets .note')?.textContent.includes(n === 1 ? 'only' : `all ${n.toLocaleString('en')} `), count);
  await page.locator('#facets section', { hasText: 'Languages' }).locator('.without').first().click();
  await page.waitForFunction(() => / -lang:\S+$/.test(document.querySelector('#q').value));
  await page.waitForSelector('#facets[aria-busy=false]');
  await open('nothing-like-this-at-all');
  await page.click('#top');
  await page.waitForFunction(() => document.querySelector('#facets .note')?.textContent.includes('Nothing'));
});

test('the panel takes the matches away', async () => {
  await open('lang:ja');
  await page.click('#top');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#facets .exports a:has-text("CSV")')]);
  assert.equal(download.suggestedFilename(), 'tweets.csv');
  const rows = (await readFile(await download.path(), 'utf8')).split('\n');
  assert.match(rows[0], /^id,created_at,text,/);
  assert.ok(rows.length > 6);
});

test('operators are completed, by keyboard and by a click', async () => {
  await open('');
  const q = page.locator('#q'), options = page.locator('#suggestions [role=option]');
  await q.click();
  await q.pressSequentially('kite -fro');
  await options.first().waitFor();
  assert.match(await options.first().innerText(), /^from:/);
  await shot('completion');
  await q.press('ArrowDown');
  assert.equal(await q.getAttribute('aria-activedescendant'), 'op0');
  await q.press('Enter');
  assert.equal(await q.inputValue(), 'kite -from:');
  await q.fill('kite ');
  await q.pressSequentially('is:re');
  await options.filter({ hasText: 'is:retweet' }).click();
  assert.equal(await q.inputValue(), 'kite is:retweet ');
  assert.equal(await q.evaluate((e) => document.activeElement === e), true);
  await q.pressSequentially('lan');
  await options.first().waitFor();
  await q.press('Escape');
  assert.equal(await options.first().isVisible(), false);
  assert.equal(await q.inputValue(), 'kite is:retweet lan');
  await q.fill('"a text with fro');
  assert.equal(await options.count(), 0);
  await q.fill('');
  await q.pressSequentially('has');
  await options.first().waitFor();
  await q.press('Enter'); // nothing was chosen: it searches for the word
  await page.waitForURL(/\?q=has$/);
  assert.equal(await page.locator('#suggestions').isVisible(), false);
});

test('what the query found is marked, also inside tags, and is text all the same', async () => {
  const text = '🐦 a <b>kite</b> &amp; #kites of https://t.co/kite https://t.co/b';
  const points = Array.from(text);
  const at = (part) => Array.from(text.slice(0, text.indexOf(part))).length;
  const tweet = {
    id: '77', text, author_id: '1', matches: [
      { start: at('kite</b>'), end: at('kite</b>') + 4 }, { start: at('kites'), end: at('kites') + 5 }, { start: at('of'), end: at('of') + 2 }, { start: at('t.co'), end: at('t.co') + 4 }, { start: at('https://t.co/b'), end: points.length }],
    entities: { hashtags: [{ start: at('#kites'), end: at('#kites') + 6, tag: 'kites' }], urls: [
      { start: at('https'), end: at(' https://t.co/b'), url: 'https://t.co/kite', expanded_url: 'https://example.com/', display_url: 'example.com' },
      { start: at('https://t.co/b'), end: points.length, url: 'https://t.co/b', expanded_url: 'https://kite.example/', display_url: 'kite.example' }] },
  };
  await page.route('**/2/tweets/search/all?*', (r) => r.fulfill({ json: { data: [tweet], meta: { result_count: 1 } } }));
  await page.goto(server.url + '/?q=kite&sort=likes');
  await articles().first().waitFor();
  assert.equal(await page.innerText('#results .text'), '🐦 a <b>kite</b> & #kites of example.com kite.example');
  assert.deepEqual(await page.locator('#results mark').allInnerTexts(), ['kite', 'kites', 'of', 'kite.example']);
  assert.equal(await page.locator('#results a[href="/?q=%23kites"] mark').count(), 1);
  await shot('marks');
  await page.unroute('**/2/tweets/search/all?*');
});

test('nothing broke the Content-Security-Policy or threw', () => assert.deepEqual(violations, []));
