// The timeline, in a real browser: its bars are what the API counts, and it is hatched where the ledger says so.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { articles, live, open, page, server, shot, violations, withText } from './harness.mjs';
import { Server } from './server.mjs';

const bars = () => page.locator('#timeline a');
const drawn = () => bars().first().waitFor();
const says = (part) => page.waitForFunction((p) => document.querySelector('#timeline .says').textContent.includes(p), part);
const labels = () => bars().evaluateAll((as) => as.map((a) => a.getAttribute('aria-label')));
const figure = (label) => Number(label.match(/: ([\d,]+) tweets?\b/)[1].replaceAll(',', ''));
const sum = async () => (await labels()).map(figure).reduce((a, b) => a + b, 0);
const found = async (query, at = server) => (await at.ask('GET', '/2/tweets/search/all?' + new URLSearchParams({ query, max_results: '500' }))).meta.result_count;
const visit = (query, more = {}, at = server) => page.goto(at.url + '/?' + new URLSearchParams({ q: query, ...more }));
const fullest = async () => { const all = (await labels()).map(figure); return all.indexOf(Math.max(...all)); };

test('the bars are all matches, over years and page after page', async () => {
  const pages = [];
  page.on('request', (r) => { if (r.url().includes('/counts/')) pages.push(r.url()); });
  for (const query of ['', 'lang:en', 'lang:ja OR lang:en -is:retweet']) {
    await visit(query);
    await drawn();
    const n = await found(query);
    assert.ok(n > 20 && n < 500);
    assert.equal(await sum(), n, query);
    const many = await bars().count();
    assert.ok(many >= 30 && many <= 200, `${many} bars`);
    assert.match(await page.getAttribute('#timeline', 'aria-label'), new RegExp(`^Timeline: ${n} matching tweets, .*; most, \\d+, .*\\.`));
  }
  assert.ok(pages.some((u) => u.includes('next_token')) && pages.length <= 3 * 12);
});

test('an import is covered, and what was never in the ledger is not hatched', async () => {
  await visit('until:2017-01-01');
  await drawn();
  await says('a bar is');
  await page.waitForFunction(() => document.querySelector('#timeline').getAttribute('aria-label').includes('No gap is recorded'));
  assert.equal(await page.locator('#timeline .missed').count(), 0);
});

test('a click narrows the query to the time of a bar, again and again', async () => {
  await visit('(lang:ja OR lang:en) until:2017-01-01');
  for (let step = 0; step < 2; step++) {
    await drawn();
    const i = await fullest(), n = figure((await labels())[i]), before = page.url();
    if (step) await bars().nth(i).click();
    else { await bars().nth(i).focus(); await page.keyboard.press('Enter'); }
    await page.waitForURL((u) => u.href !== before);
    const query = await page.inputValue('#q');
    assert.match(query, /^\(lang:ja OR lang:en\) since:\S+ until:\S+$/);
    assert.equal(await found(query), n);
    await page.waitForFunction((n) => document.querySelectorAll('#results article').length === Math.min(n, 30), n);
    await drawn();
    assert.equal(await sum(), n);
  }
});

