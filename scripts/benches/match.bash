# Matching, tweets for a second of CPU time: standing queries against tweets; and the same queries and tweets given to Lucene Monitor and to
# Elasticsearch's percolator, which must find the same. They come from Maven Central.
# BIRDWATCH_BENCH_QUERIES  how many queries, one run each: "1000 10000 100000"
# BIRDWATCH_BENCH_SECONDS  of CPU time for each figure of theirs, after half of it to warm up: 20
# BIRDWATCH_BENCH_PEERS    none: leave the others out
set -euo pipefail
go test -run '^$' -bench Index -benchtime 1s -cpu 1 ./live
go test -run '^$' -bench . -benchtime 1s -cpu 1 ./query ./tweet
[ "${BIRDWATCH_BENCH_PEERS:-}" != none ] || exit 0

tmp=$(mktemp -d)
chmod 711 "$tmp" # Elasticsearch may run as another user
elastic=$tmp/elasticsearch
trap 'scripts/elasticsearch stop --data "$elastic" || true; rm -rf "$tmp"' EXIT
port=19330
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
seconds=${BIRDWATCH_BENCH_SECONDS:-20}
mvn -q -B -ntp -f scripts/benches/lucene/pom.xml "-Djars=$tmp/lucene" package
scripts/elasticsearch start --by maven --version 7.17.29 --data "$elastic" --port "$port" --heap 2g
go -C scripts/tools build -o "$tmp/percolate" ./percolate
go test -c -o "$tmp/live.test" ./live
for n in ${BIRDWATCH_BENCH_QUERIES:-1000 10000 100000}; do
	mkdir "$tmp/$n"
	(cd live && BIRDWATCH_PEERS_DIR=$tmp/$n BIRDWATCH_PEERS_QUERIES=$n "$tmp/live.test" -test.run '^$' -test.bench Peers -test.cpu 1) | grep ^birdwatch- | tee -a "$tmp/figures"
	java -Xmx3g -cp "$tmp/lucene/*" scripts/benches/lucene/Match.java "$tmp/$n" "$seconds" | tee -a "$tmp/figures"
	"$tmp/percolate" "http://127.0.0.1:$port" "$(cat "$elastic/elasticsearch.pid")" "$tmp/$n" "$seconds" | tee -a "$tmp/figures"
done

# Times are by our figure with the terms made of the tweet, and with terms given, as the others have the words given.
awk '
	{ rate[$2, $1] = $3; if (!($2 in seen)) { seen[$2] = 1; order[++n] = $2 } }
	function best(queries, like,   of, key, most) {
		for (of in rate) { split(of, key, SUBSEP); if (key[1] == queries && key[2] ~ like && rate[of] > most) most = rate[of] }
		return most
	}
	function against(figure, made, given) { return !figure ? "not run" : sprintf("%d (%.0f to %.0f times)", figure, made / figure, given / figure) }
	END {
		print "\n| queries | terms given | terms made | Lucene Monitor, best | percolator, best | percolator, one by one, index_prefixes |\n|---|---|---|---|---|---|"
		for (i = 1; i <= n; i++) {
			q = order[i]; made = rate[q, "birdwatch-tweet"]; given = rate[q, "birdwatch-terms"]
			printf "| %s | %d | %d | %s | %s | %s |\n", q, given, made, against(best(q, "^lucene"), made, given), against(best(q, "^percolator"), made, given), against(rate[q, "percolator-prefixes-1"], made, given)
		}
	}' "$tmp/figures"
