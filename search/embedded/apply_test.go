package embedded_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

func entry(t testing.TB, seq tweet.Seq, at int64, p *tweet.Payload) tweet.Entry {
	t.Helper()
	r := record(t, p)
	r.CapturedAt = at
	return tweet.Entry{Seq: seq, FirstSeq: seq, Record: r}
}

func apply(t testing.TB, a *embedded.Archive, to tweet.Seq, es ...tweet.Entry) search.Outcome {
	t.Helper()
	out, err := a.Apply(t.Context(), es, tweet.Position{Epoch: "e", Seq: to})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func get(t testing.TB, a *embedded.Archive, id tweet.ID) *tweet.Document {
	t.Helper()
	docs, err := a.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) == 0 {
		return nil
	}
	return docs[0]
}

func finds(t testing.TB, a *embedded.Archive, text string) []tweet.ID {
	t.Helper()
	ids, err := walk(t.Context(), a, parse(t, text), true, 100)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func text(id tweet.ID, s string) *tweet.Payload {
	return &tweet.Payload{Data: tweet.Tweet{ID: id, Text: s}}
}

func deleted(seq tweet.Seq, id tweet.ID, at int64, cut ...tweet.ID) tweet.Entry {
	return tweet.Entry{Seq: seq, Cut: cut, Record: tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: at}}
}

func broken(seq tweet.Seq, id tweet.ID) tweet.Entry {
	return tweet.Entry{Seq: seq, Record: tweet.Record{Kind: tweet.KindTweet, ID: id, Payload: []byte(`{"data":`), Raw: []byte("broken raw")}}
}

// checkStats holds what the archive says of itself to what it has.
func checkStats(t testing.TB, a *embedded.Archive, want search.Stats) {
	t.Helper()
	s, err := a.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Bytes <= 0 {
		t.Errorf("%d bytes on disk", s.Bytes)
	}
	s.Bytes, s.Engine = 0, ""
	if !reflect.DeepEqual(s, want) {
		t.Errorf("stats %+v, want %+v", s, want)
	}
	var tweets, tombstones int64
	for i, err := range a.Identities(t.Context()) {
		switch {
		case err != nil:
			t.Fatal(err)
		case i.Tombstone:
			tombstones++
		default:
			tweets++
		}
	}
	if tweets != s.Tweets || tombstones != s.Tombstones {
		t.Errorf("stats say %d tweets and %d tombstones; there are %d and %d", s.Tweets, s.Tombstones, tweets, tombstones)
	}
}