test('a narrowed query means the query and the time', async () => {
  await open('');
  const from = Date.UTC(2013, 4, 1, 12), to = Date.UTC(2013, 4, 3), time = 'since:2013-05-01T12:00:00Z until:2013-05-03';
  for (const [query, want] of [
    ['', time], ['a', `a ${time}`], ['a OR b', `(a OR b) ${time}`], ['a|b', `(a|b) ${time}`], ['(a OR b) c', `(a OR b) c ${time}`],
    ['since:2012-01-01 a Until_Time:1367411400 b', `a b ${time}`], ['a AND within_time:3d AND b', `a b ${time}`],
    ['a since:2013-01-01 OR b', `(a since:2013-01-01 OR b) ${time}`], ['(a since:2013-01-01)', `(a since:2013-01-01) ${time}`],
    ['a -until:2012-01-01', `a -until:2012-01-01 ${time}`], ['NOT since:2014-01-01', `NOT since:2014-01-01 ${time}`],
    ['"a since:2013-01-01"', `"a since:2013-01-01" ${time}`], ['"a \\" OR b" since:"2012-01-01"', `"a \\" OR b" ${time}`],
    ['source:"x OR y" "a b"~3 since:2012-01-01', `source:"x OR y" "a b"~3 ${time}`], ['point_radius:[1 2 3km] since:2012-01-01', `point_radius:[1 2 3km] ${time}`],
  ]) {
    const got = await page.evaluate(([q, f, t]) => import('/span.js').then((m) => m.within(q, f, t)), [query, from, to]);
    assert.equal(got, want);
    await server.ask('GET', '/2/query/explain?' + new URLSearchParams({ query: got })); // it is a query
  }
});

test('one stop of the Tab key, arrows within', async () => {
  await visit('until:2017-01-01');
  await drawn();
  assert.equal(await page.locator('#timeline a[tabindex="0"]').count(), 1);
  await page.focus('#help');
  await page.keyboard.press('Tab');
  const at = () => page.evaluate(() => [...document.querySelectorAll('#timeline a')].indexOf(document.activeElement));
  const last = await bars().count() - 1;
  assert.equal(await at(), last);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await at(), last - 2);
  assert.equal(await page.innerText('#timeline .says'), (await labels())[last - 2]);
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await at(), 0);
});

test('live tweets are counted, deleted ones no more', async () => {
  await open('goldcrest');
  await says('No matches yet');
  const first = await server.post('a goldcrest');
  await drawn();
  assert.equal(await sum(), 1);
  await server.post('a second goldcrest');
  await server.post('a siskin');
  await says('2 tweets');
  assert.equal(await sum(), 2);
  await server.remove(first);
  await says('1 tweet,');
  await page.reload();
  await says('1 tweet,');
  assert.equal(await sum(), 1);
});

test('a live timeline goes on to the present, one of the past does not', async () => {
  await server.post('a nuthatch');
  for (const [query, more] of [['nuthatch', 2], ['lang:ja', 0]]) {
    const other = await page.context().browser().newPage();
    await other.clock.install();
    await other.goto(server.url + '/?' + new URLSearchParams({ q: query }));
    await other.waitForSelector('#timeline a');
    await other.waitForFunction(() => document.querySelector('#timeline').getAttribute('aria-label').includes('No gap is recorded'));
    const n = await other.locator('#timeline a').count();
    const asked = other.waitForResponse(/\/2\/coverage/);
    await other.clock.fastForward(120_000);
    await (await asked).finished();
    await other.waitForTimeout(200); // it is drawn
    // Real time goes on beside it, and may begin another minute.
    await other.waitForFunction(([n, more]) => { const bars = document.querySelectorAll('#timeline a').length; return bars === n + more || more > 0 && bars === n + more + 1; }, [n, more]);
    await other.close();
  }
});

test('what the counts have already is not counted again', async () => {
  await visit('nuthatch');
  const counted = await page.evaluate(async () => {
    const { Timeline } = await import('/timeline.js');
    const now = Date.now(), idAt = (t) => String((BigInt(t) - 1288834974657n) << 22n), tweet = (t) => ({ id: idAt(t), created_at: new Date(t).toISOString() });
    const ask = async (url) => {
      if (url.startsWith('/2/tweets/search/all')) return { data: [tweet(now - 1000)] };
      if (url.startsWith('/2/tweets/counts')) return { data: [{ start: new Date(now - 120_000).toISOString(), end: new Date(now).toISOString(), tweet_count: 5 }], meta: {} };
      return { data: [], meta: {} };
    };
    const box = document.body.appendChild(document.createElement('figure')), t = new Timeline(box, document.createElement('button'), ask, () => '/', () => true);
    if (!t.open) t.toggle();
    t.show('nothinglikethis', null);
    while (t.state !== 'drawn') await new Promise((resolve) => setTimeout(resolve, 10));
    const sum = () => t.bars.reduce((a, b) => a + b, 0), seen = [sum()];
    t.add(tweet(now - 1000), true); // a stream that was behind
    seen.push(sum(), t.dirty);
    t.dirty = false;
    t.add(tweet(now), true);
    seen.push(sum());
    t.withdraw(idAt(now), undefined);
    seen.push(sum(), t.dirty);
    t.withdraw(idAt(now - 120_000), new Date(now - 120_000).toISOString()); // told again, perhaps: the counts must say
    seen.push(sum(), t.dirty);
    const loaded = t.load();
    t.withdraw(idAt(now - 3000), undefined); // the counts on their way may have it
    await loaded;
    seen.push(sum(), t.dirty);
    box.remove();
    return seen;
  });
  assert.deepEqual(counted, [5, 5, true, 6, 5, false, 4, true, 5, true]);
});

