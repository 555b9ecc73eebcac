// Package live tells subscribers of the tweets that match, as they come.
//
// A subscription is a cursor over the journal: history first, then every matching entry in journal order,
// each once, none left out, from the place it asked for until it ends. What cannot be had any more is told
// as a gap, never left to guess.
package live

import (
	"context"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// Journal is the record that a hub reads. Safe for concurrent use.
type Journal interface {
	Epoch() string
	// First is the oldest entry that can still be read; Last()+1 when there is none.
	First() tweet.Seq
	// Last is the newest entry; its predecessors can all be read. A new journal may start above 1.
	Last() tweet.Seq
	// Since gives up to limit entries after the place, in order; an entry that was cut off by retention
	// is not among them (compare First). Content of deleted tweets is stripped.
	Since(ctx context.Context, after tweet.Seq, limit int) ([]tweet.Entry, error)
	// Losses counts how often content was taken away. What was read before it rose may hold some that is not there any more.
	Losses() uint64
	// Wait returns when Last() > after, or with ctx's error.
	Wait(ctx context.Context, after tweet.Seq) error
	// Content gives the sightings of a tweet that the journal still holds, deleted ones until they are stripped.
	Content(ctx context.Context, id tweet.ID) ([]tweet.Entry, error)
}

// History is what the archive answers to a subscription. Safe for concurrent use.
type History interface {
	// Watermark is the archive's visible place in the journal: every entry up to it is
	// searchable or a dead letter.
	Watermark(ctx context.Context) (tweet.Seq, error)
	// Matches gives one page.
	Matches(ctx context.Context, r HistoryRequest) (items []Item, more bool, err error)
	// Content is the archive's document of a tweet; nil when it has none, or a tombstone.
	Content(ctx context.Context, id tweet.ID) (*tweet.Payload, error)
}

// HistoryRequest asks for matches with first_seq ≤ Until.
type HistoryRequest struct {
	Query      query.Expr
	Start, End time.Time // by created_at, inclusive and exclusive; zero: no bound
	Until      tweet.Seq
	AfterID    tweet.ID // exclusive; with Newest false
	BeforeID   tweet.ID // exclusive, 0 no bound; with Newest true
	Newest     bool     // newest id first; else oldest first
	Limit      int
}

// Item is a tweet as it is sent.
type Item struct {
	ID      tweet.ID
	Payload []byte // canonical JSON; shared, not to be changed
}
