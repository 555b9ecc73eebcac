// The timeline over the list: how many matches there are at which time, hatched where the archive may not have them all.

import { el } from './tweet.js';
import { bounds, clockFormat, dayFormat, joined, merged, missed, spell, stretch, within } from './span.js';

const pagesMost = 12; // requests for counts: one, as a rule; all of Twitter's years by the day, at most
const coverageMost = 4; // requests for coverage, of a thousand spans each
const triesMost = 3; // for the oldest match
const barsMost = 240; // a live timeline that has grown so long is made anew with longer bars
const arrivalsMost = 20000; // counted by the page itself before it asks again
const redraw = 1000, again = 60000; // milliseconds
const key = 'timeline'; // in localStorage: whether it is closed

const number = new Intl.NumberFormat('en');
const plural = (n, word) => `${number.format(n)} ${word}${n === 1 ? '' : 's'}`;

/** Timeline shows when the matches of the query were that it was last given, while it is open. */
export class Timeline {
  /** @param {HTMLElement} box @param {HTMLElement} button @param {(url: string, signal: AbortSignal) => Promise<any>} ask @param {(query: string) => string} href where the page shows a query @param {() => boolean} following whether new tweets are told by add */
  constructor(box, button, ask, href, following) {
    Object.assign(this, { box, button, ask, href, following, state: 'failed', bars: [], holes: [], covered: true, told: null, wait: 0 });
    this.plot = el('div', { class: 'plot' });
    this.from = el('span');
    this.note = el('span', { class: 'says', title: 'Hatched: the archive was not connected to a source then, or tweets were held back or lost, as far as it was noted' });
    this.to = el('span');
    box.append(this.plot, el('figcaption', { 'aria-hidden': 'true' }, this.from, this.note, this.to));
    let closed = null;
    try { closed = localStorage.getItem(key); } catch { /* a page without storage shows it */ }
    this.unfold(closed !== 'closed');
    button.addEventListener('click', () => this.toggle());
    this.plot.addEventListener('keydown', (e) => this.key(e));
    for (const type of ['pointerover', 'focusin']) this.plot.addEventListener(type, (e) => this.tell(e.target.closest('a')));
    for (const type of ['pointerleave', 'focusout']) this.plot.addEventListener(type, () => this.tell(null));
    setInterval(() => this.tick(), again);
    this.show(null);
  }

  get open() { return !this.box.hidden; }

  unfold(open) {
    this.box.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
  }

  toggle() {
    this.unfold(!this.open);
    try { localStorage.setItem(key, this.open ? 'open' : 'closed'); } catch { /* it is forgotten then */ }
    this.arrived.clear();
    this.clear('');
    this.load();
  }

  /** show is for a new query; null while there is none that can be asked. @param {string|null} query @param {any} [tree] of /2/query/explain */
  show(query, tree) {
    this.query = query;
    this.bounds = bounds(tree);
    this.arrived = new Map(); // times by id: what the stream brought and the counts lack
    this.upTo = 0n; // the counts have what has an id up to it
    this.dirty = false; // something in them is no longer right
    this.clear('');
    this.load();
  }

  /** clear takes the bars away. state is why there are none: 'loading', 'empty' until a tweet comes, or 'failed'. */
  clear(says, state = 'failed') {
    this.state = state;
    this.cancel?.abort();
    clearTimeout(this.wait);
    this.wait = 0;
    this.bars = [];
    this.holes = [];
    this.plot.replaceChildren();
    this.from.textContent = this.to.textContent = '';
    this.say(says);
  }

  say(text) {
    this.summary = text;
    this.note.textContent = this.told?.isConnected ? this.told.title : text;
    this.box.setAttribute('aria-label', text ? `Timeline: ${text}` : 'Timeline');
  }

  async load() {
    if (!this.open || this.query === null) return;
    if (!this.bars.length) this.clear('Counting …', 'loading');
    this.state = 'loading';
    this.dirty = false;
    this.fresh = new Set(); // ids that the stream brings meanwhile, history apart
    this.cancel?.abort();
    const { signal } = this.cancel = new AbortController();
    try {
      const [oldest, newest] = await Promise.all([this.oldest(signal), this.newest(signal)]);
      const own = new Map([...this.arrived].filter(([id]) => BigInt(id) > newest.id)); // after what the archive was asked about
      const times = [...own.values(), oldest, newest.at].filter((t) => !Number.isNaN(t));
      if (!times.length) return this.clear(newest.id ? 'No timeline: the times are not known.' : 'No matches yet.', 'empty');
      const now = Date.now(), range = stretch(Math.min(...times), Math.max(...times), this.bounds, now);
      const counts = merged(newest.id ? await this.counts(range, newest.id, signal) : [], range);
      if (signal.aborted) return;
      for (const id of this.arrived.keys()) {
        if (BigInt(id) > newest.id) continue;
        this.dirty ||= this.fresh.has(id); // it came late, and may have been counted or not
        this.arrived.delete(id);
      }
      this.upTo = newest.id;
      this.range = range;
      this.toPresent = range.end >= now;
      this.bars = counts;
      this.state = 'drawn';
      for (const at of this.arrived.values()) this.count(at, 1);
      this.draw();
      await this.cover(signal);
    } catch (err) {
      if (signal.aborted) return;
      if (!this.bars.length) return this.clear(`No timeline: ${err.message}`);
      this.state = 'drawn'; // as it was; tick tries again
      this.dirty = true;
      this.draw();
    }
  }