test('a recorded gap is hatched, a time before the ledger is not', async () => {
  const source = createServer((req, res) => { // a stream that breaks off after its first tweet, and is refused from then on
    if (source.served) return res.writeHead(503).end();
    source.served = true;
    res.writeHead(200, { 'Content-Type': 'application/json' });
    res.write('\r\n');
    setTimeout(() => res.end(), 300);
  });
  await new Promise((resolve) => source.listen(0, '127.0.0.1', resolve));
  const own = new Server('--stream-url', `http://127.0.0.1:${source.address().port}`);
  after(async () => { await own.stop(); own.clean(); source.close(); });
  await own.start();
  await own.post('a dipper now');
  await own.post('a dipper long ago', { id_str: String((BigInt(Date.UTC(2013, 4, 1)) - 1288834974657n) << 22n), created_at: 'Wed May 01 00:00:00 +0000 2013' });
  while (!(await own.ask('GET', '/2/coverage?kinds=gap')).data.length) await new Promise((r) => setTimeout(r, 50));
  await visit('dipper since:1h', {}, own);
  await page.locator('#timeline .missed').waitFor();
  assert.equal(await page.locator('#timeline .missed').count(), 1);
  const [left, width] = await page.$eval('#timeline .missed', (e) => [e.offsetLeft / e.parentElement.offsetWidth, e.offsetWidth]);
  assert.ok(left > 0.8 && width >= 4, `${left} ${width}`);
  assert.match((await labels()).at(-1), /1 tweet; default was not heard \(|; \S+ was not heard \(/);
  assert.match((await labels())[0], /: 0 tweets$/);
  await says('hatched');
  await shot('timeline-gap');
  await visit('dipper until:2014-01-01', {}, own);
  await page.waitForFunction(() => document.querySelector('#timeline').getAttribute('aria-label').includes('No gap is recorded'));
  assert.equal(await sum(), 1);
  assert.equal(await page.locator('#timeline .missed').count(), 0);
});

test('what is missed is found in the ledger', async () => {
  const span = (kind, from, to, more = {}) => ({ source: 'stream:a', kind, start: new Date(from).toISOString(), ...(to ? { end: new Date(to).toISOString() } : { open: true }), count: 1, ...more });
  const holes = (spans) => page.evaluate((s) => import('/span.js').then((m) => m.missed(s, 1000, 9000).map((h) => `${h.from}-${h.to} ${h.why}`)), spans);
  assert.deepEqual(await holes([]), []);
  assert.deepEqual(await holes([span('connected', 3000, 0)]), [], 'before the ledger nothing is known');
  assert.deepEqual(await holes([span('import', 500, 4000), span('connected', 6000, 0)]), ['4000-6000 nothing was connected']);
  assert.deepEqual(await holes([span('connected', 500, 2000), span('gap', 2000, 3000, { cause: 'stall' }), span('connected', 3000, 0)]), ['2000-3000 a was not heard (stall)']);
  assert.deepEqual(await holes([span('connected', 500, 2000), span('gap', 2000, 3000, { filled_by: { by: 'import' } }), span('connected', 3000, 0)]), []);
  assert.deepEqual(await holes([span('connected', 500, 0), span('limit', 2000, 3000, { count: 7 }), span('warning', 4000, 5000)]), ['2000-3000 a held 7 tweets back']);
  assert.deepEqual(await holes([span('connected', 500, 2000), span('gap', 2000, 0, { cause: 'stopped' })]), ['2000-9000 a was not heard (stopped)']);
  assert.deepEqual(await holes([span('connected', 500, 2000), span('gap', 2000, 0, { cause: 'stopped' }), span('connected', 1500, 0, { source: 'stream:b' })]), [], 'it was replaced by another one');
});

test('without counts or coverage the tweets are there all the same', async () => {
  await page.route('**/2/tweets/counts/all?*', (r) => r.fulfill({ status: 504, json: { title: 'Timeout', detail: 'The query took too long.' } }));
  await open('until:2017-01-01 OR redstart');
  await says('No timeline: The query took too long.');
  assert.ok(await articles().count() >= 20);
  await page.mouse.move(5, 5);
  await server.post('a redstart');
  await withText('a redstart').waitFor();
  assert.equal(await bars().count(), 0);
  await page.unroute('**/2/tweets/counts/all?*');
  await page.route('**/2/coverage?*', (r) => r.fulfill({ status: 403, json: { title: 'Forbidden' } }));
  await visit('until:2017-01-01');
  await says('what was missed is not known');
  assert.equal(await sum(), await found('until:2017-01-01'));
  assert.equal(await page.locator('#timeline .missed').count(), 0);
  await page.unroute('**/2/coverage?*');
});

test('where the exports are taken it asks again', async () => {
  let refused = 0;
  await page.route('**/2/tweets/search/export?*', (r) => (refused++ ? r.continue() : r.fulfill({ status: 503, json: { detail: '4 exports are being written already.' } })));
  await visit('lang:ja');
  await drawn();
  assert.equal(refused, 2);
  assert.equal(await sum(), await found('lang:ja'));
  await page.unroute('**/2/tweets/search/export?*');
});

test('a slow answer holds nothing up, moves nothing, and is void for a newer query', async () => {
  let answer;
  const asked = new Promise((resolve) => page.route('**/2/tweets/counts/all?*', (r) => { if (answer) return r.continue(); answer = () => r.continue().catch(() => {}); resolve(); }));
  await open('lang:en');
  await asked;
  await says('Counting');
  const top = () => page.$eval('#results', (e) => e.getBoundingClientRect().top);
  const was = await top();
  assert.ok(await articles().count() >= 20);
  await page.fill('#q', 'lang:ja');
  await page.press('#q', 'Enter');
  await says('a bar is');
  await answer();
  const n = await found('lang:ja');
  assert.notEqual(n, await found('lang:en'));
  await page.waitForTimeout(300); // the void answer would come in it
  assert.equal(await sum(), n);
  assert.equal(await top(), was);
  await page.unroute('**/2/tweets/counts/all?*');
});

test('other orders have it too, and closing it is remembered', async () => {
  await visit('lang:ja', { sort: 'likes' });
  await drawn();
  assert.equal(await sum(), await found('lang:ja'));
  assert.match(await bars().first().getAttribute('href'), /sort=likes/);
  await page.click('#times');
  assert.equal(await page.getAttribute('#times', 'aria-expanded'), 'false');
  const asked = [];
  page.on('request', (r) => { if (/counts|coverage/.test(r.url())) asked.push(r.url()); });
  await open('lang:en');
  assert.equal(await page.isVisible('#timeline'), false);
  assert.deepEqual(asked, []);
  await page.keyboard.press('h');
  await drawn();
  assert.equal(await sum(), await found('lang:en'));
  await page.reload();
  await drawn();
});

test('nothing broke the Content-Security-Policy or threw', () => assert.deepEqual(violations, []));
