package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// TestHiddenCopies: what a hidden tweet says is not shown inside others either, in answers and streams, as long as it is hidden.
func TestHiddenCopies(t *testing.T) {
	o := openFolder(t, dataFlags{Data: t.TempDir()})
	veil, err := newVeiled(t.Context(), o.journal, []string{"DE"})
	if err != nil {
		t.Fatal(err)
	}
	seen := shown{o.archive, veil}
	for _, tt := range []struct {
		name   string
		take   tweet.Record
		hidden bool
	}{
		{"at first", placed(3, 8, 10, "quotes", false, 1, 7), false},
		{"suspended", userNotice(7, 20, "user_suspend"), true},
		{"and not any more", userNotice(7, 21, "user_unsuspend"), false},
		{"the copy withheld", tweet.Record{Kind: tweet.KindWithheld, ID: 1, CapturedAt: 22, Payload: []byte(`{"event":"status_withheld","countries":["DE"]}`)}, true},
	} {
		if _, err := o.journal.Append(t.Context(), []tweet.Record{tt.take}); err != nil {
			t.Fatal(err)
		}
		o.settled(t)
		es, err := veil.Since(t.Context(), 0, 10) // the streams read all there is
		if err != nil {
			t.Fatal(err)
		}
		page, err := seen.Search(t.Context(), search.Request{Query: query.All(), Limit: 10})
		if err != nil || len(page.Hits) != 1 {
			t.Fatalf("%s: %v, %v", tt.name, page, err)
		}
		docs, err := seen.Get(t.Context(), 3)
		if err != nil || len(docs) != 1 {
			t.Fatalf("%s: %v, %v", tt.name, docs, err)
		}
		last, err := veil.Since(t.Context(), 0, 1)
		if err != nil || len(es) == 0 {
			t.Fatal(err)
		}
		for where, payload := range map[string][]byte{"search": page.Hits[0].Payload, "look-up": docs[0].Payload, "stream": last[0].Payload} {
			if strings.Contains(string(payload), "copy of 1") == tt.hidden || !strings.Contains(string(payload), "quotes") {
				t.Errorf("%s, %s: %s", tt.name, where, payload)
			}
		}
		if len(docs[0].Raw) == 0 != tt.hidden {
			t.Errorf("%s: %d bytes of raw", tt.name, len(docs[0].Raw))
		}
	}
}

// TestScrubbedPlacesAreNotStreamed: who resumes from before a scrub_geo notice is sent no place that it took, in copies neither, nor are those who
// follow sent it with what comes late; after a restart too.
func TestScrubbedPlacesAreNotStreamed(t *testing.T) {
	f := dataFlags{Data: t.TempDir()}
	o := openFolder(t, f)
	veil, err := newVeiled(t.Context(), o.journal, nil)
	if err != nil {
		t.Fatal(err)
	}
	streamed := func() (placed []tweet.ID) {
		t.Helper()
		es, err := veil.Since(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			p, err := e.Decoded()
			switch {
			case e.Kind != tweet.KindTweet:
				continue
			case err != nil:
				t.Fatal(err)
			case p.Data.Text == "":
				t.Errorf("%d lost more than its place: %s", e.ID, e.Payload)
			}
			for _, c := range append(p.Includes.Tweets, p.Data) {
				if c.Geo != nil {
					placed = append(placed, c.ID)
				}
			}
			if whole := len(p.Includes.Places) > 0; whole == e.RawCut || whole != (len(e.Raw) > 0) {
				t.Errorf("%d: raw %q, cut %v, with %s", e.ID, e.Raw, e.RawCut, e.Payload)
			}
		}
		return placed
	}
	take := func(recs ...tweet.Record) {
		t.Helper()
		if _, err := o.journal.Append(t.Context(), recs); err != nil {
			t.Fatal(err)
		}
	}
	repeats := placed(40, 8, 10, "repeats", true, 2, 7)
	repeats.Payload = []byte(strings.Replace(string(repeats.Payload), `"text":"copy of 2"`, `"text":"copy of 2","geo":{"place_id":"p"}`, 1))
	take(placed(1, 7, 10, "one", false, 0, 0), placed(9, 7, 10, "after", false, 0, 0), placed(20, 8, 10, "another's", false, 0, 0), repeats)
	if got := streamed(); !slices.Equal(got, []tweet.ID{1, 9, 20, 2, 40}) {
		t.Fatalf("at first: %v", got)
	}
	take(tweet.Record{Kind: tweet.KindGeo, ID: 5, UserID: 7}, tweet.Record{Kind: tweet.KindGeo, ID: 40}, placed(3, 7, 10, "late", false, 0, 0), placed(6, 7, 10, "kept", false, 0, 0))
	want := []tweet.ID{9, 20, 6}
	if got := streamed(); !slices.Equal(got, want) {
		t.Errorf("places of %v are streamed, want %v", got, want)
	}
	o.end()
	o = openFolder(t, f)
	if veil, err = newVeiled(t.Context(), o.journal, nil); err != nil {
		t.Fatal(err)
	}
	if got := streamed(); !slices.Equal(got, want) {
		t.Errorf("after a restart places of %v are streamed, want %v", got, want)
	}
}

