// Package coverage is the account of when the archive listened to what, and of what it missed.
//
// It is made of spans: stretches of time in which a source was connected, or not (gaps), in which the server says that it held
// tweets back (limits), and what imports and backfills brought. A gap is where tweets may be missing: it begins where the last
// tweet that is surely in was made, not where the loss was noticed. It is closed by evidence only, and the span says by which.
package coverage

import (
	"context"
	"time"

	"birdwatch/tweet"
)

// Kind says what a span is of; the words are stored and served.
type Kind string

// The kinds.
const (
	Connected Kind = "connected" // the source was connected; Count tweets and notices came
	Gap       Kind = "gap"       // it was not, or nothing came; Cause says why
	Limit     Kind = "limit"     // the server says that it did not deliver Count tweets
	Warning   Kind = "warning"   // the server warned Count times
	Damage    Kind = "damage"    // Count messages were cut off or not understood
	Backfill  Kind = "backfill"  // the server was asked for what lies in it once more; Count tweets came
	Import    Kind = "import"    // the times of the tweets of an imported file; Count tweets and notices
)

// Kinds are all of them.
var Kinds = []Kind{Connected, Gap, Limit, Warning, Damage, Backfill, Import}

// The causes that are the archive's own; others are told by the source's adapter.
const (
	CauseKilled  = "killed"  // the process ended without a word
	CauseStopped = "stopped" // the source was stopped
	CauseStarted = "started" // it was started and not connected at once
	CauseChanged = "changed" // the source asks for something else
	// CauseUntold is of a limit without a count: the connection ended before the server's next notice.
	CauseUntold = "untold"
)

// Span is a line of the account. Times are Unix milliseconds.
type Span struct {
	ID     int64  `json:"id"`
	Source string `json:"source"` // as in tweet.Provenance.From
	Kind   Kind   `json:"kind"`
	Begin  int64  `json:"begin"`
	End    int64  `json:"end,omitempty"`  // 0: open
	Seen   int64  `json:"seen,omitempty"` // of an open one: up to when nothing was missing, as it was last written
	// Seq is, of a connected one, the journal's end when it began.
	Seq   tweet.Seq `json:"seq,omitempty"`
	Cause string    `json:"cause,omitempty"` // a word
	Note  string    `json:"note,omitempty"`  // a sentence
	Count int64     `json:"count,omitempty"`
	// Refusals are, of a gap, the tries to connect that failed in it, by cause.
	Refusals map[string]int64 `json:"refusals,omitempty"`
	// Asked is, of a connected one, what the source asked for: it says nothing of other tweets.
	Asked  string  `json:"asked,omitempty"`
	File   *File   `json:"file,omitempty"`
	Filled *Filled `json:"filled_by,omitempty"`
	// Before and After are, of a gap, the last tweets that the source delivered before it and the first after it. Whoever has them all
	// has, in all likelihood, what lies between them.
	Before []tweet.ID `json:"before,omitempty"`
	After  []tweet.ID `json:"after,omitempty"`
}

// File is what was imported.
type File struct {
	Run    string   `json:"run"` // the same for all files of one import
	Name   string   `json:"name"`
	SHA256 string   `json:"sha256"` // of the file's bytes, as they lay there
	At     int64    `json:"at"`     // when it was imported
	MinID  tweet.ID `json:"min_id,omitempty"`
	MaxID  tweet.ID `json:"max_id,omitempty"`
	Bad    int64    `json:"bad,omitempty"`
}

// Filled says what closed a gap, and why that is believed.
type Filled struct {
	By       string `json:"by"`    // "import" or "backfill"
	Span     int64  `json:"span"`  // the span of it; of an import its first file's
	Count    int64  `json:"count"` // tweets that lie in the gap
	Evidence string `json:"evidence"`
}

// Query selects spans that touch a stretch of time.
type Query struct {
	Begin, End int64 // End exclusive; 0: no bound
	Source     string
	Kinds      []Kind
	Open       bool // only open ones
	// After is the place behind which a page begins: the last span's of the page before.
	After Place
	Limit int // 0: all
}

// Place is where a span stands in the order of the account.
type Place struct{ Begin, ID int64 }

// Arrival is a tweet of a source and when it came.
type Arrival struct {
	ID tweet.ID
	At int64
}

// Store keeps spans. The journal is one.
type Store interface {
	// Spans gives spans by their beginning, then id.
	Spans(ctx context.Context, q Query) ([]Span, error)
	// PutSpans keeps spans, each in place of the one with its id, all or none.
	PutSpans(ctx context.Context, spans []Span) error
	// LastSpan is the highest id.
	LastSpan(ctx context.Context) (int64, error)
	// Arrivals gives the newest n tweets behind a place that came from a source, oldest first.
	Arrivals(ctx context.Context, source string, after tweet.Seq, n int) ([]Arrival, error)
	// Last is the newest entry's place.
	Last() tweet.Seq
}

const (
	// neighbours is how many tweets are kept on each side of a gap.
	neighbours = 100
	// lagMost is how long after it was made a tweet comes, on a stream that is live; one that is older was replayed.
	lagMost = 5 * time.Minute
	// lookBack is how far behind the last message tweets are looked at, which come out of order.
	lookBack = 10 * time.Second
)

// ring holds the newest arrivals.
type ring struct {
	all  []Arrival
	last int64 // when the newest came
}

func (r *ring) add(as ...Arrival) {
	r.all = append(r.all, as...)
	if n := len(r.all) - neighbours; n > neighbours { // moved seldom
		r.all = append(r.all[:0], r.all[n:]...)
	}
	if len(as) > 0 {
		r.last = max(r.last, as[len(as)-1].At)
	}
}

func (r *ring) newest() []Arrival { return r.all[max(0, len(r.all)-neighbours):] }

func (r *ring) ids() []tweet.ID {
	var ids []tweet.ID
	for _, a := range r.newest() {
		ids = append(ids, a.ID)
	}
	return ids
}

// sure is the moment up to which nothing is missing, when the last keep-alive came at alive: it is sent when nothing waits to be.
// Behind a tweet others may have been on their way, for as long as the slowest of the last ones was. Other messages say nothing of it: a
// server sends them past the tweets that wait.
func (r *ring) sure(alive int64) int64 {
	if alive > r.last {
		return alive
	}
	var slowest int64
	for _, a := range r.newest() {
		if a.At < r.last-lookBack.Milliseconds() {
			continue
		}
		if t, ok := a.ID.Time(); ok && a.At-t.UnixMilli() <= lagMost.Milliseconds() {
			slowest = max(slowest, a.At-t.UnixMilli())
		}
	}
	return r.last - slowest
}
