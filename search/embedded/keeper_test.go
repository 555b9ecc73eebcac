package embedded_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// copyAll copies an archive as a user of Keeper does.
func copyAll(t testing.TB, from, to *embedded.Archive, batch int) {
	t.Helper()
	for after := tweet.ID(0); ; {
		docs, err := from.Documents(t.Context(), after, batch)
		if err != nil {
			t.Fatal(err)
		}
		if len(docs) == 0 {
			break
		}
		if err := to.Put(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
		after = docs[len(docs)-1].ID
	}
	var notices []tweet.Entry
	for e, err := range from.Notices(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		notices = append(notices, e)
	}
	at, err := from.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.Apply(t.Context(), notices, at); err != nil {
		t.Fatal(err)
	}
}

// TestCopy: an archive copied by its documents and notices is the same archive.
func TestCopy(t *testing.T) {
	a := open(t, embedded.Options{})
	var seq tweet.Seq
	for n := range 4 {
		for i, p := range querytest.Tweets().Example(n) {
			for at := range int64(i%3 + 1) {
				seq++
				e := entry(t, seq, at, p)
				e.Partial = at == 2
				apply(t, a, seq, e)
			}
			if i%5 == 0 {
				seq++
				apply(t, a, seq, deleted(seq, p.Data.ID, 3))
			}
		}
	}
	withheld := tweet.Entry{Seq: seq, Record: tweet.Record{Kind: tweet.KindWithheld, ID: 5, UserID: 7, CapturedAt: 3, Payload: []byte(`{"event":"status_withheld"}`)}}
	scrub := tweet.Entry{Seq: seq, Record: tweet.Record{Kind: tweet.KindGeo, ID: 50, UserID: 7}}
	apply(t, a, seq, withheld, scrub)
	b := open(t, embedded.Options{})
	copyAll(t, a, b, 7)
	copyAll(t, a, b, 3) // again
	_, want := held(t, a)
	if _, got := held(t, b); !slices.Equal(got, want) {
		t.Errorf("copy:\n%v\nwant:\n%v", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s, err := a.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Bytes, s.Engine = 0, ""
	checkStats(t, b, s)
	checkIndex(t, b, 20)
	var notices []string
	for e, err := range b.Notices(t.Context()) {
		notices = append(notices, fmt.Sprintf("%s %d %d %d %s %v", e.Kind, e.ID, e.UserID, e.CapturedAt, e.Payload, err))
	}
	if want := []string{"geo 50 7 0  <nil>", `withheld 5 7 3 {"event":"status_withheld"} <nil>`}; !slices.Equal(notices, want) {
		t.Errorf("notices %q", notices)
	}
	for range b.Notices(t.Context()) {
		break // who breaks off leaves nothing open
	}
}

// TestPutMerges: documents meet those that are there, whatever the order, and of two first_seq the lesser stays.
func TestPutMerges(t *testing.T) {
	a := open(t, embedded.Options{})
	id := tweet.ID(0)
	rapid.Check(t, func(rt *rapid.T) {
		type made struct {
			text      string
			at        int64
			first     tweet.Seq
			tombstone bool
		}
		docs := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) made {
			return made{rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "text"), rapid.Int64Range(0, 3).Draw(rt, "at"), tweet.Seq(rapid.IntRange(0, 9).Draw(rt, "first")), rapid.IntRange(0, 9).Draw(rt, "tombstone") == 0}
		}), 1, 5).Draw(rt, "documents")
		least := slices.MinFunc(docs, func(a, b made) int { return int(a.first - b.first) }).first
		var got []string
		for _, order := range [][]made{docs, rapid.Permutation(docs).Draw(rt, "order")} {
			id++
			for len(order) > 0 {
				n := rapid.IntRange(1, len(order)).Draw(rt, "batch")
				var batch []*tweet.Document
				for _, m := range order[:n] {
					e := entry(t, 0, m.at, text(id, m.text))
					e.Raw = []byte(m.text)
					d := tweet.NewDocument(&e.Record, m.first)
					if m.tombstone {
						d = tweet.NewTombstone(id, m.first, m.at)
					}
					batch = append(batch, d)
				}
				if err := a.Put(t.Context(), batch); err != nil {
					rt.Fatal(err)
				}
				order = order[n:]
			}
			d := get(t, a, id)
			if d.FirstSeq != least {
				rt.Fatalf("first_seq %d, least is %d", d.FirstSeq, least)
			}
			if n := len(finds(t, a, "id:"+id.String())); (n == 1) == d.Tombstone {
				rt.Fatalf("%d found, tombstone %v", n, d.Tombstone)
			}
			got = append(got, fmt.Sprint(d.Version(), d.BodyAt, d.Revived, string(d.Raw)))
		}
		if got[0] != got[1] {
			rt.Fatalf("%s\n%s", got[0], got[1])
		}
	})
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// mismatched is a sighting that is refused since its payload is of another tweet; mended by nobody.
func mismatched(t testing.TB, seq tweet.Seq, id, of tweet.ID, inside ...tweet.Tweet) tweet.Entry {
	p := text(of, "mismatched")
	if len(inside) > 0 {
		p.Includes = &tweet.Includes{Tweets: inside}
	}
	e := entry(t, seq, 5, p)
	e.ID = id
	return e
}