  /** newest gives the last match. @returns {Promise<{id: bigint, at: number}>} 0n for none */
  async newest(signal) {
    const params = { query: this.query, max_results: '10', 'tweet.fields': 'created_at' };
    const tweet = (await this.ask('/2/tweets/search/all?' + new URLSearchParams(params), signal)).data?.[0];
    return { id: BigInt(tweet?.id ?? 0), at: Date.parse(tweet?.created_at ?? '') };
  }

  /** oldest gives the time of the first match, which only an export begins with; few of those are let run at once. */
  async oldest(signal) {
    const params = { query: this.query, format: 'csv', columns: 'created_at', header: 'false', max_results: '1' };
    for (let n = 1; ; n++) {
      const r = await fetch('/2/tweets/search/export?' + new URLSearchParams(params), { signal });
      if (r.ok) return Date.parse((await r.text()).trim());
      if (r.status !== 503 || n === triesMost) throw new Error((await r.json().catch(() => ({}))).detail || `The server answered ${r.status}`);
      await new Promise((resolve) => setTimeout(resolve, n * redraw * (0.5 + Math.random())));
    }
  }

  /** counts asks for buckets, the newest first; none of tweets newer than the one named, which the stream brings. */
  async counts({ start, end, unit }, newest, signal) {
    const params = { query: this.query, granularity: unit, start_time: new Date(start).toISOString(), end_time: new Date(end).toISOString(), until_id: String(newest + 1n) };
    const buckets = [];
    for (let n = 0; n < pagesMost; n++) {
      const page = await this.ask('/2/tweets/counts/all?' + new URLSearchParams(params), signal);
      buckets.push(...page.data);
      params.next_token = page.meta.next_token;
      if (!params.next_token) return buckets;
    }
    throw new Error('the matches reach over too many years.');
  }

  /** cover finds out what may be missing; without an answer the bars stay as they are. */
  async cover(signal) {
    const { start, end } = this.range, spans = [];
    let until = Math.min(end, Date.now());
    const params = { start_time: new Date(start).toISOString(), end_time: new Date(until).toISOString(), kinds: 'connected,gap,limit,damage,backfill,import', max_results: '1000' };
    try {
      for (let n = 0; n < coverageMost && (n === 0 || params.next_token); n++) {
        const page = await this.ask('/2/coverage?' + new URLSearchParams(params), signal);
        spans.push(...page.data);
        params.next_token = page.meta.next_token ?? '';
      }
      if (params.next_token) until = Date.parse(spans.at(-1).start); // what comes after was not asked for
      this.holes = missed(spans, start, until);
      this.covered = true;
    } catch {
      if (signal.aborted) return;
      this.holes = [];
      this.covered = false;
    }
    if (!signal.aborted) this.draw();
  }

  /** add takes a tweet of the stream, of its history too. @param {any} tweet @param {boolean} isNew after history */
  add(tweet, isNew) {
    const at = Date.parse(tweet.created_at ?? '');
    if (!this.open || this.state === 'failed' || Number.isNaN(at) || this.arrived.has(tweet.id)) return;
    if (this.bars.length && !isNew) return; // counted already
    if (this.bars.length && BigInt(tweet.id) <= this.upTo) { // a stream that is behind brings what is counted, one that is not may bring late ones
      this.dirty = true;
      return;
    }
    this.arrived.set(tweet.id, at);
    if (isNew) this.fresh?.add(tweet.id);
    if (this.bars.length) this.count(at, 1);
    this.later();
  }

  /** withdraw takes a deleted tweet out again. @param {string} id @param {string|undefined} created its time, where the page has it */
  withdraw(id, created) {
    const at = this.arrived.get(id) ?? Date.parse(created ?? '');
    // What the counts have is theirs to say: they may be on their way, or know of a deletion that is told again.
    if (!this.arrived.delete(id) || this.state === 'loading') this.dirty = true;
    if (!this.bars.length || Number.isNaN(at)) return;
    this.count(at, -1);
    this.later();
  }

  count(at, by) {
    const { start, step } = this.range, i = Math.floor((at - start) / step);
    if (i < 0) return;
    if (i > barsMost) return this.grow(barsMost + 1); // later makes it anew
    this.grow(i + 1);
    this.toPresent ||= by > 0 && this.range.end >= Date.now();
    this.bars[i] = Math.max(0, this.bars[i] + by);
  }

