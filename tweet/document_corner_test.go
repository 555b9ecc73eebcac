package tweet_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"birdwatch/tweet"
)

// TestMergeCorners holds what random sightings come upon too rarely; every order must give the same.
func TestMergeCorners(t *testing.T) {
	const plain, liked = `{"data":{"id":"100","text":"a"}}`, `{"data":{"id":"100","text":"a","public_metrics":{"retweet_count":0,"reply_count":0,"like_count":4,"quote_count":0}}}`
	at := func(ms int64, payload string) *tweet.Document {
		return &tweet.Document{ID: 100, At: ms, BodyAt: ms, Payload: []byte(payload)}
	}
	partial := func(ms int64) *tweet.Document {
		d := at(ms, plain)
		d.Partial = true
		return d
	}
	cut := at(1, plain)
	cut.RawCut = true
	for _, tt := range []struct {
		name string
		ds   []*tweet.Document
		want tweet.Document
	}{
		{"a newer partial one without figures moves the time only", []*tweet.Document{at(1, plain), at(1, plain), partial(3)},
			tweet.Document{ID: 100, At: 3, BodyAt: 1, Payload: []byte(plain)}},
		{"older figures stay, with their time", []*tweet.Document{at(1, liked), at(2, plain)},
			tweet.Document{ID: 100, At: 2, BodyAt: 2, Payload: []byte(liked), Figures: []byte(`[{"k":"t100","t":1,"v":{"retweet_count":0,"reply_count":0,"like_count":4,"quote_count":0}}]`)}},
		{"older figures seen again are newer", []*tweet.Document{at(1, liked), at(2, plain), at(2, liked)},
			tweet.Document{ID: 100, At: 2, BodyAt: 2, Payload: []byte(liked)}},
		{"a raw that was cut is told from none", []*tweet.Document{at(1, plain), cut},
			tweet.Document{ID: 100, At: 1, BodyAt: 1, RawCut: true, Payload: []byte(plain)}},
	} {
		permutations(tt.ds, func(order []*tweet.Document) {
			all := mergeAll(t, order...)
			right := order[len(order)-1]
			for i := len(order) - 2; i >= 0; i-- {
				right = merge(t, order[i], right)
			}
			if text(all) != text(&tt.want) || text(right) != text(&tt.want) {
				t.Errorf("%s\ngot  %s\nfrom the right %s\nwant %s", tt.name, text(all), text(right), text(&tt.want))
			}
		})
	}
}

// TestWithoutDropsFigures: what was kept of the copy beside the payload goes too.
func TestWithoutDropsFigures(t *testing.T) {
	doc := func(at int64, likes int) *tweet.Document {
		return &tweet.Document{ID: 100, At: at, BodyAt: at, Partial: at > 1, Payload: fmt.Appendf(nil,
			`{"data":{"id":"100","text":"a"},"includes":{"tweets":[{"id":"200","text":"b","public_metrics":{"like_count":%d}},{"id":"201","text":"c","public_metrics":{"like_count":%d}}]}}`, likes, likes)}
	}
	d := merge(t, doc(1, 4), doc(2, 5))
	if !bytes.Contains(d.Figures, []byte(`"t200"`)) {
		t.Fatalf("no newer figures are kept: %s", text(d))
	}
	cut, err := d.Without(200)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(cut.Figures, []byte(`"t200"`)) || !bytes.Contains(cut.Figures, []byte(`"t201"`)) {
		t.Errorf("figures are %s", cut.Figures)
	}
}

func TestMergeOfTwoIDsPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_, _, _ = tweet.NewTombstone(1, 1, 0).Merge(tweet.NewTombstone(2, 1, 0))
}

func TestMergeOfBrokenPayload(t *testing.T) {
	good := &tweet.Document{ID: 1, Payload: []byte(`{"data":{"id":"1","text":"a"}}`)}
	bad := &tweet.Document{ID: 1, Payload: []byte(`{"data":`), At: 1, BodyAt: 1}
	for _, pair := range [][2]*tweet.Document{{good, bad}, {bad, good}} {
		if _, _, err := pair[0].Merge(pair[1]); err == nil || !strings.Contains(err.Error(), "merge 1") {
			t.Errorf("error %v does not name the document", err)
		}
	}
	if _, err := bad.Without(7); err == nil {
		t.Error("cut from a broken payload")
	}
}

// TestVersions pins the numbers: they are stored.
func TestVersions(t *testing.T) {
	for _, tt := range []struct {
		name string
		doc  tweet.Document
		want int64
	}{
		{"partial", tweet.Document{At: 1000, Partial: true}, 4000},
		{"full", tweet.Document{At: 1000}, 4001},
		{"tombstone", tweet.Document{At: 1000, Tombstone: true}, 1<<60 + 4002},
		{"revived", tweet.Document{At: 1000, Revived: true}, 1<<60 + 4003},
		{"deleted again", tweet.Document{At: 1000, Tombstone: true, Revived: true}, 1<<61 + 1<<60 + 4002},
		{"time unknown", tweet.Document{}, 1},
		{"time before 1970", tweet.Document{At: -5}, 1},
		{"time that cannot be", tweet.Document{At: 1<<63 - 1}, 1<<60 - 3},
	} {
		if got := tt.doc.Version(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
