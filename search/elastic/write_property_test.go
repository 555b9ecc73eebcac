package elastic_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/search"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// sightings draws what a journal may bring of a few tweets from base on. They draw from few values, so that what the test is about
// happens often: equal times, equal bodies, deletions between, copies of one in another.
func sightings(t *rapid.T, base tweet.ID) []tweet.Entry {
	ids := rapid.SampledFrom([]tweet.ID{base, base + 1, base + 2})
	var es []tweet.Entry
	for range rapid.IntRange(1, 12).Draw(t, "entries") {
		e := tweet.Entry{Seq: tweet.Seq(len(es) + 1), Record: tweet.Record{ID: ids.Draw(t, "id"), CapturedAt: rapid.Int64Range(0, 3).Draw(t, "at")}}
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			e.Kind, e.FirstSeq = tweet.KindDelete, tweet.Seq(rapid.IntRange(0, 2).Draw(t, "first"))
			e.Unseen = rapid.Bool().Draw(t, "unseen")
			e.Cut = rapid.SliceOfNDistinct(ids, 0, 2, rapid.ID).Draw(t, "cut")
		case 1:
			e.Kind, e.UserID = tweet.KindGeo, rapid.SampledFrom([]tweet.ID{0, base + 7}).Draw(t, "user")
		default:
			e.Kind, e.FirstSeq = tweet.KindTweet, tweet.Seq(rapid.IntRange(0, 2).Draw(t, "first"))
			sight(t, &e.Record, base)
		}
		es = append(es, e)
	}
	return es
}

func sight(t *rapid.T, r *tweet.Record, base tweet.ID) {
	p := &tweet.Payload{Data: tweet.Tweet{ID: r.ID, Text: rapid.SampledFrom([]string{"a", "b", "a & <b> \"c\" \\ \x01 👍🏽"}).Draw(t, "text"), AuthorID: base + 7}, Includes: &tweet.Includes{
		Users: []tweet.User{{ID: base + 7, Username: "ada", PublicMetrics: &tweet.UserMetrics{FollowersCount: rapid.Int64Range(0, 3).Draw(t, "followers")}}}}}
	if rapid.Bool().Draw(t, "figures") {
		p.Data.PublicMetrics = &tweet.TweetMetrics{LikeCount: rapid.Int64Range(0, 3).Draw(t, "likes")}
	}
	if rapid.Bool().Draw(t, "place") {
		p.Data.Geo = &tweet.Geo{PlaceID: "x"}
		p.Includes.Places = []tweet.Place{{ID: "x", FullName: "X"}}
	}
	if other := base + tweet.ID(rapid.IntRange(0, 2).Draw(t, "inside")); other != r.ID {
		p.Data.ReferencedTweets = []tweet.Reference{{Type: "quoted", ID: other}}
		p.Includes.Tweets = []tweet.Tweet{{ID: other, Text: "c", AuthorID: base + 7, PublicMetrics: &tweet.TweetMetrics{LikeCount: rapid.Int64Range(0, 3).Draw(t, "likes inside")}}}
	}
	var err error
	if r.Payload, err = tweet.Encode(p); err != nil {
		t.Fatal(err)
	}
	r.Partial = rapid.IntRange(0, 3).Draw(t, "partial") == 0
	if r.RawCut = rapid.IntRange(0, 5).Draw(t, "raw cut") == 0; !r.RawCut {
		r.Raw = []byte(rapid.SampledFrom([]string{"{}", "{ }"}).Draw(t, "raw"))
	}
	r.Provenance = tweet.Provenance{From: rapid.SampledFrom([]string{"import", "stream:a"}).Draw(t, "from"), Pos: rapid.Int64Range(0, 2).Draw(t, "pos")}
	if rapid.IntRange(0, 9).Draw(t, "broken") == 0 {
		r.Payload = []byte(`{"data":`)
	}
}

// show is all of a document.
func show(d *tweet.Document) string {
	if d == nil {
		return "nothing"
	}
	return fmt.Sprintf("id=%d first=%d at=%d body_at=%d partial=%t tombstone=%t revived=%t cut=%t from=%v\npayload %s\nraw %q\nfigures %s",
		d.ID, d.FirstSeq, d.At, d.BodyAt, d.Partial, d.Tombstone, d.Revived, d.RawCut, d.Provenance, d.Payload, d.Raw, d.Figures)
}

// TestDocumentsEqualEmbedded: whatever comes, in whatever batches and more than once, documents and dead letters are those of the embedded archive.
func TestDocumentsEqualEmbedded(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		ours := open(t, url)
		theirs, err := embedded.Open(t.Context(), filepath.Join(t.TempDir(), "archive.db"), embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer theirs.Close()
		base, seq := tweet.ID(0), tweet.Seq(0)
		rapid.Check(t, func(rt *rapid.T) {
			base += 1000
			es := sightings(rt, base)
			whole := slices.Clone(es)
			for len(es) > 0 {
				n := rapid.IntRange(1, len(es)).Draw(rt, "batch")
				to := tweet.Position{Epoch: "e", Seq: seq}
				want, err := theirs.Apply(t.Context(), es[:n], to)
				if err != nil {
					rt.Fatal(err)
				}
				got, err := ours.Apply(t.Context(), es[:n], to)
				if err != nil {
					rt.Fatal(err)
				}
				if got != want {
					rt.Fatalf("outcome %+v, want %+v", got, want)
				}
				es, seq = es[n:], seq+1
			}
			if rapid.Bool().Draw(rt, "again") {
				if _, err := theirs.Apply(t.Context(), whole, tweet.Position{}); err != nil {
					rt.Fatal(err)
				}
				if _, err := ours.Apply(t.Context(), whole, tweet.Position{}); err != nil {
					rt.Fatal(err)
				}
			}
			for id := base; id < base+3; id++ {
				want, err := theirs.Get(t.Context(), id)
				if err != nil {
					rt.Fatal(err)
				}
				got := get(t, ours, id)
				switch {
				case len(want) == 0 && got == nil:
				case len(want) == 0 || show(got) != show(want[0]):
					rt.Fatalf("tweet %d is\n%s\nwant\n%s", id, show(got), show(append(want, nil)[0]))
				case got.Checksum() != want[0].Checksum():
					rt.Fatalf("tweet %d has another checksum", id)
				}
			}
			if got, want := lettersOf(rt, ours, base), lettersOf(rt, theirs, base); !slices.Equal(got, want) {
				rt.Fatalf("dead letters %v, want %v", got, want)
			}
		})
		mine, err := ours.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		other, err := theirs.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if mine.Tweets != other.Tweets || mine.Tombstones != other.Tombstones || mine.Position != other.Position || mine.HighestSeq != other.HighestSeq {
			t.Fatalf("stats %+v, want %+v", mine, other)
		}
	})
}

// lettersOf gives the dead letters of the three tweets from base on.
func lettersOf(t *rapid.T, k search.Keeper, base tweet.ID) (found []string) {
	after := ""
	for {
		ls, err := k.DeadLetters(context.Background(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range ls {
			if after = l.Key; l.ID >= base && l.ID < base+3 {
				found = append(found, fmt.Sprintf("%d/%d %s %s", l.Seq, l.ID, l.Content.Raw, l.Content.Provenance.From))
			}
		}
		if len(ls) < 1000 {
			slices.Sort(found)
			return slices.Compact(found) // what came again and lost a copy again
		}
	}
}
