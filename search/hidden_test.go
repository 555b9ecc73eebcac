package search_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// country is the one that the archives of these tests are asked from.
const country = "DE"

// hiders are archives that are asked from a country.
func hiders(t *testing.T) map[string]search.Archive {
	all := map[string]search.Archive{}
	a, err := embedded.Open(t.Context(), filepath.Join(t.TempDir(), "archive.db"), embedded.Options{Countries: []string{country}})
	if err != nil {
		t.Fatal(err)
	}
	all["embedded"] = a
	for _, url := range elastictest.URLs(t) {
		e, err := elastic.Open(t.Context(), elastic.Options{URLs: []string{url}, Prefix: elastictest.Prefix(t), Owner: "the test", Countries: []string{country}})
		if err != nil {
			t.Fatal(err)
		}
		all["elastic "+url] = e
	}
	t.Cleanup(func() {
		for _, a := range all {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return all
}

// notice is a notice as its meaning is told: of one kind, hiding in some places from a time on.
type notice struct {
	user   bool
	id     tweet.ID
	kind   string
	at     int64
	places string // with commas; "" lifts it
}

// entry is the notice as it comes.
func (n notice) entry() tweet.Entry {
	e := tweet.Entry{Record: tweet.Record{Kind: tweet.KindWithheld, ID: n.id, UserID: 7, CapturedAt: n.at}}
	if n.user {
		e.Record = tweet.Record{Kind: tweet.KindUser, UserID: n.id, CapturedAt: n.at}
	}
	event := n.kind
	if n.places == "" {
		event = map[string]string{"user_suspend": "user_unsuspend", "user_protect": "user_unprotect", "tweet_drop": "tweet_undrop"}[n.kind]
	}
	if strings.HasSuffix(n.kind, "withheld") {
		event = n.kind
		if n.places != "" {
			e.Payload = fmt.Appendf(nil, `{"event":%q,"countries":["%s"]}`, event, strings.ReplaceAll(n.places, ",", `","`))
			return e
		}
	}
	e.Payload = fmt.Appendf(nil, `{"event":%q}`, event)
	return e
}

// seen are the tweets that can be seen, by reading: those of whose author, of whose own, and of whose repeated tweet's notices no newest one of
// its kind hides here.
func seen(docs map[tweet.ID]sightedAs, ns []notice) (ids []tweet.ID) {
	hides := func(user bool, id tweet.ID) bool {
		newest := map[string]int64{}
		for _, n := range ns {
			if at, ok := newest[n.kind]; n.user == user && n.id == id && (!ok || n.at > at) {
				newest[n.kind] = n.at
			}
		}
		return slices.ContainsFunc(ns, func(n notice) bool {
			here := slices.ContainsFunc(strings.Split(n.places, ","), func(p string) bool { return p == country || p == "XX" || p == "XY" || p == "*" })
			return n.user == user && n.id == id && n.at == newest[n.kind] && here
		})
	}
	for id, d := range docs {
		if !hides(false, id) && !hides(true, d.author) && (d.repeats == 0 || !hides(false, d.repeats) && !hides(true, d.repeatsOf)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// sightedAs is what of a tweet bears on whether it is hidden.
type sightedAs struct{ author, repeats, repeatsOf tweet.ID }

func (s sightedAs) record(t *rapid.T, id tweet.ID, at int64, withheld map[tweet.ID]string) tweet.Record {
	says := func(id tweet.ID) *tweet.Withheld {
		if withheld[id] == "" {
			return nil
		}
		return &tweet.Withheld{CountryCodes: []string{withheld[id]}}
	}
	p := &tweet.Payload{Data: tweet.Tweet{ID: id, Text: "word", AuthorID: s.author, Withheld: says(id)}, Includes: &tweet.Includes{Users: []tweet.User{{ID: s.author, Username: fmt.Sprintf("u%d", s.author)}}}}
	if s.repeats != 0 {
		p.Data.ReferencedTweets = []tweet.Reference{{Type: "retweeted", ID: s.repeats}}
		p.Includes.Tweets = []tweet.Tweet{{ID: s.repeats, Text: "word", AuthorID: s.repeatsOf, Withheld: says(s.repeats)}}
		p.Includes.Users = append(p.Includes.Users, tweet.User{ID: s.repeatsOf, Username: fmt.Sprintf("u%d", s.repeatsOf)})
	}
	b, err := tweet.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return tweet.Record{Kind: tweet.KindTweet, ID: id, UserID: s.author, CapturedAt: at, Payload: b, Raw: []byte("{}"), Provenance: tweet.Provenance{From: "test"}}
}

// TestHidden: whatever notices come, before, between and after the tweets, in whatever batches and twice, each archive shows what can be seen
// by reading the notices; what is hidden can be had all the same by those who keep the archive.
func TestHidden(t *testing.T) {
	all := hiders(t)
	base, round := tweet.ID(0), 0
	rapid.Check(t, func(rt *rapid.T) {
		base, round = base+1000, round+1
		docs := map[tweet.ID]sightedAs{base + 1: {author: base + 11}, base + 2: {author: base + 12}, base + 3: {base + 12, base + 1, base + 11}, base + 4: {author: base + 11}}
		var es []tweet.Entry
		var ns []notice
		withheld := map[tweet.ID]string{}
		for id := base + 1; id <= base+4; id++ {
			if withheld[id] = rapid.SampledFrom([]string{"", "", "", country, "FR"}).Draw(rt, "payload says"); withheld[id] != "" { // as a notice of its time
				ns = append(ns, notice{false, id, "status_withheld", 1, withheld[id]})
			}
			es = append(es, tweet.Entry{FirstSeq: 1, Record: docs[id].record(rt, id, 1, withheld)})
		}
		for range rapid.IntRange(0, 8).Draw(rt, "notices") {
			n := notice{at: int64(rapid.IntRange(0, 3).Draw(rt, "at"))}
			if n.user = rapid.Bool().Draw(rt, "of a user"); n.user {
				n.id, n.kind = base+tweet.ID(rapid.IntRange(11, 12).Draw(rt, "user")), rapid.SampledFrom([]string{"user_withheld", "user_suspend", "user_protect"}).Draw(rt, "kind")
			} else {
				n.id, n.kind = base+tweet.ID(rapid.IntRange(1, 4).Draw(rt, "tweet")), rapid.SampledFrom([]string{"status_withheld", "tweet_drop"}).Draw(rt, "kind")
			}
			switch hides := rapid.Bool().Draw(rt, "hides"); {
			case hides && strings.HasSuffix(n.kind, "withheld"):
				n.places = rapid.SampledFrom([]string{country, "FR", "XX", "XY", "FR," + country}).Draw(rt, "places")
			case hides:
				n.places = "*"
			}
			ns = append(ns, n)
			es = append(es, n.entry())
		}
		es = rapid.Permutation(es).Draw(rt, "order")
		for i := range es {
			es[i].Seq = tweet.Seq(i + 1)
		}
		want := seen(docs, ns)
		for name, a := range all {
			if name != "embedded" && round%6 > 0 { // each refresh takes its time
				continue
			}
			left := es
			if rapid.Bool().Draw(rt, "twice") {
				left = slices.Concat(es, es)
			}
			for len(left) > 0 {
				n := rapid.IntRange(1, len(left)).Draw(rt, "batch")
				if _, err := a.Apply(context.Background(), left[:n], tweet.Position{}); err != nil {
					rt.Fatal(err)
				}
				left = left[n:]
			}
			if err := shows(a, base, want); err != nil {
				rt.Fatalf("%s: %v", name, err)
			}
		}
	})
}

// shows holds an archive to what can be seen of four tweets.
func shows(a search.Archive, base tweet.ID, want []tweet.ID) error {
	ctx := context.Background()
	r := search.Request{Query: query.All(), AfterID: base, BeforeID: base + 5, Ascending: true, Limit: 10}
	q, err := query.Parse("word", always[0])
	if err != nil {
		return err
	}
	for _, e := range []query.Expr{query.All(), q.Expr} {
		r.Query = e
		page, err := a.Search(ctx, r)
		if err != nil {
			return err
		}
		var got []tweet.ID
		for _, h := range page.Hits {
			got = append(got, h.ID)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("%q shows %v, want %v", e, got, want)
		}
		if n, err := a.Count(ctx, r, always); err != nil || n[0] != int64(len(want)) {
			return fmt.Errorf("%q counts %v, want %d (%w)", e, n, len(want), err)
		}
	}
	ids := []tweet.ID{base + 1, base + 2, base + 3, base + 4}
	hidden, err := a.Hidden(ctx, ids...)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if hidden[id] == slices.Contains(want, id) {
			return fmt.Errorf("tweet %d is hidden: %v", id, hidden[id])
		}
	}
	r.Hidden = true
	page, err := a.Search(ctx, r)
	if err == nil && len(page.Hits) != len(ids) {
		err = fmt.Errorf("%d of %d tweets are there", len(page.Hits), len(ids))
	}
	return err
}
