// The subscription: one EventSource that brings history and then what is new, resumed by the last event's id.

const fields = new URLSearchParams({
  'tweet.fields': 'attachments,author_id,created_at,entities,lang,matches,note_tweet,public_metrics,referenced_tweets,source',
  expansions: 'author_id,referenced_tweets.id,referenced_tweets.id.author_id,attachments.media_keys',
  'user.fields': 'id,name,username,verified',
  'media.fields': 'alt_text,media_key,preview_image_url,type,url',
});

/** withFields adds what the page shows of a tweet. @param {Record<string,string>} params */
export function withFields(params) {
  const p = new URLSearchParams(fields);
  for (const [k, v] of Object.entries(params)) p.set(k, v);
  return p;
}

const backoffStart = 1000, backoffMax = 60000;

/**
 * Stream follows a query. Events: tweet(line, isNew), deleted(id), live(), gap(detail), ended(), state(name, text).
 * The browser's own reconnection is used while it lasts; when it gives up (a status other than 200, or no
 * server), a new EventSource is made after a while, with jitter, from the last place.
 */
export class Stream {
  constructor(query, backfill, on) {
    this.query = query;
    this.backfill = backfill;
    this.on = on;
    this.last = '';
    this.wait = backoffStart;
    this.timer = 0;
    this.source = null;
    this.open();
  }

  open() {
    const params = withFields({ query: this.query });
    if (this.last) params.set('last_event_id', this.last);
    else params.set('backfill', String(this.backfill));
    this.on.state('connecting', 'Connecting');
    const source = new EventSource('/2/tweets/search/live?' + params);
    this.source = source;
    this.history = !this.last || this.last.split('@')[0].split('-').length > 2;
    const note = (e) => { if (e.lastEventId) this.last = e.lastEventId; };
    source.onopen = () => { if (!this.history) this.live(); };
    source.onmessage = (e) => { note(e); this.on.tweet(JSON.parse(e.data), !this.history); };
    source.addEventListener('live', (e) => { note(e); this.history = false; this.live(); });
    source.addEventListener('delete', (e) => { note(e); this.on.deleted(JSON.parse(e.data).id); });
    source.addEventListener('gap', (e) => { note(e); this.on.gap(JSON.parse(e.data)); });
    source.addEventListener('end', () => { this.close(); this.on.ended(); });
    source.onerror = () => {
      if (this.source !== source) return;
      if (source.readyState === EventSource.CLOSED) this.retry();
      else this.on.state('waiting', 'Reconnecting');
    };
  }

  live() {
    this.wait = backoffStart;
    this.on.live();
    this.on.state('live', 'Live');
  }

  retry() {
    this.source = null;
    const ms = this.wait * (0.5 + Math.random());
    this.wait = Math.min(this.wait * 2, backoffMax);
    this.on.state('waiting', `No connection; trying again in ${Math.ceil(ms / 1000)} s`);
    this.timer = setTimeout(() => this.open(), ms);
  }

  /** close ends the stream; resume goes on from its place. */
  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  resume() {
    if (!this.source) this.open();
  }
}
