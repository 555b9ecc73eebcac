package api_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"birdwatch/api"
	"birdwatch/tweet"
)

// liked is a world of tweets with so many likes, from id 1.
func liked(likes ...int64) *world {
	w := newWorld()
	for i, n := range likes {
		w.add(&tweet.Payload{Data: tweet.Tweet{ID: tweet.ID(i + 1), Text: "bird", CreatedAt: "2024-06-01T11:00:00.000Z", PublicMetrics: &tweet.TweetMetrics{LikeCount: n}}})
	}
	return w
}

// TestSortedPages: pages by a figure give every match once, also among equal ones, in any server.
func TestSortedPages(t *testing.T) {
	likes := make([]int64, 35)
	for i := range likes {
		likes[i] = int64(i * 7 % 10) // each of ten values three or four times
	}
	w := liked(likes...)
	a, b := serveWorld(t, w, api.Config{}, liveOptions), serveWorld(t, w, api.Config{}, liveOptions)
	const query = "/2/tweets/search/all?query=bird&until_id=34&sort_order=likes"
	token, ids := next(t, a.get(t, query))
	for i, server := 0, b; token != ""; i, server = i+1, a {
		var more []string
		token, more = next(t, server.get(t, query+"&"+[]string{"next_token", "pagination_token"}[i%2]+"="+token))
		ids = append(ids, more...)
	}
	if len(ids) != 33 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 33 {
		t.Fatalf("pages gave %d: %v", len(ids), ids)
	}
	var last, lastLikes tweet.ID = 99, 99
	for _, text := range ids {
		id, err := tweet.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		n := tweet.ID(likes[id-1])
		if n > lastLikes || n == lastLikes && id > last {
			t.Fatalf("%d, of %d likes, stands behind %d of %d", id, n, last, lastLikes)
		}
		last, lastLikes = id, n
	}
	if first := a.get(t, query+"&max_results=10"); !strings.Contains(first.body, `"newest_id":"32","oldest_id":"2"`) {
		t.Errorf("meta is not of the ids: %s", first.body)
	}
}

// TestTokensOfSorts: a token goes with the order it came from; those of the first version go by id.
func TestTokensOfSorts(t *testing.T) {
	s := serveWorld(t, liked(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), api.Config{}, liveOptions)
	const query = "/2/tweets/search/all?query=bird"
	byID, _ := next(t, s.get(t, query))
	byLikes, _ := next(t, s.get(t, query+"&sort_order=likes"))
	first := func(token string) string {
		b, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		b[0] = 1
		return base64.RawURLEncoding.EncodeToString(b[:25])
	}
	for _, test := range []struct {
		order, token string
		ids          string // "" where it is refused
	}{
		{"", byID, "2 1"},
		{"&sort_order=recency", byID, "2 1"},
		{"", first(byID), "2 1"},
		{"&sort_order=likes", byLikes, "2 1"},
		{"&sort_order=likes", byID, ""},
		{"&sort_order=likes", first(byID), ""},
		{"", byLikes, ""},
		{"&sort_order=reposts", byLikes, ""},
	} {
		a := s.get(t, query+test.order+"&next_token="+test.token)
		if test.ids == "" {
			if p := problemOf(t, a); a.status != 400 || !strings.Contains(p.Errors[0].Message, "belongs to an answer with sort_order=") {
				t.Errorf("%s %s: %d %s", test.order, test.token, a.status, a.body)
			}
			continue
		}
		if _, ids := next(t, a); strings.Join(ids, " ") != test.ids {
			t.Errorf("%s %s: %v", test.order, test.token, ids)
		}
	}
}
