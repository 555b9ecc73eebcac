# From the wire of a v1.1 stream to the sockets of 1,000 subscribers, each with a query of its own, one of which every tweet matches: how long it
# takes, at 1,000 tweets a second, and whether 4,000 are kept up with. Server and generator on the same two cores.
# BIRDWATCH_BENCH_RATES  tweets a second : how long, a phase each: 1000:30s,4000:60s
set -euo pipefail
tmp=$(mktemp -d)
pids=()
finish() {
	for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
	rm -rf "$tmp"
}
trap finish EXIT
go build -o "$tmp/birdwatch" ./cmd/birdwatch
go -C scripts/tools build -o "$tmp/push" ./push
# the bundled tweets, in the shape of the stream
"$tmp/birdwatch" replay --listen 127.0.0.1:19290 --renumber --seed 1 --log-level error &
pids+=($!)
for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/19290) 2>/dev/null && break; sleep 0.1; done
oauth='OAuth oauth_consumer_key="k", oauth_nonce="n", oauth_signature="s", oauth_signature_method="HMAC-SHA1", oauth_timestamp="1", oauth_token="t"'
{ curl -sN -m 20 -H "Authorization: $oauth" http://127.0.0.1:19290/1.1/statuses/sample.json || true; } | { grep --line-buffered . || true; } | head -n 1000 >"$tmp/tweets.jsonl"
wire=127.0.0.1:19291
"$tmp/birdwatch" serve --data "$tmp/data" --listen 127.0.0.1:0 --stream-url "http://$wire" --max-streams-address 2000 2>"$tmp/log" &
server=$!
pids+=("$server")
until [ -s "$tmp/data/address" ]; do sleep 0.05; done
"$tmp/push" -name birdwatch -url "$(cat "$tmp/data/address")/2/tweets/search/live?query=w{}" -pid "$server" -wire "$wire" -tweets "$tmp/tweets.jsonl" -rates "${BIRDWATCH_BENCH_RATES:-1000:30s,4000:60s}"
