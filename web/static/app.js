// The page: the query in the URL is the state; everything else follows from it.

import { el } from './tweet.js';
import { Feed } from './feed.js';
import { Stream, withFields } from './stream.js';
import { Panel } from './facets.js';
import { Timeline } from './timeline.js';
import { Completion } from './complete.js';

const $ = (id) => document.getElementById(id);
const backfill = 30; // tweets of history that a subscription begins with
const pageSize = 30;

const feed = new Feed($('results'), $('fresh'), () => { stream?.close(); rested = true; state('paused', 'Resting: many new tweets wait'); });
let stream = null;
let rested = false;
let sorted = null; // the token of the next page, where the order is another than by id; '' for none
let loading = 0; // the generation whose older tweets are being fetched
let generation = 0; // a newer query makes answers to older ones void

function state(name, text) {
  $('state').dataset.state = name;
  $('state').textContent = text;
}

/** ask fetches JSON of the API; a problem document becomes the error thrown. */
async function ask(url, signal) {
  const r = await fetch(url, { headers: { Accept: 'application/json' }, signal });
  const body = await r.json().catch(() => ({}));
  if (!r.ok) throw Object.assign(new Error(body.detail || body.title || `The server answered ${r.status}`), { problem: body });
  return body;
}

/** underline shows the query with the place of the error marked; pos and end count bytes. */
function underline(query, pos, end) {
  const bytes = new TextEncoder().encode(query);
  const cut = (a, b) => new TextDecoder().decode(bytes.slice(a, b));
  return el('pre', {}, cut(0, pos), el('mark', {}, cut(pos, Math.max(end, pos + 1)) || '▁'), cut(Math.max(end, pos + 1), bytes.length));
}

/** fail shows a problem document, where it tells with the place in the query. */
function fail(query, err) {
  const at = err.problem?.position;
  const box = $('problem');
  box.replaceChildren(el('strong', {}, at?.message ?? err.problem?.errors?.[0]?.message ?? err.message));
  if (at) box.append(underline(query, at.pos, at.end));
  if (at?.hint) box.append(el('div', {}, at.hint));
  box.hidden = false;
  $('results').setAttribute('aria-busy', 'false');
  state('stopped', 'Not running');
}

/** at is the page's address of a query, in the order chosen. @param {string} query */
function at(query, order = urlSort()) {
  const params = new URLSearchParams();
  if (query) params.set('q', query);
  if (order !== 'recency') params.set('sort', order);
  return params.size ? '/?' + params : '/';
}

const panel = new Panel($('facets'), $('top'), ask, at);
const timeline = new Timeline($('timeline'), $('times'), ask, at, () => Boolean(stream?.source));
new Completion($('q'), $('suggestions'), async () => (await ask('/2/query/operators')).data);

/** search begins anew with the query of the URL. */
async function search() {
  const query = urlQuery(), order = urlSort();
  const mine = ++generation;
  stream?.close();
  stream = null;
  rested = false;
  sorted = null;
  feed.clear();
  panel.show(null);
  timeline.show(null);
  $('q').value = query;
  $('sort').value = order;
  $('pause').hidden = order !== 'recency';
  document.title = query ? `${query} · BirdWatch` : 'BirdWatch';
  $('problem').hidden = true;
  $('older').hidden = true;
  $('foot').textContent = '';
  $('results').setAttribute('aria-busy', 'true');
  state('connecting', 'Connecting');
  let explained;
  try {
    explained = await ask('/2/query/explain?' + new URLSearchParams({ query }));
  } catch (err) {
    if (mine === generation) {
      if (err.problem) fail(query, err);
      else { state('waiting', 'No connection'); setTimeout(() => mine === generation && search(), 2000 + 3000 * Math.random()); }
    }
    return;
  }
  if (mine !== generation) return;
  panel.show(query);
  timeline.show(query, explained.data?.tree);
  if (order !== 'recency') {
    sorted = '';
    return older();
  }
  stream = new Stream(query, backfill, {
    tweet: (line, isNew) => { feed.add(line, isNew); timeline.add(line.data, isNew); },
    deleted: (id) => timeline.withdraw(id, feed.withdraw(id)),
    live: historyDone,
    gap: (detail) => { feed.gap(detail, loadGap); timeline.load(); },
    ended: () => { historyDone(); state('stopped', 'The query lies in the past: nothing new can come'); },
    state: (name, text) => { if (!feed.paused) state(name, text); },
  });
}

