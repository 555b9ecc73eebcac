package tweet_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/tweet"
)

// pictured is a sighting whose tweets have media, some of them the same.
func pictured(t *rapid.T, at int64) *tweet.Document {
	p := sightedTweet(t)
	if p.Includes != nil {
		for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"m1", "m2"}), 0, 2, rapid.ID).Draw(t, "media") {
			p.Includes.Media = append(p.Includes.Media, tweet.Media{MediaKey: k, Type: rapid.SampledFrom([]string{"photo", "video"}).Draw(t, "type")})
		}
		for i := range p.Includes.Tweets {
			if rapid.Bool().Draw(t, "has") {
				p.Includes.Tweets[i].Attachments = &tweet.Attachments{MediaKeys: []string{"m1"}}
			}
		}
	}
	if rapid.Bool().Draw(t, "own") {
		p.Data.Attachments = &tweet.Attachments{MediaKeys: []string{"m2"}}
	}
	b, err := tweet.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return tweet.NewDocument(&tweet.Record{ID: 100, CapturedAt: at, Partial: rapid.Bool().Draw(t, "partial"), Payload: b, Raw: b, Provenance: tweet.Provenance{From: "x", Pos: at}}, 1)
}

// TestDeletionsCommute: whether a quoted tweet is deleted before its quote's sightings come, between or after them, the document is the same.
func TestDeletionsCommute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := pictured(t, 1), pictured(t, 2)
		before, between, after := merge(t, without(t, a), without(t, b)), without(t, merge(t, without(t, a), b)), without(t, merge(t, a, b))
		if text(before) != text(after) || text(between) != text(after) {
			t.Fatalf("%s\nand\n%s\ndeleted before\n%s\nbetween\n%s\nafter\n%s", text(a), text(b), text(before), text(between), text(after))
		}
	})
}

// TestCutPrevails: what was cut out of a sighting comes back by no merge with the whole of it, figures apart.
func TestCutPrevails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := pictured(t, 1)
		cut := without(t, whole)
		for _, m := range []*tweet.Document{merge(t, whole, cut), merge(t, cut, whole)} {
			if m.RawCut != cut.RawCut || !bytes.Equal(m.Raw, cut.Raw) || !bytes.Equal(m.Payload, cut.Payload) {
				t.Fatalf("%s\nwith\n%s\nis\n%s", text(whole), text(cut), text(m))
			}
		}
	})
}

func without(t *rapid.T, d *tweet.Document) *tweet.Document {
	cut, err := d.Without(200)
	if err != nil {
		t.Fatal(err)
	}
	return cut
}
