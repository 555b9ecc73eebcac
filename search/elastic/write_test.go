package elastic_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"birdwatch/search"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

func TestApply(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		out := apply(t, a, 6, entry(t, 1, 10, text(1, "one")), entry(t, 2, 10, text(2, "two")), broken(3, 3), deleted(4, 4, 10), entry(t, 5, 20, text(1, "one again")), entry(t, 6, 10, text(2, "two")))
		if want := (search.Outcome{Inserted: 2, Updated: 1, Same: 1, Deleted: 1, Refused: 1}); out != want {
			t.Errorf("outcome %+v, want %+v", out, want)
		}
		checkStats(t, a, 2, 1, 1, 6, 6)
		if d := get(t, a, 1); d.FirstSeq != 1 || d.At != 20 || !strings.Contains(string(d.Payload), "again") {
			t.Errorf("merged in the batch: %+v", d)
		}

		// The same again, with an older place, changes nothing.
		out = apply(t, a, 3, entry(t, 1, 10, text(1, "one")), entry(t, 2, 10, text(2, "two")), broken(3, 3))
		if want := (search.Outcome{Same: 2, Refused: 1}); out != want {
			t.Errorf("again: %+v, want %+v", out, want)
		}
		checkStats(t, a, 2, 1, 1, 6, 6)

		// Imports take the place's seq; merging never changes it.
		changes, err := a.Import(t.Context(), []tweet.Record{record(t, text(7, "seven")), record(t, text(1, "older")), record(t, text(2, "two")), record(t, text(4, "four"))})
		if err != nil || !slices.Equal(changes, []search.Change{search.Inserted, search.Same, search.Same, search.Deleted}) {
			t.Errorf("import: %v, %v", changes, err)
		}
		if ids := finds(t, a, "seven"); !slices.Equal(ids, []tweet.ID{7}) {
			t.Errorf("imported: %v", ids)
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
		checkStats(t, a, 2, 3, 0, 12, 12)
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
		checkStats(t, a, 1, 2, 0, 2, 12)

		// What was purged may come again, as the older sighting that it is.
		fill(t, a, []*tweet.Payload{text(1, "one"), text(7, "seven")})
		if d := get(t, a, 1); d == nil || d.At != 0 {
			t.Errorf("purged and imported: %+v", d)
		}
		if ids := finds(t, a, ""); !slices.Equal(ids, []tweet.ID{1, 2, 7}) {
			t.Errorf("there are %v", ids)
		}
	})
}

