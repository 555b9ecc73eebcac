package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

var countStart = time.Date(2013, 5, 1, 0, 0, 0, 0, time.UTC)

// made is a few days of tweets, one every 20 seconds, whose created_at is up to a minute off; strays of them are days off.
func made(n, strays int) []*tweet.Payload {
	r := rand.New(rand.NewPCG(3, 4))
	tweets := make([]*tweet.Payload, n)
	for i := range tweets {
		at := countStart.Add(time.Duration(i) * 20 * time.Second)
		id := tweet.IDAt(at) + tweet.ID(i&7)
		at = at.Add(time.Duration(r.IntN(120_000)-60_000) * time.Millisecond)
		if i < strays {
			at = at.Add(time.Duration(r.IntN(96)-24) * time.Hour)
		}
		p := &tweet.Payload{Data: tweet.Tweet{ID: id, Text: "all", CreatedAt: at.Format(tweet.TimeLayout), PublicMetrics: &tweet.TweetMetrics{LikeCount: int64(i % 100)}}}
		for k, w := range []string{"half", "third", "tenth"} {
			if r.IntN([]int{2, 3, 10}[k]) == 0 {
				p.Data.Text += " " + w
			}
		}
		tweets[i] = p
	}
	r.Shuffle(n, func(i, k int) { tweets[i], tweets[k] = tweets[k], tweets[i] })
	return tweets
}

// TestCounts: many matches are counted by stretches of ids, few one by one; both are what the Matcher says.
func TestCounts(t *testing.T) {
	n := 12_000
	if testing.Short() {
		n = 6000
	}
	for _, strays := range []int{0, 40} {
		t.Run(fmt.Sprint(strays, " strays"), func(t *testing.T) {
			tweets := made(n, strays)
			a := open(t, embedded.Options{})
			fill(t, a, tweets)
			targets := make([]query.Target, n)
			for i, p := range tweets {
				targets[i].Set(p)
			}
			queries := []string{"", "all", "half", "half OR third", "-half", "all -tenth", "likes:5..60", "all min_likes:10", "tenth", "half min_likes:50 OR third",
				`"all all"~3 OR tenth`, "all since:2013-05-01_07:13:00_UTC", "half -until:2013-05-02_01:02:03_UTC", "all max_id:" + tweet.IDAt(countStart.Add(31*time.Hour)).String()}
			rapid.Check(t, func(rt *rapid.T) {
				e := parse(t, rapid.SampledFrom(queries).Draw(rt, "query"))
				from := countStart.Add(time.Duration(rapid.IntRange(-3000, 2000).Draw(rt, "from")) * time.Minute)
				buckets := []time.Time{from}
				step := rapid.SampledFrom([]time.Duration{time.Minute, 17 * time.Minute, time.Hour, 5 * time.Hour, 7 * time.Hour, 30 * time.Hour, 200 * time.Hour}).Draw(rt, "step")
				for range rapid.IntRange(1, 40).Draw(rt, "buckets") {
					buckets = append(buckets, buckets[len(buckets)-1].Add(step+time.Duration(rapid.IntRange(0, 2).Draw(rt, "more"))*time.Second))
				}
				got, err := a.Count(t.Context(), search.Request{Query: e}, buckets)
				if err != nil {
					rt.Fatal(err)
				}
				if want := counted(e, targets, buckets); !slices.Equal(got, want) {
					rt.Fatalf("%s\narchive %v\nmatcher %v", e, got, want)
				}
			})
		})
	}
}

func counted(e query.Expr, targets []query.Target, buckets []time.Time) []int64 {
	m := query.NewMatcher(e)
	counts := make([]int64, len(buckets)-1)
	for i := range targets {
		if !m.Match(&targets[i]) {
			continue
		}
		at := time.UnixMilli(targets[i].Figures[query.CreatedAt])
		for k := range counts {
			if !at.Before(buckets[k]) && at.Before(buckets[k+1]) {
				counts[k]++
			}
		}
	}
	return counts
}

