package api

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// sorting is an order that search takes. Its code stands in tokens, which never expire: it is never given another meaning.
type sorting struct {
	name   string
	code   byte
	figure query.Figure // the zero one, of recency, is the order by id
}

// sortings are X's two and ours, the default first.
var sortings = []sorting{
	{"recency", 0, query.CreatedAt},
	{"relevancy", 1, query.Relevancy},
	{"likes", 2, query.Likes},
	{"reposts", 3, query.Reposts},
	{"replies", 4, query.Replies},
	{"followers", 5, query.Followers},
}

func sortNames() (names []string) {
	for _, s := range sortings {
		names = append(names, s.name)
	}
	return names
}

// sorting reads sort_order.
func (p params) sorting() (sorting, error) {
	name, err := p.choice("sort_order", sortNames()...)
	if err != nil {
		return sorting{}, err
	}
	return sortings[slices.IndexFunc(sortings, func(s sorting) bool { return s.name == name })], nil
}

// pageToken says behind which tweet the next page begins, and what "now" was for the query's relative times. It holds
// all that is needed, so that it never expires and every instance reads it.
type pageToken struct {
	instant time.Time // to the second
	sum     uint64
	sort    sorting
	value   int64 // of the figure, at last
	last    tweet.ID
}

// The versions of tokens. The first had no sort; it is still read.
const (
	tokenByID    = 1
	tokenSorted  = 2
	tokenByIDLen = 1 + 8 + 8 + 8
	tokenLen     = tokenByIDLen + 1 + 8
)

func (t pageToken) String() string {
	b := make([]byte, tokenLen)
	b[0] = tokenSorted
	binary.BigEndian.PutUint64(b[1:], uint64(t.instant.Unix()))
	binary.BigEndian.PutUint64(b[9:], t.sum)
	binary.BigEndian.PutUint64(b[17:], uint64(t.last))
	b[25] = t.sort.code
	binary.BigEndian.PutUint64(b[26:], uint64(t.value))
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseToken reads what String wrote, of any version; ok is false for everything else.
func parseToken(text string) (t pageToken, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) == 0 {
		return t, false
	}
	t.sort = sortings[0]
	switch {
	case b[0] == tokenByID && len(b) == tokenByIDLen:
	case b[0] == tokenSorted && len(b) == tokenLen:
		i := slices.IndexFunc(sortings, func(s sorting) bool { return s.code == b[25] })
		if i < 0 {
			return t, false
		}
		t.sort, t.value = sortings[i], int64(binary.BigEndian.Uint64(b[26:]))
	default:
		return t, false
	}
	t.instant = time.Unix(int64(binary.BigEndian.Uint64(b[1:])), 0).UTC()
	t.sum = binary.BigEndian.Uint64(b[9:])
	t.last = tweet.ID(binary.BigEndian.Uint64(b[17:]))
	return t, t.sum != 0 && t.last > 0 && t.instant.Year() >= 2000 && t.instant.Year() <= 9999
}

// token reads next_token or pagination_token, which are one; without them it is of now.
func (p params) token(now time.Time) (pageToken, error) {
	name := "next_token"
	if p.has("pagination_token") {
		if p.has(name) && p.get(name) != p.get("pagination_token") {
			return pageToken{}, invalid("pagination_token", p.get("pagination_token"), "[pagination_token] and [next_token] are two names of one parameter.")
		}
		name = "pagination_token"
	}
	if !p.has(name) {
		return pageToken{instant: now.Truncate(time.Second)}, nil
	}
	t, ok := parseToken(p.get(name))
	if !ok {
		return pageToken{}, invalid(name, p.get(name), "The value of [%s] is not a token of this API.", name)
	}
	return t, nil
}

// follow has the request go on where the token says, in the order that its first page was asked in.
func (t *pageToken) follow(r *search.Request, s sorting) error {
	switch {
	case t.last == 0:
	case t.sort != s:
		return invalid("sort_order", s.name, "The token belongs to an answer with sort_order=%s. Send it with what the first page was asked with.", t.sort.name)
	case s.figure == query.CreatedAt:
		if r.BeforeID == 0 || t.last < r.BeforeID {
			r.BeforeID = t.last
		}
	default:
		r.After = &search.Place{Value: t.value, ID: t.last}
	}
	t.sort, r.Sort = s, s.figure
	return nil
}
