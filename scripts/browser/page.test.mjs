// The page in a real browser, as a person uses it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { articles, live, open, page, server, shot, violations, withText } from './harness.mjs';

test('history is there, newest first', async () => {
  await open('');
  assert.ok(await articles().count() >= 20);
  const ids = await articles().evaluateAll((as) => as.map((a) => a.dataset.id));
  const sorted = [...ids].sort((a, b) => (BigInt(a) < BigInt(b) ? 1 : -1));
  assert.deepEqual(ids, sorted);
  await shot('history');
});

test('older tweets come below', async () => {
  const n = await articles().count();
  await page.evaluate(() => scrollTo({ top: document.body.scrollHeight }));
  await page.waitForFunction((was) => document.querySelectorAll('#results article').length > was, n);
});

test('a search puts the query in the URL and shows matches only', async () => {
  await open('');
  await page.fill('#q', 'lang:ja -is:retweet');
  await page.press('#q', 'Enter');
  await page.waitForURL(/\?q=lang%3Aja/);
  await live();
  assert.ok(await articles().count() > 5);
  assert.equal(await page.locator('.repeat').count(), 0);
});

test('a live tweet arrives at the top', async () => {
  await open('kingfisher');
  assert.equal(await articles().count(), 0);
  await page.mouse.move(5, 5);
  await server.post('a kingfisher at the river');
  await withText('a kingfisher at the river').waitFor();
  await server.post('nothing of the kind');
  await server.post('the second kingfisher');
  await withText('the second kingfisher').waitFor();
  assert.equal(await articles().count(), 2);
  assert.deepEqual(await page.locator('#results mark').allInnerTexts(), ['kingfisher', 'kingfisher']);
  assert.match(await articles().first().innerText(), /second kingfisher/);
  await shot('live');
});

test('what one reads does not move: new ones wait behind a button', async () => {
  await open('');
  await articles().nth(6).scrollIntoViewIfNeeded();
  await page.evaluate(() => scrollTo({ top: 600 }));
  const place = () => articles().nth(6).evaluate((a) => [a.dataset.id, Math.round(a.getBoundingClientRect().top)]);
  const was = await place();
  await server.post('a heron, unseen at first');
  await page.waitForSelector('#fresh:not([hidden])');
  assert.equal(await page.innerText('#fresh'), '1 new tweet');
  assert.deepEqual(await place(), was);
  await shot('waiting');
  await page.click('#fresh');
  await withText('a heron, unseen at first').waitFor();
});

test('a deletion withdraws a tweet, shown or waiting', async () => {
  await open('osprey');
  await page.mouse.move(5, 5);
  const shown = await server.post('an osprey that goes again');
  await withText('an osprey that goes again').waitFor();
  await server.remove(shown);
  await page.waitForSelector('article.withdrawn');
  assert.equal(await withText('an osprey that goes again').count(), 0);
  await page.click('#pause');
  const held = await server.post('an osprey nobody sees');
  await page.waitForSelector('#fresh:not([hidden])');
  await server.remove(held);
  await page.waitForSelector('#fresh', { state: 'hidden' });
  await page.click('#pause');
  assert.equal(await withText('nobody sees').count(), 0);
});

test('pause holds back, going on shows', async () => {
  await open('wagtail');
  await page.mouse.move(5, 5);
  await page.click('#pause');
  assert.equal(await page.getAttribute('#state', 'data-state'), 'paused');
  await server.post('a grey wagtail');
  await page.waitForSelector('#fresh:not([hidden])');
  assert.equal(await articles().count(), 0);
  await page.click('#pause');
  await withText('a grey wagtail').waitFor();
});

test('the URL is the state: reloading shows the same', async () => {
  await open('wagtail');
  assert.equal(await page.inputValue('#q'), 'wagtail');
  await withText('a grey wagtail').waitFor();
  await page.reload();
  await live();
  await withText('a grey wagtail').waitFor();
  await page.goBack();
});

test('an error stands under the query with its place marked', async () => {
  await page.goto(server.url + '/?q=' + encodeURIComponent('grün (or'));
  await page.waitForSelector('#problem:not([hidden])');
  assert.equal(await page.locator('#problem mark').count(), 1);
  await page.goto(server.url + '/?q=' + encodeURIComponent('grün form:ada'));
  await page.waitForSelector('#problem mark');
  assert.match(await page.innerText('#problem mark'), /^form/);
  assert.match(await page.innerText('#problem'), /from:/);
  await shot('error');
});

test('tweet text is never HTML', async () => {
  await open('sparrowhawk');
  await page.mouse.move(5, 5);
  await server.post('sparrowhawk <img src=x onerror="document.title=1"><script>document.title=2</script> &lt;b&gt;',
    { entities: { hashtags: [], user_mentions: [], symbols: [], urls: [{ url: 'https://t.co/x', expanded_url: 'javascript:document.title=3', display_url: 'x', indices: [0, 11] }] } });
  await articles().first().waitFor();
  assert.match(await articles().first().innerText(), /<img src=x onerror/);
  assert.equal(await page.locator('#results img, #results script, #results b:has-text("&lt;")').count(), 0);
  assert.equal(await page.locator('#results a[href^="javascript"]').count(), 0);
  assert.match(await page.title(), /BirdWatch/);
});

test('the stream goes on after the server was killed and started again', async () => {
  await open('bittern');
  await page.mouse.move(5, 5);
  await server.post('a bittern before');
  await withText('a bittern before').waitFor();
  await server.stop('SIGKILL');
  await page.waitForSelector('#state[data-state=waiting]');
  await server.start();
  await server.post('a bittern after');
  await withText('a bittern after').waitFor({ timeout: 60_000 });
  assert.equal(await articles().count(), 2);
});

test('usable by keyboard, on a phone, in the dark', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 844 });
  await open('');
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'q');
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  assert.equal(await page.evaluate(() => [...document.querySelectorAll('#results article')].indexOf(document.activeElement)), 1);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, 'the page must not scroll sideways on a phone');
  await shot('phone-dark');
  await page.keyboard.press('t');
  await page.locator('#facets section li').first().waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
  await shot('phone-panel');
});

test('nothing broke the Content-Security-Policy or threw', () => assert.deepEqual(violations, []));
