package tweet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-json"
)

// figure is one public_metrics with its time: those of a tweet ("t" + id) or a user ("u" + id).
type figure struct {
	Key   string          `json:"k"`
	At    int64           `json:"t"`
	Value json.RawMessage `json:"v"`
}

func tweetFigure(id ID) string { return "t" + id.String() }

// metric is a place in a payload that holds figures.
type metric struct {
	key   string
	tweet **TweetMetrics
	user  **UserMetrics
}

func metrics(p *Payload) []metric {
	ms := []metric{{key: tweetFigure(p.Data.ID), tweet: &p.Data.PublicMetrics}}
	if p.Includes == nil {
		return ms
	}
	for i := range p.Includes.Tweets {
		t := &p.Includes.Tweets[i]
		ms = append(ms, metric{key: tweetFigure(t.ID), tweet: &t.PublicMetrics})
	}
	for i := range p.Includes.Users {
		if u := &p.Includes.Users[i]; u.ID != 0 {
			ms = append(ms, metric{key: "u" + u.ID.String(), user: &u.PublicMetrics})
		}
	}
	return ms
}

// takeFigures removes all figures from p and gives them, sorted by key.
func takeFigures(p *Payload, at int64) ([]figure, error) {
	var fs []figure
	for _, m := range metrics(p) {
		var v any
		switch {
		case m.tweet != nil && *m.tweet != nil:
			v, *m.tweet = *m.tweet, nil
		case m.user != nil && *m.user != nil:
			v, *m.user = *m.user, nil
		default:
			continue
		}
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("figures of %s: %w", m.key, err)
		}
		fs = append(fs, figure{m.key, at, b})
	}
	return mergeFigures(fs, nil), nil
}

// putFigures sets the figures of whatever p has, and says which found their place.
func putFigures(p *Payload, fs []figure) ([]bool, error) {
	placed := make([]bool, len(fs))
	for _, m := range metrics(p) {
		i, ok := slices.BinarySearchFunc(fs, m.key, func(f figure, k string) int { return strings.Compare(f.Key, k) })
		if !ok {
			continue
		}
		placed[i] = true
		var err error
		if m.tweet != nil {
			*m.tweet = new(TweetMetrics)
			err = json.Unmarshal(fs[i].Value, *m.tweet)
		} else {
			*m.user = new(UserMetrics)
			err = json.Unmarshal(fs[i].Value, *m.user)
		}
		if err != nil {
			return nil, fmt.Errorf("figures of %s: %w", m.key, err)
		}
	}
	return placed, nil
}

// mergeFigures keeps the newest of each key, sorted by key.
func mergeFigures(a, b []figure) []figure {
	fs := slices.Concat(a, b)
	slices.SortStableFunc(fs, func(x, y figure) int {
		return cmp.Or(strings.Compare(x.Key, y.Key), cmp.Compare(y.At, x.At), strings.Compare(string(y.Value), string(x.Value)))
	})
	return slices.CompactFunc(fs, func(x, y figure) bool { return x.Key == y.Key })
}

// overlayFigures replaces figures implied by a body by those that were kept beside it.
func overlayFigures(implied []figure, kept []byte) ([]figure, error) {
	var fs []figure
	if err := json.Unmarshal(kept, &fs); err != nil {
		return nil, fmt.Errorf("kept figures: %w", err)
	}
	for _, f := range implied {
		if !slices.ContainsFunc(fs, func(k figure) bool { return k.Key == f.Key }) {
			fs = append(fs, f)
		}
	}
	return mergeFigures(fs, nil), nil
}

func dropFigure(kept []byte, key string) ([]byte, error) {
	if len(kept) == 0 {
		return nil, nil
	}
	fs, err := overlayFigures(nil, kept)
	if err != nil {
		return nil, err
	}
	return encodeFigures(slices.DeleteFunc(fs, func(f figure) bool { return f.Key == key }))
}

func encodeFigures(fs []figure) ([]byte, error) {
	if len(fs) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(fs)
	if err != nil {
		return nil, fmt.Errorf("encode figures: %w", err)
	}
	return b, nil
}
