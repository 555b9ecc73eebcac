// The list: history below, new ones held back until they are wanted, so that what one reads does not move.

import { article, ago, el } from './tweet.js';

const shownMost = 2000; // articles kept in the page; the oldest live ones beyond are still in the archive
const heldMost = 1000;  // new tweets held back in memory before the stream is rested

export class Feed {
  constructor(list, fresh, full) {
    this.list = list;
    this.fresh = fresh;
    this.full = full; // called when so many are held that the stream should rest
    this.byId = new Map();
    this.held = [];
    this.paused = false;
    this.oldest = null;
    fresh.addEventListener('click', () => { this.show(); scrollTo({ top: 0 }); this.list.firstElementChild?.focus({ preventScroll: true }); });
    addEventListener('scroll', () => { if (this.flows()) this.show(); }, { passive: true });
    setInterval(() => this.tick(), 15000);
  }

  clear() {
    this.list.replaceChildren();
    this.byId.clear();
    this.held = [];
    this.oldest = null;
    this.label();
  }

  /** flows: nobody is reading below the top, so new ones may come in by themselves. */
  flows() {
    return !this.paused && scrollY < 8 && !document.hidden && !this.list.contains(document.activeElement) && !this.list.matches(':hover');
  }

  /** add takes one from the stream. @param {boolean} isNew after history */
  add(line, isNew) {
    const id = line.data.id;
    if (this.byId.has(id) || this.held.some((h) => h.data.id === id)) return;
    if (!isNew) return this.insert(line, false);
    this.held.push(line);
    if (this.flows()) this.show();
    else this.label();
    if (this.held.length >= heldMost) this.full();
  }

  /** append puts an older page below. */
  append(lines) {
    for (const line of lines) {
      if (this.byId.has(line.data.id)) continue;
      this.list.append(this.make(line));
      this.note(line.data.id);
    }
  }

  insert(line, isNew) {
    const a = this.make(line);
    if (isNew) a.classList.add('new');
    this.list.prepend(a);
    if (!isNew) this.note(line.data.id);
    if (this.byId.size > shownMost) this.trim();
  }

  make(line) {
    const a = article(line);
    a.dataset.createdAt = line.data.created_at ?? '';
    this.byId.set(line.data.id, a);
    return a;
  }

  note(id) {
    const n = BigInt(id);
    if (this.oldest === null || n < this.oldest) this.oldest = n;
  }

  /** trim drops from the end, where the older tweets can be asked for again. */
  trim() {
    const last = this.list.lastElementChild;
    if (!last) return;
    const id = last.dataset.id;
    if (id) { this.byId.delete(id); this.oldest = BigInt(id) + 1n; }
    last.remove();
  }

  show() {
    for (const line of this.held.splice(0)) this.insert(line, true);
    this.label();
  }

  label() {
    const n = this.held.length;
    this.fresh.hidden = n === 0;
    this.fresh.textContent = n === 1 ? '1 new tweet' : `${n} new tweets`;
  }

  /** withdraw takes a deleted tweet out, and copies of it inside quotes; reposts of it come with notices of their own. @returns {string|undefined} its created_at, if it was here */
  withdraw(id) {
    const held = this.held.find((h) => h.data.id === id);
    this.held = this.held.filter((h) => h.data.id !== id);
    this.label();
    for (const copy of this.list.querySelectorAll(`blockquote[data-copy="${CSS.escape(id)}"]`)) copy.remove();
    for (const h of this.held) if (h.includes?.tweets) h.includes.tweets = h.includes.tweets.filter((t) => t.id !== id);
    const a = this.byId.get(id);
    if (!a) return held?.data.created_at;
    this.byId.delete(id);
    a.replaceWith(el('article', { class: 'withdrawn', tabindex: '0' }, 'A tweet was deleted and is withdrawn.'));
    return a.dataset.createdAt;
  }

  gap(detail, load) {
    const b = el('button', { type: 'button' }, 'Load them');
    const row = el('article', { class: 'gap', tabindex: '0' }, 'Some tweets were missed while the connection was away. ', b);
    b.addEventListener('click', async () => { b.disabled = true; await load(detail, row); });
    this.list.prepend(row);
  }

  tick() {
    const now = Date.now();
    for (const t of this.list.querySelectorAll('time')) t.textContent = ago(Date.parse(t.dateTime), now);
  }

  /** move puts the focus on the next (+1) or previous (-1) tweet. */
  move(step) {
    const all = [...this.list.querySelectorAll('article')];
    const at = all.indexOf(document.activeElement?.closest('article'));
    const to = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + step))];
    to?.focus();
    to?.scrollIntoView({ block: 'nearest' });
  }
}