  grow(bars) {
    while (this.bars.length < bars) this.bars.push(0);
    this.range.end = this.range.start + this.bars.length * this.range.step;
  }

  /** later draws what came, once a second at most. */
  later() {
    this.wait ||= setTimeout(() => {
      this.wait = 0;
      if (this.state === 'loading') return; // it draws when it has loaded
      if (!this.bars.length || this.bars.length > barsMost || this.arrived.size > arrivalsMost) this.load();
      else this.draw();
    }, redraw);
  }

  /** tick goes on to the present, where the timeline reached it and is kept up, and looks for what was missed meanwhile. */
  tick() {
    if (document.hidden) return;
    if (this.state === 'failed' || this.state === 'drawn' && this.dirty) return this.load();
    if (this.state !== 'drawn') return;
    const { start, end, step } = this.range, now = Math.min(Date.now(), this.bounds.high), bars = Math.ceil((now - start) / step);
    if (this.following() && this.toPresent && now > end) {
      if (bars > barsMost) return this.load();
      this.grow(bars);
    }
    this.cover(this.cancel.signal);
  }

  draw() {
    const { start, end, step, unit, times } = this.range, top = Math.max(...this.bars, 1);
    const links = this.plot.querySelectorAll('a'), chosen = [...links].findIndex((a) => a.tabIndex === 0);
    this.bars.forEach((n, i) => this.bar(links[i] ?? this.plot.appendChild(el('a', {}, el('i'))), i, n / top, i === (chosen < 0 ? this.bars.length - 1 : chosen)));
    for (const a of [...links].slice(this.bars.length)) a.remove();
    this.shade();
    const total = this.bars.reduce((a, b) => a + b, 0);
    const legend = this.holes.length ? '; hatched: not all was heard' : this.covered ? '' : '; what was missed is not known';
    this.say(`${plural(total, 'tweet')}, a bar is ${plural(times, unit)}${legend}`);
    const most = this.bars.indexOf(Math.max(...this.bars)), gaps = [...new Set(this.holes.map((h) => h.why))];
    this.box.setAttribute('aria-label', `Timeline: ${plural(total, 'matching tweet')}, ${spell(start, end, unit)}; most, ${number.format(this.bars[most])}, ${spell(start + most * step, start + (most + 1) * step, unit)}. `
      + (gaps.length ? `Not all was heard: ${gaps.slice(0, 5).join('; ')}.` : this.covered ? 'No gap is recorded.' : 'What was missed is not known.'));
    this.from.textContent = dayFormat.format(start) + (unit === 'day' ? '' : ' ' + clockFormat.format(start));
    const to = Math.min(end - (unit === 'day' ? 1 : 0), Math.max(Date.now(), start)), sameDay = dayFormat.format(start) === dayFormat.format(to);
    this.to.textContent = (sameDay ? '' : dayFormat.format(to)) + (unit === 'day' ? '' : ` ${clockFormat.format(to)} UTC`);
  }

  bar(a, i, height, chosen) {
    const { start, step, unit } = this.range, from = start + i * step, to = from + step;
    const why = new Set(this.holes.filter((h) => h.from < to && h.to >= from).map((h) => h.why));
    const text = `${spell(from, to, unit)}: ${plural(this.bars[i], 'tweet')}` + (why.size ? `; ${[...why].slice(0, 3).join('; ')}` : '');
    a.title = text;
    a.setAttribute('aria-label', text);
    a.href = this.href(within(this.query, Math.max(from, this.bounds.low), Math.min(to, this.bounds.high)));
    a.tabIndex = chosen ? 0 : -1;
    a.firstChild.style.height = `${100 * height}%`;
    a.classList.toggle('some', this.bars[i] > 0);
  }

  shade() {
    const { start, end } = this.range, share = (t) => `${100 * (t - start) / (end - start)}%`;
    for (const old of this.plot.querySelectorAll('.missed')) old.remove();
    this.plot.prepend(...joined(this.holes, (end - start) / 400).map(({ from, to }) => {
      const s = el('span', { class: 'missed' });
      s.style.left = share(from);
      s.style.width = share(start + to - from);
      return s;
    }));
  }

  /** tell says in the caption what a bar is, or again what the whole is. */
  tell(bar) {
    this.told = bar;
    this.box.classList.toggle('told', Boolean(bar));
    this.note.textContent = bar ? bar.title : this.summary;
  }

  /** key moves among the bars, which are one stop of the Tab key. */
  key(e) {
    const all = [...this.plot.querySelectorAll('a')], at = all.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[e.key];
    if (at < 0 || to === undefined) return;
    e.preventDefault();
    if (!all[to]) return;
    all[at].tabIndex = -1;
    all[to].tabIndex = 0;
    all[to].focus();
  }
}