func TestApply(t *testing.T) {
	a := open(t, embedded.Options{})
	at := func(seq tweet.Seq) tweet.Position { return tweet.Position{Epoch: "e", Seq: seq} }
	out := apply(t, a, 6, entry(t, 1, 10, text(1, "one")), entry(t, 2, 10, text(2, "two")), broken(3, 3), deleted(4, 4, 10), entry(t, 5, 20, text(1, "one again")), entry(t, 6, 10, text(2, "two")))
	if want := (search.Outcome{Inserted: 2, Updated: 1, Same: 1, Deleted: 1, Refused: 1}); out != want {
		t.Errorf("outcome %+v, want %+v", out, want)
	}
	checkStats(t, a, search.Stats{Tweets: 2, Tombstones: 1, DeadLetters: 1, Position: at(6), HighestSeq: 6})
	if d := get(t, a, 1); d.FirstSeq != 1 || d.At != 20 || !strings.Contains(string(d.Payload), "again") {
		t.Errorf("merged in the batch: %+v", d)
	}

	// The same again, with an older place, changes nothing.
	out = apply(t, a, 3, entry(t, 1, 10, text(1, "one")), entry(t, 2, 10, text(2, "two")), broken(3, 3))
	if want := (search.Outcome{Same: 2, Refused: 1}); out != want {
		t.Errorf("again: %+v, want %+v", out, want)
	}
	checkStats(t, a, search.Stats{Tweets: 2, Tombstones: 1, DeadLetters: 1, Position: at(6), HighestSeq: 6})

	// Imports take the place's seq; merging never changes it.
	changes, err := a.Import(t.Context(), []tweet.Record{record(t, text(7, "seven")), record(t, text(1, "older")), record(t, text(2, "two")), record(t, text(4, "four"))})
	if err != nil || !slices.Equal(changes, []search.Change{search.Inserted, search.Same, search.Same, search.Deleted}) {
		t.Errorf("import: %v, %v", changes, err)
	}
	apply(t, a, 9, tweet.Entry{Seq: 8, FirstSeq: 6, Record: func() tweet.Record { r := record(t, text(7, "seven newer")); r.CapturedAt = 5; return r }()})
	if d := get(t, a, 7); d.FirstSeq != 6 || d.At != 5 {
		t.Errorf("imported and updated: %+v", d)
	}

	// A tombstone stays one, and what was refused of it goes as well.
	apply(t, a, 12, deleted(10, 3, 1), deleted(11, 7, 1), entry(t, 12, 99, text(7, "back")), broken(12, 7))
	if d := get(t, a, 7); !d.Tombstone || d.FirstSeq != 6 || len(d.Payload)+len(d.Raw) > 0 {
		t.Errorf("deleted and seen again: %+v", d)
	}
	checkStats(t, a, search.Stats{Tweets: 2, Tombstones: 3, Position: at(12), HighestSeq: 12})
	if ids := finds(t, a, ""); !slices.Equal(ids, []tweet.ID{1, 2}) {
		t.Errorf("there are %v", ids)
	}

	// Another journal's place may be lower.
	if _, err := a.Apply(t.Context(), nil, tweet.Position{Epoch: "f", Seq: 2}); err != nil {
		t.Fatal(err)
	}
	if p, err := a.Position(t.Context()); err != nil || p != (tweet.Position{Epoch: "f", Seq: 2}) {
		t.Errorf("position %v, %v", p, err)
	}
	if err := a.Purge(t.Context(), []tweet.ID{1, 7, 999}); err != nil {
		t.Fatal(err)
	}
	if get(t, a, 1) != nil || get(t, a, 7) != nil || len(finds(t, a, "one")) > 0 {
		t.Error("purged tweets are there")
	}
	checkStats(t, a, search.Stats{Tweets: 1, Tombstones: 2, Position: tweet.Position{Epoch: "f", Seq: 2}, HighestSeq: 12})
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestScrubGeo: a notice takes places from what is there, from what comes, and from copies in other tweets; nothing else.
func TestScrubGeo(t *testing.T) {
	placed := func(id, author tweet.ID, inside ...tweet.Tweet) *tweet.Payload {
		place := fmt.Sprintf("place%d", id)
		p := &tweet.Payload{Data: tweet.Tweet{ID: id, AuthorID: author, Text: "here", Geo: &tweet.Geo{PlaceID: place}}}
		p.Includes = &tweet.Includes{Users: []tweet.User{{ID: author, Username: "u" + author.String()}}, Tweets: inside, Places: []tweet.Place{{ID: place, FullName: place}}}
		for _, q := range inside {
			p.Data.ReferencedTweets = append(p.Data.ReferencedTweets, tweet.Reference{Type: "quoted", ID: q.ID})
			p.Includes.Places = append(p.Includes.Places, tweet.Place{ID: q.Geo.PlaceID, FullName: q.Geo.PlaceID})
		}
		return p
	}
	all := []*tweet.Payload{placed(1, 7), placed(2, 7), placed(3, 8), placed(4, 8, placed(1, 7).Data), placed(5, 8, placed(2, 7).Data), placed(6, 7)}
	notice := tweet.Entry{Seq: 50, Record: tweet.Record{Kind: tweet.KindGeo, ID: 1, UserID: 7}}
	for _, first := range []bool{false, true} {
		a := open(t, embedded.Options{})
		if first {
			apply(t, a, 50, notice)
		}
		for i, p := range all {
			apply(t, a, 50, entry(t, tweet.Seq(i+1), 1, p))
		}
		if !first {
			apply(t, a, 50, notice)
		}
		if ids := finds(t, a, "has:geo"); !slices.Equal(ids, []tweet.ID{2, 3, 4, 5, 6}) {
			t.Errorf("notice first %v: with a place %v", first, ids)
		}
		for id := range tweet.ID(6) {
			d := get(t, a, id+1)
			cut := id+1 == 1 || id+1 == 4
			if strings.Contains(string(d.Payload), "place1") || d.RawCut != cut || (len(d.Raw) == 0) != cut {
				t.Errorf("notice first %v: tweet %d: %s, cut %v, raw %d", first, d.ID, d.Payload, d.RawCut, len(d.Raw))
			}
			if own := fmt.Sprintf("place%d", d.ID); d.ID != 1 && strings.Count(string(d.Payload), own) != 3 {
				t.Errorf("notice first %v: tweet %d lost its own place: %s", first, d.ID, d.Payload)
			}
		}
	}
}

// TestNotices: those that nothing follows from yet are kept, each once, whatever journal brings them.
func TestNotices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a, err := embedded.Open(t.Context(), path, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	withheld := tweet.Entry{Seq: 1, Record: tweet.Record{Kind: tweet.KindWithheld, ID: 5, UserID: 7, CapturedAt: 3, Payload: []byte(`{"event":"status_withheld"}`)}}
	other := tweet.Entry{Seq: 1, Record: tweet.Record{Kind: tweet.KindUser, UserID: 7}}
	for _, e := range []tweet.Entry{withheld, other, withheld, other} {
		if out := apply(t, a, 1, e); out != (search.Outcome{}) {
			t.Errorf("outcome of a notice: %+v", out)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if n := value[int](t, path, "SELECT count(*) FROM notices"); n != 2 {
		t.Errorf("%d notices", n)
	}
}

// value asks a closed archive's file.
func value[T any](t testing.TB, path, text string) (v T) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(text).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOpenRefusesOtherVersions(t *testing.T) {
	for _, tt := range []struct{ key, want string }{{"format", "use a newer one"}, {"analysis", "made again"}} {
		path := filepath.Join(t.TempDir(), "archive.db")
		a, err := embedded.Open(t.Context(), path, embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		fill(t, a, []*tweet.Payload{text(1, "one")})
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		value[int](t, path, "UPDATE meta SET value = value + 1 WHERE key = '"+tt.key+"' RETURNING value")
		value[string](t, path, "DROP TABLE geo_scrubs; SELECT 'a table that the other version does not have'")
		if _, err = embedded.Open(t.Context(), path, embedded.Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("another %s: %v", tt.key, err)
		}
		if n := value[int](t, path, "SELECT count(*) FROM sqlite_schema WHERE name = 'geo_scrubs'"); n != 0 {
			t.Errorf("another %s: the file was changed", tt.key)
		}
	}
}

// TestSeqBounds: what a subscription's history and a gap's link ask.
func TestSeqBounds(t *testing.T) {
	a := open(t, embedded.Options{})
	for i := range 10 {
		apply(t, a, tweet.Seq(i+1), entry(t, tweet.Seq(i+1), 1, text(tweet.ID(20-i), "all")))
	}
	seq := func(n tweet.Seq) *tweet.Seq { return &n }
	for _, tt := range []struct {
		after, until *tweet.Seq
		want         []tweet.ID
	}{{nil, seq(2), []tweet.ID{20, 19}}, {seq(8), nil, []tweet.ID{12, 11}}, {seq(3), seq(5), []tweet.ID{17, 16}}, {seq(0), seq(0), nil}} {
		for _, e := range []query.Expr{parse(t, "all"), parse(t, ""), parse(t, "all OR min_likes:3")} {
			r := search.Request{Query: e, AfterSeq: tt.after, UntilSeq: tt.until, Limit: 20}
			page, err := a.Search(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			var ids []tweet.ID
			for _, h := range page.Hits {
				if ids = append(ids, h.ID); h.FirstSeq != tweet.Seq(21-h.ID) {
					t.Errorf("first_seq of %d is %d", h.ID, h.FirstSeq)
				}
			}
			if !slices.Equal(slices.Sorted(slices.Values(ids)), slices.Sorted(slices.Values(tt.want))) {
				t.Errorf("%q after %v until %v: %v, want %v", e, tt.after, tt.until, ids, tt.want)
			}
			n, err := a.Count(t.Context(), r, always)
			if err != nil || n[0] != int64(len(tt.want)) {
				t.Errorf("%q after %v until %v: counted %v, %v", e, tt.after, tt.until, n, err)
			}
		}
	}
}