// TestUserDeleteTakesWhatWasRefused: what the archive refused of a deleted user leaves the dead letters and the journal too, dropped before or not,
// from imports or not, with copies inside others; what others wrote stays.
func TestUserDeleteTakesWhatWasRefused(t *testing.T) {
	userDeleteTakesRefused(t, dataFlags{Data: t.TempDir()})
}

func TestUserDeleteTakesWhatWasRefusedInElasticsearch(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) { userDeleteTakesRefused(t, onElastic(t, url)) })
}

func userDeleteTakesRefused(t *testing.T, f dataFlags) {
	o := openFolder(t, f)
	refused := func(id, user tweet.ID, carries, of tweet.ID) tweet.Record {
		r := placed(id+100, user, 10, fmt.Sprintf("text of %d", id), false, carries, of)
		r.ID = id // not the payload's
		return r
	}
	take := func(recs ...tweet.Record) {
		t.Helper()
		if _, err := o.journal.Append(t.Context(), recs); err != nil {
			t.Fatal(err)
		}
		o.settled(t)
	}
	letters := func() (ids []tweet.ID, keys []string, content string) {
		t.Helper()
		ls, err := o.archive.DeadLetters(t.Context(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range ls {
			ids, keys, content = append(ids, l.ID), append(keys, l.Key), content+string(l.Content.Payload)+string(l.Content.Raw)
		}
		slices.Sort(ids)
		return ids, keys, content
	}
	take(refused(1, 7, 0, 0))
	_, keys, _ := letters()
	if n, err := o.archive.Drop(t.Context(), keys...); err != nil || n != 1 {
		t.Fatalf("dropped %d, %v", n, err)
	}
	take(refused(2, 7, 0, 0), refused(3, 8, 0, 0), refused(4, 8, 5, 7))
	if _, err := o.importer().Run(t.Context(), slices.Values([]tweet.Record{refused(6, 7, 0, 0)}), nil); err != nil {
		t.Fatal(err)
	}
	if ids, _, content := letters(); !slices.Equal(ids, []tweet.ID{2, 3, 4, 6}) || !strings.Contains(content, "copy of 5") {
		t.Fatalf("letters of %v: %s", ids, content)
	}
	take(userNotice(7, 20, "user_delete"))
	ids, _, content := letters()
	if !slices.Equal(ids, []tweet.ID{3, 4}) || !strings.Contains(content, "raw of 103") || !strings.Contains(content, "text of 4") || strings.Contains(content, "copy of 5") {
		t.Errorf("letters of %v: %s", ids, content)
	}
	gone, err := o.journal.Deleted(t.Context(), 1, 2, 3, 4, 6)
	if err != nil || !slices.Equal(gone, []bool{true, true, false, false, true}) {
		t.Errorf("deleted: %v, %v", gone, err)
	}
}