// checkStats holds what the archive says of itself to what it has.
func checkStats(t testing.TB, a search.Archive, tweets, tombstones, letters int64, seq, highest tweet.Seq) {
	t.Helper()
	s, err := a.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Tweets != tweets || s.Tombstones != tombstones || s.DeadLetters != letters || s.Position.Seq != seq || s.HighestSeq != highest || s.Stale {
		t.Errorf("stats %+v, want %d tweets, %d tombstones, %d dead letters, seq %d, highest %d", s, tweets, tombstones, letters, seq, highest)
	}
	for i, err := range a.Identities(t.Context()) {
		switch {
		case err != nil:
			t.Fatal(err)
		case i.Tombstone:
			tombstones--
		default:
			tweets--
		}
	}
	if tweets != 0 || tombstones != 0 {
		t.Errorf("there are %d fewer tweets and %d fewer tombstones", tweets, tombstones)
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
	elastictest.Each(t, func(t *testing.T, url string) {
		for _, order := range []string{"first", "last", "amid", "imported"} {
			a := open(t, url)
			var es []tweet.Entry
			for i, p := range all {
				es = append(es, entry(t, tweet.Seq(i+1), 1, p))
			}
			switch order {
			case "first":
				apply(t, a, 50, notice)
				apply(t, a, 50, es...)
			case "last":
				apply(t, a, 50, es...)
				apply(t, a, 50, notice)
			case "amid":
				apply(t, a, 50, slices.Insert(slices.Clone(es), 3, notice)...)
			case "imported":
				fill(t, a, all)
				apply(t, a, 50, notice)
			}
			if ids := finds(t, a, "has:geo"); !slices.Equal(ids, []tweet.ID{2, 3, 4, 5, 6}) {
				t.Errorf("notice %s: with a place %v", order, ids)
			}
			for id := range tweet.ID(6) {
				d := get(t, a, id+1)
				cut := id+1 == 1 || id+1 == 4
				if strings.Contains(string(d.Payload), "place1") || d.RawCut != cut || (len(d.Raw) == 0) != cut {
					t.Errorf("notice %s: tweet %d: %s, cut %v, raw %d", order, d.ID, d.Payload, d.RawCut, len(d.Raw))
				}
				if own := fmt.Sprintf("place%d", d.ID); d.ID != 1 && strings.Count(string(d.Payload), own) != 3 {
					t.Errorf("notice %s: tweet %d lost its own place: %s", order, d.ID, d.Payload)
				}
			}
			// Another opening knows of the notice.
		}
	})
}

// TestCut: a copy of a deleted tweet leaves the documents that carry it, in the batch of their sighting too, and their raw goes with it.
func TestCut(t *testing.T) {
	holder := func(id tweet.ID) *tweet.Payload {
		return &tweet.Payload{Data: tweet.Tweet{ID: id, Text: "quoting", ReferencedTweets: []tweet.Reference{{Type: "quoted", ID: 1}}}, Includes: &tweet.Includes{Tweets: []tweet.Tweet{{ID: 1, Text: "xyzzysecret"}}}}
	}
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		fill(t, a, []*tweet.Payload{text(1, "xyzzysecret"), holder(2)})
		unseen := deleted(8, 1, 9)
		unseen.Unseen, unseen.Cut = true, []tweet.ID{3, 99}
		apply(t, a, 8, entry(t, 4, 1, holder(3)), deleted(5, 1, 9, 2), unseen)
		for id := range tweet.ID(3) {
			d := get(t, a, id+1)
			if strings.Contains(string(d.Payload)+string(d.Raw), "xyzzysecret") || d.Tombstone != (id == 0) || d.RawCut != (id > 0) {
				t.Errorf("after the delete: %+v: %s", d, d.Payload)
			}
		}
		if n := len(finds(t, a, "xyzzysecret")); n > 0 {
			t.Errorf("%d tweets are found by the deleted word", n)
		}
		if ids := finds(t, a, "quoting"); !slices.Equal(ids, []tweet.ID{2, 3}) {
			t.Errorf("holders: %v", ids)
		}
	})
}

// TestNotices: those that nothing follows from yet are kept, each once, whatever journal brings them; Apply takes them again.
func TestNotices(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		a, b := open(t, url), open(t, url)
		withheld := tweet.Entry{Seq: 1, Record: tweet.Record{Kind: tweet.KindWithheld, ID: 5, UserID: 7, CapturedAt: 3, Payload: []byte(`{"event":"status_withheld"}`)}}
		other := tweet.Entry{Seq: 1, Record: tweet.Record{Kind: tweet.KindUser, UserID: 7}}
		geo := tweet.Entry{Seq: 1, Record: tweet.Record{Kind: tweet.KindGeo, ID: 9, UserID: 7}}
		for _, e := range []tweet.Entry{withheld, other, geo, withheld, other, geo} {
			if out := apply(t, a, 1, e); out != (search.Outcome{}) {
				t.Errorf("outcome of a notice: %+v", out)
			}
		}
		list := func(k search.Keeper) (es []tweet.Entry) {
			for e, err := range k.Notices(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				es = append(es, e)
			}
			return es
		}
		es := list(a)
		if len(es) != 3 {
			t.Errorf("%d notices: %+v", len(es), es)
		}
		apply(t, b, 1, es...)
		if again := list(b); fmt.Sprint(again) != fmt.Sprint(es) {
			t.Errorf("copied: %+v, want %+v", again, es)
		}
	})
}
