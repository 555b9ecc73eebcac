package search_test

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"birdwatch/ingest/format"
	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// recordedPage is an answer of X that was recorded, with what was asked.
type recordedPage struct {
	File, Path, Query, Start, End string
}

// asked is the query that finds what the page has; "" where there is none for it.
func (p *recordedPage) asked() string {
	parts := strings.Split(strings.Trim(p.Path, "/"), "/")
	switch {
	case p.Query != "":
		return p.Query
	case len(parts) != 4 || parts[1] != "users":
		return ""
	case parts[3] == "tweets":
		return "from:" + parts[2]
	}
	return "" // likes and mentions of a number are not asked for by words of the language
}

func recordedPages(t *testing.T) (folder string, pages []recordedPage) {
	folder = filepath.Join(cmp.Or(os.Getenv("BIRDWATCH_SHARED"), "../../shared"), "data/permissive/v2-pages")
	index, err := os.ReadFile(filepath.Join(folder, "INDEX.json"))
	if err != nil {
		t.Skipf("SKIPPED LOUDLY: no recorded pages: %v", err)
	}
	var all []struct {
		File, Path, Query string
		Start             string `json:"start_time"`
		End               string `json:"end_time"`
	}
	if err := json.Unmarshal(index, &all); err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		pages = append(pages, recordedPage(p))
	}
	return folder, pages
}

// unlike gives the reason why we do not find what X found; "" where there is none.
func unlike(r *tweet.Record, asked string) string {
	p, err := r.Decoded()
	if err != nil {
		return ""
	}
	switch {
	case !strings.HasPrefix(asked, "happy "):
		return ""
	case asked == "happy has:mentions" && (p.Data.Entities == nil || len(p.Data.Entities.Mentions) == 0):
		return "X counts an @ whose name is nobody's"
	case partOfName.Match(r.Payload):
		return "X parts names and tags at underscores"
	case partOfAddress.Match(r.Payload):
		return "X takes the words of a link's address for words"
	case behindStop.MatchString(p.Data.Text):
		return "X parts words at a full stop, with or without a blank"
	}
	return ""
}

var (
	partOfName    = regexp.MustCompile(`(?i)_happy|happy_`)
	partOfAddress = regexp.MustCompile(`(?i)"expanded_url":"[^"]*\bhappy\b`)
	behindStop    = regexp.MustCompile(`(?i)\pL\.happy\b`)
)

// TestRecordedPages asks each engine and the Matcher what X was asked when its answers were recorded: every tweet that X returned is found.
func TestRecordedPages(t *testing.T) {
	folder, pages := recordedPages(t)
	var recs []tweet.Record
	byFile := map[string][]tweet.ID{}
	records := map[tweet.ID]*tweet.Record{}
	for _, p := range pages {
		if p.asked() == "" {
			continue
		}
		for it := range format.Files(context.Background(), []string{filepath.Join(folder, p.File)}, format.Options{}) {
			for _, r := range it.Records {
				if r.Kind != tweet.KindTweet {
					continue
				}
				byFile[p.File] = append(byFile[p.File], r.ID)
				if records[r.ID] == nil {
					records[r.ID] = &r
					recs = append(recs, r)
				}
			}
		}
	}
	asked, found, missed := 0, 0, map[string]int{}
	for _, a := range append(engines(t, recs), engine{"matcher", nil}) {
		k := decoded(t, recs)
		for _, p := range pages {
			if p.asked() == "" {
				continue
			}
			got := answer(t, a, k, &p)
			asked++
			for _, id := range byFile[p.File] {
				if _, here := slices.BinarySearch(got, id); here {
					found++
					continue
				}
				reason := unlike(records[id], p.asked())
				if reason == "" {
					t.Errorf("%s: %s: %q does not find tweet %d", a.name, p.File, p.asked(), id)
				}
				missed[reason]++
			}
		}
	}
	t.Logf("%d pages of X asked again, %d tweets found; not: %v", asked, found, missed)
	if asked == 0 || found < 50*missedAll(missed) {
		t.Errorf("%d pages of X asked again, %d tweets found; not: %v", asked, found, missed)
	}
}

func missedAll(missed map[string]int) (n int) {
	for _, k := range missed {
		n += k
	}
	return n
}

// answer gives the ids that an engine, or without one the Matcher, finds for a page, in ascending order.
func answer(t *testing.T, a engine, k *known, p *recordedPage) (ids []tweet.ID) {
	t.Helper()
	q, err := query.Parse(p.asked(), time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatalf("%s: %v", p.asked(), err)
	}
	start, end := instant(t, p.Start), instant(t, p.End)
	if a.Archive == nil {
		for _, i := range k.matches(q.Expr) {
			if at := k.targets[i].Figures[query.CreatedAt]; at >= start.UnixMilli() && at < end.UnixMilli() {
				ids = append(ids, k.ids[i])
			}
		}
	} else if ids, err = walk(t.Context(), a, search.Request{Query: q.Expr, Start: start, End: end, Limit: 100}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
