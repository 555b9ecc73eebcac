// Completion of operators in the query: a combobox as WAI-ARIA describes it, with a list that is never in the way of Enter.

import { el } from './tweet.js';

const most = 8; // suggestions shown

/** suggest gives what may stand at the caret. @returns {{from: number, text: string, doc: string}[]} from: where the text begins */
export function suggest(operators, before) {
  if ((before.replace(/\\./g, '').match(/"/g)?.length ?? 0) % 2) return []; // inside a text
  const at = before.match(/(?:^|[\s(|])-?([^\s()"|-][^\s()"|]*)$/)?.[1];
  if (!at) return [];
  const from = before.length - at.length, colon = at.indexOf(':');
  const typed = at.toLowerCase();
  if (colon >= 0) {
    const name = typed.slice(0, colon), begin = typed.slice(colon + 1);
    const o = operators.find((x) => x.name === name || x.aliases?.includes(name));
    return (o?.values ?? []).filter((v) => v.startsWith(begin) && v !== begin).slice(0, most)
      .map((v) => ({ from: from + colon + 1, text: v + ' ', shown: at.slice(0, colon + 1) + v, doc: '' }));
  }
  if (typed.length < 2) return [];
  const found = [];
  for (const o of operators) {
    if (o.kind === 'entity') continue;
    const name = [o.name, ...(o.aliases ?? [])].find((n) => n.startsWith(typed));
    if (name) found.push({ from, text: name + ':', shown: name + ':', doc: o.doc });
  }
  return found.slice(0, most);
}

export class Completion {
  /** @param {HTMLInputElement} input @param {HTMLElement} list @param {() => Promise<any[]>} load the table of operators */
  constructor(input, list, load) {
    Object.assign(this, { input, list, load, operators: null, found: [], at: -1 });
    input.addEventListener('focus', () => this.begin(), { once: true });
    input.addEventListener('input', () => this.look());
    input.addEventListener('keydown', (e) => this.key(e));
    input.addEventListener('blur', () => this.close());
    input.form.addEventListener('submit', () => this.close());
    list.addEventListener('pointerdown', (e) => { // before the input loses its focus
      const o = e.target.closest('[role=option]');
      e.preventDefault();
      if (o) this.take([...list.children].indexOf(o));
    });
  }

  async begin() {
    try { this.operators = await this.load(); } catch { this.operators = []; } // without it the query can still be written
  }

  look() {
    const { input } = this;
    const before = input.value.slice(0, input.selectionStart);
    const rest = input.value.slice(input.selectionStart);
    this.found = this.operators && !/^[^\s()]/.test(rest) ? suggest(this.operators, before) : [];
    this.at = -1;
    this.list.replaceChildren(...this.found.map((f, i) => el('li', { role: 'option', id: 'op' + i, 'aria-selected': 'false' }, el('code', {}, f.shown), el('span', {}, f.doc))));
    this.list.hidden = this.found.length === 0;
    input.setAttribute('aria-expanded', String(!this.list.hidden));
    input.removeAttribute('aria-activedescendant');
  }

  close() {
    this.found = [];
    this.at = -1;
    this.list.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
  }

  key(e) {
    if (!this.found.length || e.isComposing) return;
    const n = this.found.length;
    if (e.key === 'ArrowDown') this.choose((this.at + 1) % n);
    else if (e.key === 'ArrowUp') this.choose((this.at <= 0 ? n : this.at) - 1);
    else if (e.key === 'Escape') { this.close(); e.stopPropagation(); }
    else if ((e.key === 'Enter' || e.key === 'Tab') && this.at >= 0) this.take(this.at);
    else return;
    e.preventDefault();
  }

  choose(i) {
    this.at = i;
    [...this.list.children].forEach((o, k) => o.setAttribute('aria-selected', String(k === i)));
    this.input.setAttribute('aria-activedescendant', 'op' + i);
    this.list.children[i].scrollIntoView({ block: 'nearest' });
  }

  take(i) {
    const { input } = this, f = this.found[i], end = input.selectionStart;
    input.setRangeText(f.text, f.from, end, 'end');
    this.look();
  }
}
