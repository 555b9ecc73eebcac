package live

import (
	"fmt"
	"strconv"
	"strings"

	"birdwatch/tweet"
)

// Place is where a subscription stands: what its event ids carry, and all that a server needs to go on from there.
type Place struct {
	// Position is the place in the journal: up to it everything was sent. While history is sent, its Seq is W.
	tweet.Position
	// Tweet is, while history is sent, the last tweet that was; 0 after.
	Tweet tweet.ID
	// Instant is what "now" was, in Unix seconds, when the queries' relative times were resolved; 0 without such.
	Instant int64
}

// String gives "epoch-seq" or, in history, "epoch-W-tweetid", and "@seconds" behind it when there is an instant.
func (p Place) String() string { return string(p.AppendTo(make([]byte, 0, 64))) }

// AppendTo appends what String gives.
func (p Place) AppendTo(b []byte) []byte {
	b = append(b, p.Epoch...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(p.Seq), 10)
	if p.Tweet != 0 {
		b = append(b, '-')
		b = strconv.AppendInt(b, int64(p.Tweet), 10)
	}
	if p.Instant != 0 {
		b = append(b, '@')
		b = strconv.AppendInt(b, p.Instant, 10)
	}
	return b
}

// ParsePlace reads what String wrote.
func ParsePlace(s string) (Place, error) {
	bad := fmt.Errorf("%.80q is not an event id: epoch-seq or epoch-seq-tweetid", s)
	rest, instant, resolved := strings.Cut(s, "@")
	var p Place
	if resolved {
		n, err := strconv.ParseInt(instant, 10, 64)
		if err != nil || n <= 0 {
			return Place{}, bad
		}
		p.Instant = n
	}
	if i := strings.IndexByte(rest, '-'); i >= 0 {
		if k := strings.IndexByte(rest[i+1:], '-'); k >= 0 {
			id, err := tweet.ParseID(rest[i+k+2:])
			if err != nil {
				return Place{}, bad
			}
			p.Tweet, rest = id, rest[:i+1+k]
		}
	}
	at, err := tweet.ParsePosition(rest)
	if err != nil {
		return Place{}, bad
	}
	p.Position = at
	return p, nil
}
