// A tweet as DOM. Everything that came from a tweet is set as text, never as HTML.

/** el makes an element. @param {string} tag @param {Record<string,string>} [attrs] @param {...(Node|string|null)} kids */
export function el(tag, attrs = {}, ...kids) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
  e.append(...kids.filter((k) => k !== null));
  return e;
}

const named = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** X delivers &, < and > of a text as HTML entities. @param {string} s */
export function unescapeText(s) {
  return s.replace(/&(amp|lt|gt|quot|#39);/g, (_, n) => named[n]);
}

/** link is an outside link, only to http and https. @param {string} href @param {string} text */
function link(href, text) {
  let url;
  try { url = new URL(href); } catch { return text; }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return text;
  return el('a', { href: url.href, rel: 'noopener noreferrer nofollow', target: '_blank' }, text);
}

/** ask is a link to the page with another query. @param {string} query @param {string} text */
function ask(query, text) {
  return el('a', { href: '/?q=' + encodeURIComponent(query) }, text);
}

/**
 * marks are the parts of a text that become links, in order, none over another.
 * Positions count code points.
 */
function marks(entities) {
  const ms = [];
  const add = (list, make) => { for (const e of list ?? []) ms.push({ start: e.start, end: e.end, make: (t) => make(e, t) }); };
  add(entities?.hashtags, (e, t) => ask('#' + e.tag, t));
  add(entities?.cashtags, (e, t) => ask('$' + e.tag, t));
  add(entities?.mentions, (e, t) => ask('@' + e.username, t));
  add(entities?.urls, (e, t) => (e.media_key ? null : link(e.unwound_url ?? e.expanded_url ?? e.url, e.display_url ?? t)));
  ms.sort((a, b) => a.start - b.start);
  let at = 0;
  return ms.filter((m) => m.start >= at && m.end > m.start && ((at = m.end), true));
}

/**
 * plain shows a part of a text, with what the query found marked.
 * @param {string[]} points of the text @param {{start: number, end: number}[]} found in order
 */
function plain(points, from, to, found) {
  const nodes = [];
  const put = (a, b, wrap) => {
    if (a >= b) return;
    const s = unescapeText(points.slice(a, b).join(''));
    nodes.push(wrap ? el('mark', {}, s) : s);
  };
  for (const f of found) {
    if (f.end <= from || f.start >= to) continue;
    put(from, f.start, false);
    from = Math.max(from, f.start);
    put(from, Math.min(f.end, to), true);
    from = Math.min(f.end, to);
  }
  put(from, to, false);
  return nodes;
}

/** text is the tweet's words with its links; found are the parts that the query found. */
function text(tweet, found = []) {
  const note = tweet.note_tweet;
  const points = Array.from(note ? note.text : tweet.text);
  const p = el('p', { class: 'text', dir: 'auto' });
  if (tweet.lang && tweet.lang !== 'und') p.lang = tweet.lang;
  let at = 0;
  for (const m of marks((note && note.entities) ?? tweet.entities)) {
    if (m.end > points.length) continue;
    p.append(...plain(points, at, m.start, found));
    const written = unescapeText(points.slice(m.start, m.end).join(''));
    const made = m.make(written);
    if (made !== null) p.append(made);
    if (made?.textContent === written) made.replaceChildren(...plain(points, m.start, m.end, found));
    else if (made?.textContent && found.some((f) => f.start <= m.start && f.end >= m.end)) made.replaceChildren(el('mark', {}, made.textContent)); // shown by other words
    at = m.end;
  }
  p.append(...plain(points, at, points.length, found));
  return p;
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' });

/** ago says a time in few letters. @param {number} ms @param {number} now */
export function ago(ms, now) {
  const s = Math.round((ms - now) / 1000);
  if (s > -60) return s > -2 ? 'now' : relative.format(s, 'second');
  if (s > -3600) return relative.format(Math.round(s / 60), 'minute');
  if (s > -86400) return relative.format(Math.round(s / 3600), 'hour');
  return new Date(ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}

function when(tweet) {
  const ms = Date.parse(tweet.created_at ?? '');
  if (Number.isNaN(ms)) return null;
  return el('time', { datetime: tweet.created_at, title: new Date(ms).toLocaleString() }, ago(ms, Date.now()));
}

function who(user) {
  return el('span', { class: 'who' }, el('b', { dir: 'auto' }, user?.name || user?.username || 'unknown'),
    user?.username ? el('a', { href: '/?q=' + encodeURIComponent('from:' + user.username) }, '@' + user.username) : null);
}

function avatar(user) {
  const name = user?.name || user?.username || '?';
  const letter = (Array.from(name).find((c) => /\p{L}|\p{N}/u.test(c)) ?? '?').toUpperCase();
  const hue = Number(BigInt(user?.id ?? 0) % 8n);
  return el('span', { class: 'avatar a' + hue, 'aria-hidden': 'true' }, letter);
}

const mediaNames = { photo: 'Photo', video: 'Video', animated_gif: 'GIF' };

function media(tweet, includes) {
  const list = el('ul', { class: 'media' });
  for (const key of tweet.attachments?.media_keys ?? []) {
    const m = includes.media?.find((x) => x.media_key === key);
    if (!m) continue;
    const name = mediaNames[m.type] ?? 'Media';
    list.append(el('li', {}, link(m.url ?? m.preview_image_url ?? '', m.alt_text ? `${name}: ${m.alt_text}` : name)));
  }
  return list.children.length ? list : null;
}

const count = new Intl.NumberFormat('en', { notation: 'compact' });

function meta(tweet, shown, author) {
  const row = el('span', { class: 'meta' });
  const figures = shown.public_metrics ?? {};
  for (const [key, one, many] of [['reply_count', 'reply', 'replies'], ['retweet_count', 'repost', 'reposts'], ['like_count', 'like', 'likes']]) {
    const n = figures[key];
    if (n > 0) row.append(el('span', {}, `${count.format(n)} ${n === 1 ? one : many}`));
  }
  if (tweet.source) row.append(el('span', {}, tweet.source));
  if (author?.username) row.append(link(`https://x.com/${encodeURIComponent(author.username)}/status/${tweet.id}`, 'on X'));
  row.append(el('a', { href: `/2/tweets/${tweet.id}/raw`, target: '_blank' }, 'raw'));
  return row;
}

/**
 * article renders a payload line of the API: {data, includes}.
 * @returns {HTMLElement}
 */
export function article(line) {
  const { data, includes = {} } = line;
  const user = (id) => includes.users?.find((u) => u.id === id);
  const ref = (type) => data.referenced_tweets?.find((r) => r.type === type)?.id;
  const author = user(data.author_id);
  const repeated = includes.tweets?.find((t) => t.id === ref('retweeted'));
  const shown = repeated ?? data;
  const writer = user(shown.author_id) ?? (repeated ? null : author);
  const a = el('article', { tabindex: '0', 'data-id': data.id, 'aria-label': `Tweet of ${writer?.name ?? writer?.username ?? 'unknown'}` });
  if (ref('retweeted')) a.append(el('span', { class: 'repeat' }, `↻ ${author?.name ?? 'someone'} reposted`));
  const head = who(writer);
  const time = when(shown);
  if (time) head.append(time);
  a.append(avatar(writer), head);
  const body = el('div', {}, text(shown, data.matches), media(shown, includes));
  const quotedId = shown.referenced_tweets?.find((r) => r.type === 'quoted')?.id;
  const quoted = includes.tweets?.find((t) => t.id === quotedId);
  if (quoted) body.append(el('blockquote', { class: 'quote', 'data-copy': quoted.id }, who(user(quoted.author_id)), text(quoted)));
  a.append(body, meta(data, shown, author));
  return a;
}
