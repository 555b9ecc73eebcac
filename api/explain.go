package api

import (
	"unicode/utf8"

	"birdwatch/query"
)

// branch is a node of a query's tree as explain shows it. Op says what kind it is; only what that kind has is there.
type branch struct {
	Op     string    `json:"op"`
	Of     []*branch `json:"of,omitempty"`
	Field  string    `json:"field,omitempty"` // operator whose terms these are; absent for words of the text
	Term   string    `json:"term,omitempty"`
	Words  []string  `json:"words,omitempty"`
	Prefix bool      `json:"prefix,omitempty"` // of a phrase: its last word is the beginning of one
	Apart  int       `json:"apart,omitempty"`  // of near: how many other words at most
	Figure string    `json:"figure,omitempty"`
	Low    *int64    `json:"low,omitempty,string"` // numbers exceed what JavaScript holds
	High   *int64    `json:"high,omitempty,string"`
	Circle *circle   `json:"circle,omitempty"`
}

// circle is what point_radius asks for.
type circle struct {
	Longitude float64 `json:"longitude"`
	Latitude  float64 `json:"latitude"`
	Meters    int64   `json:"meters"`
}

// tree shows what an engine is given.
type tree struct{}

var fieldNames = func() map[rune]string {
	m := map[rune]string{}
	for _, o := range query.Operators() {
		if o.Prefix != 0 {
			m[o.Prefix] = o.Name
		}
	}
	return m
}()

var figureNames = [query.NumFigures]string{query.CreatedAt: "created_at", query.TweetID: "id", query.Followers: "followers_count", query.Following: "following_count",
	query.Tweets: "tweets_count", query.Listed: "listed_count", query.Likes: "likes", query.Reposts: "reposts", query.Replies: "replies", query.Quotes: "quotes",
	query.Sample: "sample", query.Longitude: "longitude", query.Latitude: "latitude", query.Relevancy: "relevancy"}

// showTerm takes a term's private-use prefix off, which says nothing to a reader.
func showTerm(t string) (field, text string) {
	r, n := utf8.DecodeRuneInString(t)
	if name, ok := fieldNames[r]; ok {
		return name, t[n:]
	}
	return "", t
}

func showWords(ws []string) (field string, texts []string) {
	for _, w := range ws {
		f, t := showTerm(w)
		if field == "" {
			field = f
		}
		if t != "" { // a bare prefix stands between two texts of a field
			texts = append(texts, t)
		}
	}
	return field, texts
}

func (tree) All() *branch             { return &branch{Op: "all"} }
func (tree) And(xs []*branch) *branch { return &branch{Op: "and", Of: xs} }
func (tree) Or(xs []*branch) *branch  { return &branch{Op: "or", Of: xs} }
func (tree) Not(x *branch) *branch    { return &branch{Op: "not", Of: []*branch{x}} }
func (tree) Term(t string) *branch {
	f, s := showTerm(t)
	return &branch{Op: "term", Field: f, Term: s}
}
func (tree) Prefix(t string) *branch {
	f, s := showTerm(t)
	return &branch{Op: "prefix", Field: f, Term: s}
}

func (tree) Phrase(words []string, prefix bool) *branch {
	f, ws := showWords(words)
	return &branch{Op: "phrase", Field: f, Words: ws, Prefix: prefix}
}

func (tree) Near(words []string, n int) *branch {
	f, ws := showWords(words)
	return &branch{Op: "near", Field: f, Words: ws, Apart: n}
}

func (tree) Range(f query.Figure, lo, hi int64) *branch {
	b := &branch{Op: "range", Figure: figureNames[f]}
	if lo > -1<<63 {
		b.Low = &lo
	}
	if hi < 1<<63-1 {
		b.High = &hi
	}
	return b
}

func (tree) Circle(c query.Circle) *branch {
	return &branch{Op: "circle", Circle: &circle{float64(c.Lon) / 1e6, float64(c.Lat) / 1e6, c.Meters}}
}
