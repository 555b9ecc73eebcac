package embedded_test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// byMatcher are the ids that query.Matcher finds, newest first.
func byMatcher(e query.Expr, tweets []*tweet.Payload) (ids []tweet.ID) {
	m := query.NewMatcher(e)
	var target query.Target
	for _, p := range tweets {
		if target.Set(p); m.Match(&target) {
			ids = append(ids, p.Data.ID)
		}
	}
	slices.SortFunc(ids, func(a, b tweet.ID) int { return cmp.Compare(b, a) })
	return slices.Compact(ids)
}

// compare holds the archive to the Matcher: ids, order, pages, counts.
func compare(t *testing.T, a *embedded.Archive, e query.Expr, want []tweet.ID, page int) error {
	got, err := walk(t.Context(), a, e, false, page)
	if err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s\narchive %v\nmatcher %v", e, got, want)
	}
	if got, err = walk(t.Context(), a, e, true, page); err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	if slices.Reverse(got); !slices.Equal(got, want) {
		return fmt.Errorf("%s ascending\narchive %v\nmatcher %v", e, got, want)
	}
	n, err := a.Count(t.Context(), search.Request{Query: e}, always)
	if err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	if n[0] != int64(len(want)) {
		return fmt.Errorf("%s: counted %d, matcher %d", e, n[0], len(want))
	}
	return nil
}

// TestRandomQueries: random queries over random tweets, made anew again and again.
func TestRandomQueries(t *testing.T) {
	for round := range 6 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			tweets := querytest.Tweets().Example(round)
			a := open(t, embedded.Options{})
			fill(t, a, tweets)
			tweets = distinct(tweets)
			v := querytest.VocabularyOf(tweets)
			rapid.Check(t, func(rt *rapid.T) {
				e := querytest.Exprs(v).Draw(rt, "query")
				if err := compare(t, a, e, byMatcher(e, tweets), rapid.IntRange(1, 7).Draw(rt, "page")); err != nil {
					rt.Fatal(err)
				}
			})
		})
	}
}

// distinct keeps of each id what merging keeps: all are seen at the same time, so the greater body.
func distinct(tweets []*tweet.Payload) (out []*tweet.Payload) {
	byID := map[tweet.ID]*tweet.Document{}
	for _, p := range tweets {
		b, err := tweet.Encode(p)
		if err != nil {
			panic(err)
		}
		d := tweet.NewDocument(&tweet.Record{ID: p.Data.ID, Payload: b, Raw: append([]byte("raw of "), b...)}, 0)
		if was := byID[p.Data.ID]; was != nil {
			if d, _, err = was.Merge(d); err != nil {
				panic(err)
			}
		}
		byID[p.Data.ID] = d
	}
	for _, d := range byID {
		p, err := tweet.Decode(d.Payload)
		if err != nil {
			panic(err)
		}
		out = append(out, p)
	}
	return out
}

// TestHostileTerms: whatever stands in a word or a value, FTS5 takes it for that and nothing else.
func TestHostileTerms(t *testing.T) {
	a := open(t, embedded.Options{})
	names := []string{`a"b`, `x*`, `NEAR(a b)`, `a AND b`, `^a`, `t:a`, `{t}`, `'; DROP TABLE docs; --`, `"`, `\`, "a\tb", "😀", "_%", "(", "-a"}
	var tweets []*tweet.Payload
	for i, n := range names {
		tweets = append(tweets, &tweet.Payload{Data: tweet.Tweet{ID: tweet.ID(i + 1), Text: n, Source: n}})
	}
	fill(t, a, tweets)
	for _, n := range names {
		text := "source:\"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(n) + "\""
		q, err := query.Parse(text, querytest.Now)
		if err != nil {
			continue // the language refuses it: it never comes here
		}
		if err := compare(t, a, q.Expr, byMatcher(q.Expr, tweets), 3); err != nil {
			t.Error(err)
		}
	}
}

// TestOrderDoesNotMatter: batches in any order make the same archive, first_seq apart.
func TestOrderDoesNotMatter(t *testing.T) {
	tweets := querytest.Tweets().Example(3)
	var entries []tweet.Entry
	for i, p := range tweets {
		r := record(t, p)
		r.CapturedAt = int64(i % 3)
		entries = append(entries, tweet.Entry{Record: r})
		r.CapturedAt++
		r.Raw = []byte("second")
		entries = append(entries, tweet.Entry{Record: r})
		if i%4 == 0 {
			entries = append(entries, tweet.Entry{Record: tweet.Record{Kind: tweet.KindDelete, ID: p.Data.ID, CapturedAt: 5}})
		}
	}
	var first []string
	for round := range 4 {
		a, err := embedded.Open(t.Context(), filepath.Join(t.TempDir(), "archive.db"), embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		shuffled := slices.Clone(entries)
		if round > 0 {
			shuffled = rapid.Permutation(entries).Example(round)
		}
		for n := round*7 + 3; len(shuffled) > 0; {
			n = min(n, len(shuffled))
			if _, err := a.Apply(t.Context(), shuffled[:n], tweet.Position{Epoch: "e", Seq: 1}); err != nil {
				t.Fatal(err)
			}
			shuffled = shuffled[n:]
		}
		var docs []string
		for i, err := range a.Identities(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			d, err := a.Get(t.Context(), i.ID)
			if err != nil {
				t.Fatal(err)
			}
			docs = append(docs, fmt.Sprintf("%d %d %s %s", i.ID, d[0].Version(), d[0].Payload, d[0].Raw))
		}
		if first == nil {
			first = docs
		}
		if !slices.Equal(first, docs) {
			t.Errorf("order %d makes other documents", round)
		}
		if err := a.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}
