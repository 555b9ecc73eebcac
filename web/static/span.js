// The arithmetic of the timeline: which stretch of time it shows, in which bars, what was missed in it, and the query of a part of it.

const minute = 60e3, hour = 60 * minute, day = 24 * hour;

// How long a bar may be, with the granularity of the API that it is put together from. Few enough of those fit in a bar for one
// request, up to a year; the longest are for archives of many years.
const steps = [
  ...[1, 2, 5, 10, 15].map((n) => [n * minute, 'minute', n]),
  ...[1, 2, 3, 6].map((n) => [n * hour, 'hour', n]),
  ...[1, 2, 4, 7, 14, 28, 56, 112].map((n) => [n * day, 'day', n]),
];
const barsMost = 120;
const shortest = 30 * minute; // of the whole

/** bounds are the instants that every match must lie between, low inclusive, high exclusive. @param {any} tree of /2/query/explain */
export function bounds(tree) {
  let low = -Infinity, high = Infinity;
  for (const b of tree?.op === 'and' ? tree.of : [tree]) {
    if (b?.op !== 'range' || b.figure !== 'created_at') continue;
    if (b.low) low = Math.max(low, Number(b.low));
    if (b.high) high = Math.min(high, Number(b.high) + 1);
  }
  return { low, high };
}

/**
 * stretch chooses what is shown: from the first match to the last, and on to where the query begins, where it ends, or to the
 * present, unless more than half of the picture would be empty for that.
 * @returns {{start: number, end: number, step: number, unit: string, times: number}} whole steps of milliseconds, each of so many units
 */
export function stretch(first, last, { low, high }, now) {
  const room = Math.max(last - first, shortest);
  const end = Math.max(Math.min(high, now), last + 1);
  let to = end - last <= room ? end : last + 1;
  let from = first - low <= room ? low : first;
  if (to - from < shortest) from = Math.max(low, to - shortest);
  const [step, unit, times] = steps.find(([ms]) => (to - from) / ms <= barsMost - 1) ?? steps.at(-1);
  from = Math.floor(from / step) * step;
  to = Math.ceil(to / step) * step;
  return { start: from, end: to, step, unit, times };
}

/** merged puts buckets of the API together. @param {{start: string, tweet_count: number}[]} buckets @returns {number[]} a count for each bar */
export function merged(buckets, { start, end, step }) {
  const counts = new Array((end - start) / step).fill(0);
  for (const b of buckets) counts[Math.floor((Date.parse(b.start) - start) / step)] += b.tweet_count;
  return counts;
}

const token = /-?[\w$#@]*:?"(?:\\.|[^"\\])*"?(?:~\d+)?|\[[^\]]*\]?|[()|]|[^\s()|"[]+/g;
const timed = /^(since|until|since_time|until_time|within_time):/i;

/**
 * untimed takes the bounds of time out of a query that all of it must hold to: not those that are negated, in parentheses, in
 * quotes, or in an OR, which is put in parentheses itself so that something can stand beside it.
 */
function untimed(query) {
  let depth = 0;
  const top = [...query.matchAll(token)].filter(({ 0: t }) => { if (t === '(') depth++; else if (t === ')') depth--; return depth === 0; });
  if (top.some(({ 0: t }) => t === 'OR' || t === '|')) return `(${query})`;
  const bound = (m, i) => timed.test(m[0]) && top[i - 1]?.[0] !== 'NOT';
  if (!top.some(bound)) return query;
  let at = 0;
  const parts = [];
  for (const m of top.filter((m, i) => bound(m, i) || m[0] === 'AND')) { // an AND says nothing that a blank does not
    parts.push(query.slice(at, m.index).trim());
    at = m.index + m[0].length;
  }
  return [...parts, query.slice(at).trim()].filter(Boolean).join(' ');
}

/** instant writes a time as the query language has it. */
function instant(ms) {
  return new Date(ms).toISOString().replace('.000Z', 'Z').replace('T00:00:00Z', '');
}

/** within is the query with another stretch of time. @param {string} query @param {number} from @param {number} to */
export function within(query, from, to) {
  return `${untimed(query)} since:${instant(from)} until:${instant(to)}`.trim();
}

function reason(s) {
  const name = s.source.replace(/^stream:/, '');
  if (s.kind === 'gap') return `${name} was not heard (${s.cause || 'unknown cause'})`;
  if (s.kind === 'limit') return s.cause === 'untold' ? `${name} may have held tweets back` : `${name} held ${s.count} tweets back`;
  return `${name} sent ${s.count} messages that were lost (${s.cause || 'damaged'})`;
}

/**
 * missed gives the stretches in which something is, or may be, missing. What lies before the first span is not known, and not
 * among them; a source that was stopped for good while another one is heard is not missing.
 * @param {any[]} spans of /2/coverage, in order @param {number} until when the account reaches
 * @returns {{from: number, to: number, why: string}[]}
 */
export function missed(spans, start, until) {
  const all = spans.filter((s) => s.kind !== 'warning').map((s) => ({ ...s, from: Math.max(Date.parse(s.start), start), to: Math.min(s.open ? until : Date.parse(s.end), until) }));
  const heard = all.filter((s) => s.kind === 'connected' && s.open).map((s) => s.source);
  const retired = (s) => s.open && /^(stopped|killed)$/.test(s.cause) && heard.some((name) => name !== s.source);
  const holes = all.filter((s) => s.kind === 'gap' && !s.filled_by && !retired(s) || s.kind === 'limit' || s.kind === 'damage')
    .map((s) => ({ from: s.from, to: s.to, why: reason(s) }));
  let known = all[0]?.from;
  for (const s of all) {
    if (s.kind === 'limit' || s.kind === 'damage') continue;
    if (s.from > known) holes.push({ from: known, to: s.from, why: 'nothing was connected' });
    known = Math.max(known, s.to);
  }
  if (known < until) holes.push({ from: known, to: until, why: 'nothing was connected' });
  return holes.filter((h) => h.to >= h.from).sort((a, b) => a.from - b.from);
}

/** joined are the holes as they are drawn: those nearer than a step are one. @param {{from: number, to: number}[]} holes in order */
export function joined(holes, step) {
  const out = [];
  for (const { from, to } of holes) {
    const last = out.at(-1);
    if (last && from <= last.to + step) last.to = Math.max(last.to, to);
    else out.push({ from, to });
  }
  return out;
}

export const dayFormat = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' });
export const clockFormat = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', hour: '2-digit', minute: '2-digit' });

/** spell writes a stretch of time in UTC, as the query language reads it. */
export function spell(from, to, unit) {
  if (unit === 'day') {
    const days = [dayFormat.format(from), dayFormat.format(to - 1)];
    return days[0] === days[1] ? days[0] : days.join(' – ');
  }
  const end = dayFormat.format(from) === dayFormat.format(to) ? clockFormat.format(to) : `${dayFormat.format(to)} ${clockFormat.format(to)}`;
  return `${dayFormat.format(from)} ${clockFormat.format(from)} – ${end} UTC`;
}
