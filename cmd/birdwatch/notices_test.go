package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/ingest/journal"
	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// opened is a folder that follows its journal, as a server or an import does.
type opened struct {
	*node
	end func()
}

func openFolder(t testing.TB, f dataFlags) *opened {
	t.Helper()
	n, err := openNode(context.Background(), f, journal.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() { _ = n.follow(ctx) })
	end := sync.OnceFunc(func() {
		cancel()
		following.Wait()
		if err := n.close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return &opened{n, end}
}

// settled waits until all that follows from what was taken in is done.
func (o *opened) settled(t testing.TB) {
	t.Helper()
	for range 2 { // what a sweep deletes is for the archive too
		if err := errors.Join(o.sweepDue(context.Background()), o.caughtUp(context.Background())); err != nil {
			t.Fatal(err)
		}
	}
}

// state is every document but for first_seq, and whether it can be seen.
func (o *opened) state(t testing.TB) string {
	t.Helper()
	ctx := context.Background()
	docs, err := o.archive.Documents(ctx, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	page, err := o.archive.Search(ctx, search.Request{Query: query.All(), Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, d := range docs {
		seen := slices.ContainsFunc(page.Hits, func(h search.Hit) bool { return h.ID == d.ID })
		fmt.Fprintf(&b, "%d version %d tombstone %v revived %v cut %v seen %v %s %s\n", d.ID, d.Version(), d.Tombstone, d.Revived, d.RawCut, seen, d.Payload, d.Raw)
	}
	return b.String()
}

func userNotice(user tweet.ID, at int64, event string) tweet.Record {
	return tweet.Record{Kind: tweet.KindUser, UserID: user, CapturedAt: at, Payload: fmt.Appendf(nil, `{"event":%q}`, event), Provenance: tweet.Provenance{From: "test"}}
}

// placed is a sighting of a user's tweet with a place, that quotes, or repeats, another's.
func placed(id, user tweet.ID, at int64, text string, retweet bool, carries, of tweet.ID) tweet.Record {
	p := &tweet.Payload{Data: tweet.Tweet{ID: id, AuthorID: user, Text: text, Geo: &tweet.Geo{PlaceID: "p"}}, Includes: &tweet.Includes{
		Users: []tweet.User{{ID: user, Username: fmt.Sprintf("u%d", user)}}, Places: []tweet.Place{{ID: "p", FullName: "here"}}}}
	if carries != 0 {
		kind := "quoted"
		if retweet {
			kind = "retweeted"
		}
		p.Data.ReferencedTweets = []tweet.Reference{{Type: kind, ID: carries}}
		p.Includes.Tweets = []tweet.Tweet{{ID: carries, AuthorID: of, Text: fmt.Sprintf("copy of %d", carries)}}
		p.Includes.Users = append(p.Includes.Users, tweet.User{ID: of, Username: fmt.Sprintf("u%d", of)})
	}
	b, err := tweet.Encode(p)
	if err != nil {
		panic(err)
	}
	return tweet.Record{Kind: tweet.KindTweet, ID: id, UserID: user, CapturedAt: at, Payload: b, Raw: fmt.Appendf(nil, "raw of %d: %s", id, text), Provenance: tweet.Provenance{From: "test"}}
}

// takeSome takes records in by one way or another; it closes and opens the folder now and then.
func takeSome(t *testing.T, rt *rapid.T, f dataFlags, recs []tweet.Record) string {
	o := openFolder(t, f)
	for len(recs) > 0 {
		n := rapid.IntRange(1, len(recs)).Draw(rt, "batch")
		batch := recs[:n]
		recs = recs[n:]
		way := rapid.SampledFrom([]string{"append", "import", "append, settle", "import, settle", "import, close"}).Draw(rt, "way")
		var err error
		if strings.HasPrefix(way, "append") {
			_, err = o.journal.Append(context.Background(), batch)
		} else {
			_, err = o.importer().Run(context.Background(), slices.Values(batch), nil)
		}
		if err != nil {
			rt.Fatal(err)
		}
		switch {
		case strings.HasSuffix(way, "settle"):
			o.settled(t)
		case strings.HasSuffix(way, "close"):
			o.end()
			o = openFolder(t, f)
		}
	}
	o.settled(t)
	state := o.state(t)
	o.end()
	return state
}

// TestOrderOfNoticesDoesNotMatter: sightings and notices of all kinds, but for the reversal of a deletion, make the same documents, hidden and seen,
// in whatever order and by whatever way they come.
func TestOrderOfNoticesDoesNotMatter(t *testing.T) {
	records := rapid.Custom(func(t *rapid.T) tweet.Record {
		at := int64(rapid.IntRange(0, 3).Draw(t, "at"))
		id := tweet.ID(rapid.IntRange(1, 6).Draw(t, "id"))
		user := 11 + id%2
		switch rapid.IntRange(0, 13).Draw(t, "kind") {
		case 0:
			return tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: at}
		case 1:
			return tweet.Record{Kind: tweet.KindGeo, ID: id, CapturedAt: at}
		case 2:
			return tweet.Record{Kind: tweet.KindGeo, ID: id, UserID: user, CapturedAt: at}
		case 3:
			return userNotice(user, at, "user_delete")
		case 4:
			return userNotice(user, at, rapid.SampledFrom([]string{"user_suspend", "user_unsuspend", "user_protect", "user_unprotect"}).Draw(t, "event"))
		case 5:
			r := userNotice(user, at, rapid.SampledFrom([]string{"tweet_drop", "tweet_undrop"}).Draw(t, "event"))
			r.Kind, r.ID = tweet.KindWithheld, id
			return r
		}
		carries := map[tweet.ID]tweet.ID{2: 1, 3: 2, 4: 1}[id] // 3 repeats 2, the others quote
		return placed(id, user, at, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "text"), id == 3, carries, 11+carries%2)
	})
	rounds := 0
	rapid.Check(t, func(rt *rapid.T) {
		if rounds++; rounds > 25 { // each opens folders, which takes its time
			return
		}
		recs := rapid.SliceOfN(records, 1, 12).Draw(rt, "records")
		first := takeSome(t, rt, dataFlags{Data: t.TempDir()}, recs)
		second := takeSome(t, rt, dataFlags{Data: t.TempDir()}, rapid.Permutation(recs).Draw(rt, "order"))
		if first != second {
			rt.Fatalf("documents\n%s\nin another order\n%s", first, second)
		}
	})
}

// TestReversals: what takes a notice back shows again what was hidden; of what was deleted it lets only later sightings in.
func TestReversals(t *testing.T) { reversals(t, dataFlags{Data: t.TempDir()}) }

func TestReversalsInElasticsearch(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) { reversals(t, onElastic(t, url)) })
}

func reversals(t *testing.T, f dataFlags) {
	o := openFolder(t, f)
	take := func(recs ...tweet.Record) (kinds []journal.VerdictKind) {
		t.Helper()
		vs, err := o.journal.Append(t.Context(), recs)
		if err != nil {
			t.Fatal(err)
		}
		o.settled(t)
		for _, v := range vs {
			kinds = append(kinds, v.Kind)
		}
		return kinds
	}
	sees := func(when string, want ...tweet.ID) {
		t.Helper()
		page, err := o.archive.Search(t.Context(), search.Request{Query: query.All(), Ascending: true, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		var got []tweet.ID
		for _, h := range page.Hits {
			got = append(got, h.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: there are %v, want %v", when, got, want)
		}
	}
	own, repeats, quotes, other := placed(1, 7, 10, "own", false, 0, 0), placed(2, 8, 10, "repeats", true, 1, 7), placed(3, 8, 10, "quotes", false, 1, 7), placed(4, 8, 10, "other", false, 0, 0)
	take(own, repeats, quotes, other)
	sees("at first", 1, 2, 3, 4)
	take(userNotice(7, 20, "user_suspend"))
	sees("suspended", 3, 4)
	take(userNotice(7, 30, "user_protect"), userNotice(7, 31, "user_unsuspend"))
	sees("protected, and not suspended any more", 3, 4)
	take(userNotice(7, 32, "user_unprotect"), userNotice(7, 25, "user_protect"))
	sees("not protected any more, whatever comes late", 1, 2, 3, 4)

	take(tweet.Record{Kind: tweet.KindDelete, ID: 4, CapturedAt: 35})
	take(userNotice(7, 40, "user_delete"))
	sees("deleted", 3)
	if d, err := o.archive.Get(t.Context(), 3); err != nil || !d[0].RawCut || strings.Contains(string(d[0].Payload), "copy of 1") {
		t.Errorf("a copy stayed: %s, %v", d[0].Payload, err)
	}
	again := func(r tweet.Record, at int64) tweet.Record { r.CapturedAt = at; return r }
	if got := take(again(own, 45), again(repeats, 45)); !slices.Equal(got, []journal.VerdictKind{journal.Deleted, journal.Deleted}) {
		t.Errorf("seen while deleted: %v", got)
	}
	take(userNotice(7, 50, "user_undelete"))
	sees("a reversal brings nothing back", 3)
	take(own, again(own, 50), repeats)
	sees("nor do sightings from before it", 3)
	o.end()
	o = openFolder(t, f)
	if got := take(again(own, 51), again(repeats, 52)); !slices.Equal(got, []journal.VerdictKind{journal.New, journal.New}) {
		t.Errorf("later sightings are %v, want first ones", got)
	}
	sees("later ones are let in", 1, 2, 3)
	if d, err := o.archive.Get(t.Context(), 1); err != nil || !d[0].Revived || d[0].At != 51 || d[0].FirstSeq < 10 {
		t.Errorf("revived: %+v, %v", d[0], err)
	}
	take(own, again(own, 60))
	sees("and stay", 1, 2, 3)
	take(userNotice(7, 50, "user_delete"), again(other, 99))
	sees("a deletion of the time of its reversal holds, and one of a tweet is for good", 3)
	take(userNotice(7, 70, "user_undelete"), again(own, 71), placed(5, 7, 71, "new", false, 0, 0))
	sees("what was deleted twice is gone, what was never seen before is let in", 3, 5)
}
