# Streams: our server beside r3labs/sse, tmaxmax/go-sse and a plain net/http loop. One generator, one after another, the server on one core and
# the generator on another. Ours takes its events through the journal and matches them, with ids, queries and metrics on.
# BIRDWATCH_BENCH_STEPS  size of an event : connections, "300:1000,1500:10000"; the most connections need as many open files, and some more
# BIRDWATCH_BENCH_SPAN   how long a phase lasts: 5s
set -euo pipefail
tmp=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill "$server" || true
	rm -rf "$tmp"
}
trap finish EXIT
go build -o "$tmp/birdwatch" ./cmd/birdwatch
go -C scripts/tools build -o "$tmp/push" ./push
go -C scripts/tools build -o "$tmp/peer" ./peer
ulimit -n "$(ulimit -Hn)"
generate() { # NAME STREAM PUBLISH [TOKEN]
	taskset -c 1 "$tmp/push" -name "$1" -url "$2" -publish "$3" -token "${4:-}" -pid "$server" -steps "${BIRDWATCH_BENCH_STEPS:-300:1000,1500:10000}" -span "${BIRDWATCH_BENCH_SPAN:-5s}"
	kill "$server"
	wait "$server" || true
	server=
}
for peer in nethttp r3labs go-sse; do
	rm -f "$tmp/url"
	taskset -c 0 "$tmp/peer" -kind "$peer" >"$tmp/url" 2>"$tmp/log" &
	server=$!
	until [ -s "$tmp/url" ]; do sleep 0.05; done
	generate "$peer" "$(cat "$tmp/url")/events" "$(cat "$tmp/url")/pub"
done
taskset -c 0 "$tmp/birdwatch" serve --data "$tmp/data" --listen 127.0.0.1:0 2>"$tmp/log" &
server=$!
until [ -s "$tmp/data/address" ]; do sleep 0.05; done
url=$(cat "$tmp/data/address")
generate birdwatch "$url/2/tweets/search/live?query=go" "$url/2/tweets/ingest" "$(cat "$tmp/data/token")"