function historyDone() {
  $('results').setAttribute('aria-busy', 'false');
  const n = feed.byId.size;
  $('older').hidden = n === 0;
  $('foot').textContent = n === 0 ? 'Nothing in the archive matches yet. New tweets will appear here.' : '';
}

/** older puts the next page below: by id what is older than the last one, in another order what follows it. */
async function older() {
  const mine = generation, query = urlQuery(), button = $('older');
  if (sorted === null && feed.oldest === null || loading === mine) return;
  loading = mine;
  button.disabled = true;
  try {
    const params = { query, max_results: String(pageSize) };
    if (sorted === null) params.until_id = String(feed.oldest);
    else params.sort_order = urlSort();
    if (sorted) params.next_token = sorted;
    const page = await ask('/2/tweets/search/all?' + withFields(params));
    if (mine !== generation) return;
    feed.append((page.data ?? []).map((data) => ({ data, includes: page.includes })));
    pageDone(page.meta.next_token ?? '');
  } catch (err) {
    if (mine === generation) fail(query, err);
  } finally {
    if (loading === mine) { loading = 0; button.disabled = false; }
  }
}

function pageDone(token) {
  $('older').hidden = !token;
  if (sorted !== null) {
    sorted = token;
    $('results').setAttribute('aria-busy', 'false');
    state('sorted', 'Not live in this order');
    if (!feed.byId.size) $('foot').textContent = 'Nothing in the archive matches.';
    else if (!token) $('foot').textContent = 'That is all.';
  } else if (!token) $('foot').textContent = 'That is where the archive begins.';
}

function urlQuery() { return new URLSearchParams(location.search).get('q') ?? ''; }

/** urlSort is the order of the URL; what is none is the default. */
function urlSort() {
  const order = new URLSearchParams(location.search).get('sort');
  return [...$('sort').options].some((o) => o.value === order) ? order : 'recency';
}

/** loadGap fetches what was missed, by the range that the server named. */
async function loadGap(detail, row) {
  const mine = generation;
  let token = '';
  do {
    const params = { query: urlQuery(), since_seq: String(detail.since_seq), until_seq: String(detail.until_seq), max_results: '100' };
    if (token) params.next_token = token;
    const page = await ask('/2/tweets/search/all?' + withFields(params));
    if (mine !== generation) return;
    for (const data of (page.data ?? []).reverse()) feed.add({ data, includes: page.includes }, true);
    token = page.meta.next_token ?? '';
  } while (token);
  row.remove();
}

function pause() {
  feed.paused = !feed.paused;
  $('pause').setAttribute('aria-pressed', String(feed.paused));
  $('pause').textContent = feed.paused ? 'Go on' : 'Pause';
  if (feed.paused) return state('paused', 'Paused');
  feed.show();
  if (rested) { rested = false; stream?.resume(); } else if (stream?.source) state('live', 'Live');
}

$('search').addEventListener('submit', (e) => {
  e.preventDefault();
  history.pushState(null, '', at($('q').value.trim()));
  search();
});
$('sort').addEventListener('change', () => {
  history.pushState(null, '', at(urlQuery(), $('sort').value));
  scrollTo({ top: 0 });
  search();
});
document.addEventListener('click', (e) => {
  const a = e.target.closest?.('a[href^="/?"], a.brand');
  if (!a || e.metaKey || e.ctrlKey || e.shiftKey || e.button !== 0) return;
  e.preventDefault();
  history.pushState(null, '', a.getAttribute('href'));
  scrollTo({ top: 0 });
  search();
});
addEventListener('popstate', search);
$('older').addEventListener('click', older);
$('pause').addEventListener('click', pause);
$('help').addEventListener('click', () => $('about').showModal());
$('fresh').addEventListener('click', () => { if (rested && !feed.paused) { rested = false; stream?.resume(); } });
document.addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || $('about').open) return;
  if (e.target.closest?.('input, textarea, select')) { if (e.key === 'Escape') e.target.blur(); return; }
  const keys = { '/': () => $('q').focus(), j: () => feed.move(1), k: () => feed.move(-1), n: () => $('fresh').click(), p: () => $('pause').hidden || pause(), t: () => panel.toggle(), h: () => timeline.toggle(), '?': () => $('about').showModal() };
  const act = keys[e.key];
  if (act) { e.preventDefault(); act(); }
});
new IntersectionObserver((es) => { if (es[0].isIntersecting && !$('older').hidden) older(); }, { rootMargin: '400px' }).observe($('older'));
search();