// TestBounds: times and ids of a request hold together with the query's own, for strays too.
func TestBounds(t *testing.T) {
	tweets := made(400, 30)
	a := open(t, embedded.Options{})
	fill(t, a, tweets)
	byID := slices.SortedFunc(slices.Values(tweets), func(x, y *tweet.Payload) int { return int(x.Data.ID>>10 - y.Data.ID>>10) })
	rapid.Check(t, func(rt *rapid.T) {
		instant := func(name string) time.Time {
			if rapid.Bool().Draw(rt, name+" is bound") {
				return countStart.Add(time.Duration(rapid.IntRange(-1000, 10_000).Draw(rt, name)) * time.Second)
			}
			return time.Time{}
		}
		id := func(name string) tweet.ID {
			if rapid.Bool().Draw(rt, name+" is bound") {
				return byID[rapid.IntRange(0, len(byID)-1).Draw(rt, name)].Data.ID
			}
			return 0
		}
		r := search.Request{Query: parse(t, rapid.SampledFrom([]string{"all", "", "half OR min_likes:50", "-third"}).Draw(rt, "query")), Start: instant("start"), End: instant("end"),
			AfterID: id("after"), BeforeID: id("before"), Ascending: rapid.Bool().Draw(rt, "ascending"), Limit: rapid.IntRange(1, 500).Draw(rt, "limit")}
		page, err := a.Search(t.Context(), r)
		if err != nil {
			rt.Fatal(err)
		}
		var got, want []tweet.ID
		for _, h := range page.Hits {
			got = append(got, h.ID)
		}
		m := query.NewMatcher(r.Query)
		var target query.Target
		for _, p := range byID {
			target.Set(p)
			at := time.UnixMilli(p.Data.Time())
			if m.Match(&target) && (r.Start.IsZero() || !at.Before(r.Start)) && (r.End.IsZero() || at.Before(r.End)) && p.Data.ID > r.AfterID && (r.BeforeID == 0 || p.Data.ID < r.BeforeID) {
				want = append(want, p.Data.ID)
			}
		}
		if !r.Ascending {
			slices.Reverse(want)
		}
		more := len(want) > r.Limit
		if want = want[:min(len(want), r.Limit)]; !slices.Equal(got, want) || page.More != more {
			rt.Fatalf("%+v\n got %v, more %v\nwant %v, more %v", r, got, page.More, want, more)
		}
	})
}

// TestLongQueryEnds: the time limit holds inside of SQLite's work too, not only between rows.
func TestLongQueryEnds(t *testing.T) {
	a := open(t, embedded.Options{})
	fill(t, a, made(6000, 0))
	// Every tweet is looked at for every phrase, and none is found: all of it is one step of SQLite's.
	text := "all -(-all" + strings.Repeat(` OR "all half third" OR "half tenth all"`, 80) + " OR all)"
	ask := func(ctx context.Context) (time.Duration, error) {
		began := time.Now()
		_, err := a.Search(ctx, search.Request{Query: parse(t, text), Limit: 10})
		return time.Since(began), err
	}
	whole, err := ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), whole/20)
	defer cancel()
	took, err := ask(ctx)
	if !errors.Is(err, search.ErrTimeout) || took > whole/2 {
		t.Errorf("with a limit of %v: %v after %v", whole/20, err, took)
	}
	if n, err := a.Count(t.Context(), search.Request{Query: parse(t, "all")}, always); err != nil || n[0] != 6000 {
		t.Errorf("afterwards: %v, %v", n, err)
	}
}

// TestCountOfTheLastID: where the first look ends with the greatest id there is, nothing is behind it.
func TestCountOfTheLastID(t *testing.T) {
	a := open(t, embedded.Options{})
	const n = 4096 // as many as the first look takes
	tweets := []*tweet.Payload{{Data: tweet.Tweet{ID: math.MaxInt64, Text: "all", CreatedAt: countStart.Add(time.Hour).Format(tweet.TimeLayout)}}}
	for i := range n - 1 {
		at := countStart.Add(time.Duration(i) * time.Minute)
		tweets = append(tweets, &tweet.Payload{Data: tweet.Tweet{ID: tweet.IDAt(at), Text: "all", CreatedAt: at.Format(tweet.TimeLayout)}})
	}
	fill(t, a, tweets)
	got, err := a.Count(t.Context(), search.Request{Query: parse(t, "all")}, []time.Time{countStart, countStart.Add(1000 * time.Hour)})
	if err != nil || len(got) != 1 || got[0] != n {
		t.Errorf("%v %v", got, err)
	}
}
