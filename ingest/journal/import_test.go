package journal_test

import (
	"path/filepath"
	"slices"
	"testing"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

func claim(t testing.TB, j *journal.Journal, recs ...tweet.Record) (*journal.Batch, []string) {
	t.Helper()
	b, err := j.Import(t.Context(), recs)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, v := range b.Verdicts {
		out = append(out, kinds[v.Kind])
		if writes := v.Kind == journal.New || v.Kind == journal.Update; recs[i].Kind == tweet.KindTweet && writes != (v.Record != nil) {
			t.Errorf("record %d: verdict %s with record %v", i, kinds[v.Kind], v.Record)
		}
	}
	return b, out
}

func confirm(t testing.TB, j *journal.Journal, b *journal.Batch) {
	t.Helper()
	if err := j.Confirm(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func TestImportClaimsAndEntersNothing(t *testing.T) {
	j := open(t, journal.Options{MinSeq: 7})
	b, got := claim(t, j,
		sighting(1, 5, "a", false), sighting(1, 5, "a", false), sighting(1, 9, "a", false), deletion(2, 9), sighting(2, 0, "b", false), deletion(1, 10))
	same(t, "verdicts", got, []string{"new", "same", "update", "noted", "deleted", "honored"})
	same(t, "entries", dump(t, j), []string{"8 delete 2 first 0", "9 delete 1 first 7"})
	confirm(t, j, b)
	b, got = claim(t, j, sighting(3, 0, "x", false))
	same(t, "verdicts", got, []string{"new"})
	confirm(t, j, b)
	same(t, "by Append", appendAll(t, j, sighting(3, 0, "x", false), sighting(3, 1, "x", false)), []string{"same", "update"})
	same(t, "entries", dump(t, j)[2:], []string{"10 update 3 first 9"})
}

// A process that ends between a claim and its confirmation may leave the archive without the tweet.
func TestUnconfirmedImportIsNeverTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path, journal.Options{})
	old, young := sighting(1, 5, "old", false), sighting(1, 9, "young", false)
	lost, _ := claim(t, j, young)
	_, got := claim(t, j, young)
	same(t, "while it is being written", got, []string{"update"})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openAt(t, path, journal.Options{})
	b, got := claim(t, j, old) // another file, with an older sighting
	same(t, "older", got, []string{"update"})
	confirm(t, j, b)
	b, got = claim(t, j, young)
	same(t, "the lost one again", got, []string{"update"})
	confirm(t, j, b)
	_, got = claim(t, j, young)
	same(t, "confirmed", got, []string{"same"})
	if err := j.Confirm(t.Context(), lost); err != nil { // of another process: nothing to confirm, no harm
		t.Error(err)
	}
}

func TestTwoUnconfirmedBatchesOfOneTweet(t *testing.T) {
	j := open(t, journal.Options{})
	a, _ := claim(t, j, sighting(1, 9, "young", false))
	b, _ := claim(t, j, sighting(1, 5, "old", false))
	confirm(t, j, b)
	_, got := claim(t, j, sighting(1, 9, "young", false))
	same(t, "the first is not confirmed", got, []string{"update"})
	confirm(t, j, a)
}

// The delete's entry names the holder, but the archive may meet it before it has the holder.
func TestCopyDeletedDuringAnImportIsCutAgain(t *testing.T) {
	for _, crash := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "journal.db")
		j := openAt(t, path, journal.Options{})
		appendAll(t, j, sighting(1, 0, "original", false))
		b, _ := claim(t, j, sighting(2, 0, "quotes", false, 1), sighting(3, 0, "repeats", true, 1), sighting(4, 0, "quotes", false, 1), sighting(5, 0, "quotes another", false, 6))
		appendAll(t, j, deletion(1, 4))
		want := []string{"1 tweet 1", "2 delete 1 first 1 cut [2 4]", "3 delete 3 first 1"}
		same(t, "before", dump(t, j), want)
		if crash {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = openAt(t, path, journal.Options{})
		} else {
			confirm(t, j, b)
		}
		want = append(want, "4 delete 1 first 0 cut [2 4] unseen")
		same(t, "after", dump(t, j), want)
	}
}

func TestRebuildKnowsWhatTheArchiveHas(t *testing.T) {
	j := open(t, journal.Options{MinSeq: 50})
	docs := []journal.Known{
		{ID: 1, FirstSeq: 10, At: 5},
		{ID: 2, FirstSeq: 11, At: 5, Copies: []tweet.Copy{{ID: 1, Repeats: true}}},
		{ID: 3, FirstSeq: 0, At: 5, Copies: []tweet.Copy{{ID: 1}}},
		{ID: 4, FirstSeq: 12, At: 5, Tombstone: true},
	}
	err := j.Rebuild(t.Context(), func(yield func(journal.Known, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "verdicts", appendAll(t, j, sighting(4, 6, "deleted", false), sighting(3, 5, "known", false, 1), sighting(5, 0, "new", false), deletion(1, 9)),
		[]string{"deleted", "update", "new", "honored"})
	same(t, "entries", dump(t, j), []string{"51 delete 4 first 0", "52 update 3 first 1", "53 tweet 5", "54 delete 1 first 10 cut [3]", "55 delete 2 first 11"})
	gone, err := j.Deleted(t.Context(), 1, 2, 3, 4, 99)
	if err != nil || !slices.Equal(gone, []bool{true, true, false, true, false}) {
		t.Errorf("deleted: %v, %v", gone, err)
	}
}