func letters(t testing.TB, a *embedded.Archive, after string, limit int) []search.DeadLetter {
	t.Helper()
	got, err := a.DeadLetters(t.Context(), after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDeadLetters(t *testing.T) {
	a := open(t, embedded.Options{})
	apply(t, a, 5, broken(1, 11), mismatched(t, 2, 12, 99), broken(3, 13), mismatched(t, 4, 14, 99))
	if _, err := a.Import(t.Context(), []tweet.Record{broken(0, 15).Record}); err != nil {
		t.Fatal(err)
	}
	if err := a.Put(t.Context(), []*tweet.Document{{ID: 16, FirstSeq: 3, At: 7, Payload: []byte("{"), Figures: []byte("[]")}}); err != nil {
		t.Fatal(err)
	}
	all := letters(t, a, "", 10)
	var ids []tweet.ID
	for i, l := range all {
		if ids = append(ids, l.ID); l.Reason == "" || i > 0 && l.Key <= all[i-1].Key {
			t.Errorf("letter %+v", l)
		}
	}
	if want := []tweet.ID{11, 12, 13, 14, 15, 16}; !slices.Equal(ids, want) || all[0].Seq != 1 || all[4].Seq != 0 || string(all[0].Content.Raw) != "broken raw" || string(all[5].Content.Figures) != "[]" {
		t.Errorf("letters %+v", all)
	}
	if some := letters(t, a, all[1].Key, 2); len(some) != 2 || some[0].ID != 13 {
		t.Errorf("after the second: %+v", some)
	}

	// What is still refused keeps its key; unknown keys, and those of letters that have gone, are passed over.
	n, err := a.Drop(t.Context(), all[5].Key, all[5].Key, "x", "000000000001-12", "1-11", "")
	if err != nil || n != 1 {
		t.Errorf("dropped %d, %v", n, err)
	}
	if err := a.Put(t.Context(), []*tweet.Document{{ID: 17, Payload: []byte("{")}}); err != nil {
		t.Fatal(err)
	}
	if n, err := a.Drop(t.Context(), all[5].Key); err != nil || n != 0 {
		t.Errorf("the key of a letter that was dropped dropped %d, %v", n, err)
	}
	out, err := a.Retry(t.Context(), all[0].Key, all[0].Key, all[5].Key, all[3].Key, "nonsense")
	if err != nil || out != (search.Outcome{Refused: 2}) {
		t.Errorf("retry: %+v, %v", out, err)
	}
	checkStats(t, a, search.Stats{DeadLetters: 6, Position: tweet.Position{Epoch: "e", Seq: 5}, HighestSeq: 5})
	if again := letters(t, a, "", 1); again[0].Key != all[0].Key {
		t.Errorf("refused again: %+v", again[0])
	}
}

// TestRetry: what was refused by an older program is taken as what it was when it came.
func TestRetry(t *testing.T) {
	path := oldArchive(t)
	a := openAt(t, path, embedded.Options{Stale: true})
	if err := a.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	e := entry(t, 100, 50, text(500, "was refused"))
	e.Partial = true
	e.ID = 501
	apply(t, a, 100, e)
	if _, err := a.Import(t.Context(), []tweet.Record{e.Record}); err != nil {
		t.Fatal(err)
	}
	apply(t, a, 120)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	// This program refused them since the ids differ; another may see no fault.
	value[int](t, path, "UPDATE dead_letters SET id = CASE seq WHEN 0 THEN 600 ELSE 500 END WHERE id = 501 RETURNING 1")
	frame := value[[]byte](t, path, "SELECT frame FROM dead_letters WHERE id = 500")
	c, err := tweet.Unpack(frame)
	if err != nil {
		t.Fatal(err)
	}
	a = openAt(t, path, embedded.Options{})
	all := letters(t, a, "", 10)
	if len(all) != 3 || string(all[1].Content.Raw) != string(c.Raw) {
		t.Fatalf("letters %+v", all)
	}
	var keys []string
	for _, l := range all {
		keys = append(keys, l.Key)
	}
	out, err := a.Retry(t.Context(), keys...)
	if err != nil || out != (search.Outcome{Inserted: 1, Refused: 2}) {
		t.Errorf("retry: %+v, %v", out, err)
	}
	if d := get(t, a, 500); d == nil || d.FirstSeq != 100 || d.At != 50 || d.BodyAt != 50 || !d.Partial {
		t.Errorf("taken as %+v", d)
	}
	if ids := finds(t, a, "refused"); !slices.Equal(ids, []tweet.ID{500}) {
		t.Errorf("found %v", ids)
	}
	checkStats(t, a, search.Stats{Tweets: 56, Tombstones: 7, DeadLetters: 2, Position: tweet.Position{Epoch: "e", Seq: 120}, HighestSeq: 120})
}

// TestDeadLettersOfDeleted: nothing of a deleted tweet stays in the dead letters, nor of copies of it in others.
func TestDeadLettersOfDeleted(t *testing.T) {
	a := open(t, embedded.Options{})
	secret := text(1, "xyzzysecret").Data
	apply(t, a, 3, mismatched(t, 1, 20, 99, secret), broken(2, 21), mismatched(t, 3, 22, 99, text(2, "harmless").Data))
	apply(t, a, 4, deleted(4, 1, 9, 20, 21, 22))
	all := letters(t, a, "", 10)
	if len(all) != 3 {
		t.Fatalf("letters %+v", all)
	}
	if c := all[0].Content; strings.Contains(string(c.Payload)+string(c.Raw), "secret") || !strings.Contains(string(c.Payload), "mismatched") {
		t.Errorf("that of a holder: %s %s", c.Payload, c.Raw)
	}
	if c := all[1].Content; len(c.Payload)+len(c.Raw) > 0 {
		t.Errorf("that of a holder that cannot be read: %s %s", c.Payload, c.Raw)
	}
	if c := all[2].Content; len(c.Raw) == 0 || !strings.Contains(string(c.Payload), "harmless") {
		t.Errorf("that of another: %s %s", c.Payload, c.Raw)
	}
	out, err := a.Retry(t.Context(), all[0].Key, all[1].Key)
	if err != nil || out != (search.Outcome{Refused: 1}) {
		t.Errorf("retry: %+v, %v", out, err)
	}
	if left := letters(t, a, "", 10); len(left) != 2 || left[0].ID != 20 {
		t.Errorf("what has no content stays: %+v", left)
	}
}
