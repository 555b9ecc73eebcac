package journal_test

import (
	"fmt"
	"testing"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// batchOf makes n sightings of about 2.5 KB of raw bytes and 1.2 KB of payload, from id on.
func batchOf(n int, id tweet.ID) []tweet.Record {
	recs := make([]tweet.Record, n)
	for i := range recs {
		id++
		r := sighting(id, int64(id), fmt.Sprintf("tweet %d with some words of its own %d, and #tags http://example.com/%d", id, id*7919, id*104729), false)
		r.Raw = make([]byte, 0, 2600)
		for k := 0; len(r.Raw) < 2500; k++ {
			r.Raw = fmt.Appendf(r.Raw, `,"field_%d":{"id":%d,"name":"value %d"}`, k, int64(id)*int64(k+1), int(id)%(k+2))
		}
		recs[i] = r
	}
	return recs
}

func perSecond(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "tweets/s")
}

func BenchmarkAppend500(b *testing.B) {
	j := open(b, journal.Options{})
	id := tweet.ID(1)
	for b.Loop() {
		b.StopTimer()
		recs := batchOf(500, id)
		id += 500
		b.StartTimer()
		if _, err := j.Append(b.Context(), recs); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, 500)
}

func BenchmarkAppendOne(b *testing.B) {
	j := open(b, journal.Options{})
	id := tweet.ID(1)
	for b.Loop() {
		recs := batchOf(1, id)
		id++
		if _, err := j.Append(b.Context(), recs); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkImport2000(b *testing.B) {
	j := open(b, journal.Options{})
	id := tweet.ID(1)
	for b.Loop() {
		b.StopTimer()
		recs := batchOf(2000, id)
		id += 2000
		b.StartTimer()
		batch, err := j.Import(b.Context(), recs)
		if err == nil {
			err = j.Confirm(b.Context(), batch)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, 2000)
}

func BenchmarkSinceFromFile(b *testing.B) {
	j := open(b, journal.Options{})
	for i := range 12 {
		appendAll(b, j, batchOf(1000, tweet.ID(i*1000+1))...)
	}
	for b.Loop() {
		if es, err := j.Since(b.Context(), 0, 1000); err != nil || len(es) != 1000 {
			b.Fatal(len(es), err)
		}
	}
	perSecond(b, 1000)
}
