# Searches of an archive. Embedded: BIRDWATCH_BENCH_TWEETS is how many tweets it has: 1,000,000; and what HTTP adds. Elasticsearch, both
# versions that are tested: beside the requests and the bulk loader that one would write by hand; only where maven is.
set -euo pipefail
BIRDWATCH_BENCH_TWEETS=${BIRDWATCH_BENCH_TWEETS:-1000000} go test -run '^$' -bench Archive -benchtime 1s -timeout 120m ./search/embedded
go test -run '^$' -bench . -benchtime 2s -cpu 1 ./search/embedded/pack
go test -run '^$' -bench HTTP -benchtime 2s ./api
command -v mvn >/dev/null || { echo "no maven: Elasticsearch is not measured"; exit; }
data=$(mktemp -d)
chmod 711 "$data"
finish() {
	for version in "$data"/*/; do scripts/elasticsearch stop --data "$version" || true; done
	rm -rf "$data"
}
trap finish EXIT
port=19250 urls=''
while read -r version; do
	scripts/elasticsearch start --by maven --version "$version" --data "$data/$version" --port $port
	urls=$urls,http://127.0.0.1:$port port=$((port + 1))
done <scripts/elastic/versions
BIRDWATCH_TEST_ELASTIC=${urls#,} go test -run '^$' -bench 'Newest|Write' -benchtime 3s -timeout 60m ./search/elastic
