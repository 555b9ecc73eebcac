// The panel beside the list: what the matches have most, and the ways to take them away.

import { el } from './tweet.js';

// Names of the API with their headings, in the order in which they are shown.
const shown = { hashtags: 'Hashtags', authors: 'Authors', mentions: 'Mentions', domains: 'Links to', words: 'Words', languages: 'Languages', sources: 'Sent with' };
const most = 8; // values of each

const formats = [['JSON lines', { format: 'jsonl' }], ['CSV', { format: 'csv' }], ['Ids', { format: 'ids' }], ['As it came in', { format: 'jsonl', content: 'raw' }]];

const number = new Intl.NumberFormat('en');
const signs = { hashtags: '#', mentions: '@', authors: '@' };

let names; // of languages; made when it is needed
function label(facet, value) {
  if (facet === 'languages') {
    try {
      names ??= new Intl.DisplayNames(['en'], { type: 'language' });
      return names.of(value) ?? value;
    } catch { return value; }
  }
  return (signs[facet] ?? '') + value;
}

/** narrowed adds a part to a query; OR binds looser than what stands side by side. @param {string} query @param {string} part */
export function narrowed(query, part) {
  if (!query.trim()) return part;
  return (/(^|\s)OR(\s|$)|\|/.test(query) ? `(${query})` : query) + ' ' + part;
}

/** Panel shows the facets of the query that it was last given, when it is open. */
export class Panel {
  /** @param {(url: string) => Promise<any>} ask @param {(query: string) => string} href where the page shows a query */
  constructor(box, button, ask, href) {
    Object.assign(this, { box, button, ask, href, query: null, filled: null, turn: 0 });
    button.addEventListener('click', () => this.toggle());
  }

  get open() { return !this.box.hidden; }

  toggle() {
    this.box.hidden = this.open;
    this.button.setAttribute('aria-expanded', String(this.open));
    if (this.open) this.fill();
  }

  /** show is for a new query; null while there is none that can be asked. @param {string|null} query */
  show(query) {
    this.query = query;
    if (this.open) this.fill();
  }

  async fill() {
    const query = this.query;
    if (query === null || query === this.filled) return;
    const mine = ++this.turn;
    this.filled = query;
    this.box.setAttribute('aria-busy', 'true');
    let parts;
    try {
      const params = new URLSearchParams({ query, facets: Object.keys(shown).join(','), limit: String(most) });
      parts = this.parts(query, await this.ask('/2/tweets/search/facets?' + params));
    } catch (err) {
      if (mine === this.turn) this.filled = null; // opening it again asks again
      parts = [el('p', { class: 'note' }, `Nothing could be counted: ${err.message}`)];
    }
    if (mine !== this.turn) return;
    this.box.replaceChildren(...parts, this.exports(query));
    this.box.setAttribute('aria-busy', 'false');
  }

  parts(query, { data, meta }) {
    const over = meta.more ? `the newest ${number.format(meta.tweets)} matches` : meta.tweets === 1 ? 'the only match' : `all ${number.format(meta.tweets)} matches`;
    const parts = [el('p', { class: 'note' }, meta.tweets === 0 ? 'Nothing in the archive matches.' : `Counted over ${over}`)];
    for (const [facet, heading] of Object.entries(shown)) {
      const values = (data[facet] ?? []).filter((v) => v.query);
      if (!values.length) continue;
      parts.push(el('section', {}, el('h2', {}, heading), el('ul', {}, ...values.map((v) => this.value(query, facet, v)))));
    }
    return parts;
  }

  value(query, facet, v) {
    const name = label(facet, v.value);
    return el('li', {},
      el('a', { href: this.href(narrowed(query, v.query)), title: `Only those with ${name}`, dir: 'auto' }, name),
      el('span', { class: 'n' }, number.format(v.count)),
      el('a', { href: this.href(narrowed(query, '-' + v.query)), class: 'without', title: `Without ${name}`, 'aria-label': `Without ${name}` }, '−'));
  }

  exports(query) {
    const links = formats.map(([name, params]) => el('li', {}, el('a', { href: '/2/tweets/search/export?' + new URLSearchParams({ query, ...params }), download: '' }, name)));
    return el('section', { class: 'exports' }, el('h2', {}, 'Export all matches'), el('ul', {}, ...links));
  }
}
