// A birdwatch server of its own for a test: a fresh data folder, a free port.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const binary = process.env.BIRDWATCH_BINARY;
if (!binary) throw new Error('BIRDWATCH_BINARY names the program to test');

export class Server {
  /** @param {...string} flags of serve, beside the folder and the address */
  constructor(...flags) {
    this.flags = flags;
    this.data = mkdtempSync(join(tmpdir(), 'birdwatch-page-'));
    this.address = '127.0.0.1:0';
  }

  import(...paths) {
    execFileSync(binary, ['import', '--data', this.data, ...paths], { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  /** start resolves when the server says where it listens; a restart keeps the port. */
  async start() {
    this.process = spawn(binary, ['serve', '--data', this.data, '--listen', this.address, ...this.flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout.resume();
    const lines = createInterface({ input: this.process.stderr });
    this.url = await new Promise((resolve, reject) => {
      const log = [];
      lines.on('line', (line) => {
        log.push(line);
        const m = line.match(/http:\/\/[\d.]+:\d+/);
        if (m) resolve(m[0]);
      });
      this.process.once('exit', (code) => reject(new Error(`server ended with ${code}:\n${log.join('\n')}`)));
    });
    this.address = this.url.slice('http://'.length);
    this.token = readFileSync(join(this.data, 'token'), 'utf8').trim();
  }

  async stop(signal = 'SIGTERM') {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill(signal);
    await ended;
  }

  async ask(method, path, body) {
    const r = await fetch(this.url + path, { method, body, headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' } });
    if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${await r.text()}`);
    return r.json();
  }

  /** post takes in a v1.1 tweet made of a text; gives its id. */
  async post(text, more = {}) {
    const id = newId();
    const tweet = {
      created_at: new Date().toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/, '$1 $3 $2 $5 +0000 $4'),
      id_str: id, text, source: '<a href="https://example.com">page test</a>', truncated: false, retweet_count: 0, favorite_count: 0, lang: 'en',
      entities: { hashtags: [], urls: [], user_mentions: [], symbols: [] },
      user: { id_str: '4242', name: 'Ada Example', screen_name: 'ada_example', followers_count: 7, friends_count: 1, listed_count: 0, statuses_count: 9 },
      ...more,
    };
    await this.ask('POST', '/2/tweets/ingest', JSON.stringify(tweet));
    return id;
  }

  remove(id) { return this.ask('DELETE', `/2/tweets/${id}`); }

  clean() { rmSync(this.data, { recursive: true, force: true }); }
}

let last = 0n;

function newId() {
  const id = (BigInt(Date.now()) - 1288834974657n) << 22n;
  last = id > last ? id : last + 1n;
  return String(last);
}
