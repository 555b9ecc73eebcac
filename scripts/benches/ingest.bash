# What comes in: reading the shapes of tweets, appends to the journal; and an import as a user runs it: BIRDWATCH_BENCH_TWEETS (100,000)
# full v1.1 tweets, the bundled ones with new ids and times, as gzipped lines in order of time, into a new embedded archive.
set -euo pipefail
go test -run '^$' -bench . -benchtime 1s -cpu 1 ./ingest/format ./ingest/journal ./search/embedded/pack
work=$(mktemp -d)
CGO_ENABLED=0 go build -o "$work/birdwatch" ./cmd/birdwatch
"$work/birdwatch" replay --listen 127.0.0.1:19290 --renumber --loop --seed 1 --log-level error &
replay=$!
trap 'kill $replay 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/19290) 2>/dev/null && break; sleep 0.1; done
n=${BIRDWATCH_BENCH_TWEETS:-100000}
oauth='OAuth oauth_consumer_key="k", oauth_nonce="n", oauth_signature="s", oauth_signature_method="HMAC-SHA1", oauth_timestamp="1", oauth_token="t"'
{ curl -sN -H "Authorization: $oauth" http://127.0.0.1:19290/1.1/statuses/sample.json || true; } | { grep --line-buffered . || true; } | head -n "$n" | gzip -3 >"$work/tweets.jsonl.gz"
kill $replay
bytes=$(zcat "$work/tweets.jsonl.gz" | wc -c)
for _ in 1 2 3; do
	rm -rf "$work/data"
	# user and system seconds tell what it costs whatever else the machine does
	TIMEFORMAT="$n tweets of $((bytes / n)) bytes: %R s, %U + %S s of CPU"
	time "$work/birdwatch" import --data "$work/data" -q "$work/tweets.jsonl.gz"
	echo "archive: $(($(stat -c %s "$work/data/archive.db") / n)) bytes a tweet"
done
