// Package search finds the tweets of an archive that match a query.
//
// Searcher, Reader and Writer are what an engine is to the rest; search/embedded
// and search/elastic make them.
package search

import (
	"context"
	"errors"
	"iter"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// Errors of every engine. Others are faults of the engine.
var (
	// ErrUnavailable: the archive cannot answer now; the same request may later.
	ErrUnavailable = errors.New("archive unavailable")
	// ErrTimeout: the query ran past its time limit.
	ErrTimeout = errors.New("query took too long")
	// ErrTooComplex: the query is larger than the engine, as it is set, takes.
	ErrTooComplex = errors.New("query is too complex for this archive")
	// ErrNotFound: no tweet of that id.
	ErrNotFound = errors.New("no such tweet")
	// ErrDeleted: the tweet is deleted (Get, Raw), or its raw was cut (Raw).
	ErrDeleted = errors.New("tweet deleted")
)

// Request asks for matches of a query. All bounds hold together; zero is no bound.
type Request struct {
	Query query.Expr
	// Start (inclusive) and End (exclusive) go by created_at.
	Start, End time.Time
	// AfterID and BeforeID bound the id, both exclusive.
	AfterID, BeforeID tweet.ID
	// AfterSeq (exclusive) and UntilSeq (inclusive) bound first_seq; nil is no bound.
	AfterSeq, UntilSeq *tweet.Seq
	// Ascending gives the oldest id first, else the newest.
	Ascending bool
	// Sort orders by a figure instead, the greatest first, of equal ones the newest id; query.CreatedAt, which is zero,
	// is the order by id.
	Sort query.Figure
	// After begins behind a hit, in an order by Sort; nil from the first.
	After *Place
	// Limit is the most hits of a page, at least 1.
	Limit int
	// Hidden gives tweets too that notices hide.
	Hidden bool
}

// Hit is a matching tweet.
type Hit struct {
	ID       tweet.ID
	FirstSeq tweet.Seq
	Payload  []byte // canonical JSON
	Value    int64  // the figure that was sorted by; 0 by id
}

// Place is a hit's place in an order by a figure.
type Place struct {
	Value int64
	ID    tweet.ID
}

// Page is one page of hits in the order asked for. More says that a further one exists.
type Page struct {
	Hits []Hit
	More bool
}

// Searcher answers queries. Deleted tweets are never among the hits, hidden ones only where they are asked for. Safe for concurrent use.
type Searcher interface {
	// Search gives one page. The next begins after the last hit (BeforeID, or AfterID when ascending).
	Search(ctx context.Context, r Request) (Page, error)
	// Count gives the exact number of matches in each of buckets[i] ≤ created_at < buckets[i+1]; r.Limit is
	// ignored. Two instants are one bucket.
	Count(ctx context.Context, r Request, buckets []time.Time) ([]int64, error)
}

// Faceter counts the values of matches. Safe for concurrent use.
type Faceter interface {
	// Facets counts, of each facet asked for, the values over the newest FacetBound matches and gives the limit most frequent.
	// Of r, the order and the page are ignored.
	Facets(ctx context.Context, r Request, facets []Facet, limit int) (FacetResult, error)
}

// Reader gives single tweets. Safe for concurrent use.
type Reader interface {
	// Get gives the documents of the ids that the archive has, in the order asked, tombstones
	// among them, absent ones left out.
	Get(ctx context.Context, ids ...tweet.ID) ([]*tweet.Document, error)
}

// Writer takes what the journal's follower and imports bring. One process at a time writes an archive.
type Writer interface {
	// Position is the place in the journal up to which entries are applied and searchable (or in the dead
	// letters); zero before the first.
	Position(ctx context.Context) (tweet.Position, error)
	// Apply merges entries, in journal order, and moves the position to `to` in one transaction; a zero one moves nothing. An
	// entry at or before the position is applied again without harm. Entries that the archive refuses for
	// their content go to the dead letters and are counted, not an error.
	Apply(ctx context.Context, entries []tweet.Entry, to tweet.Position) (Outcome, error)
	// Import merges sightings that do not come through the journal; their first_seq is the position's Seq
	// at the moment they become searchable (0 before the first). changes[i] says what records[i] did.
	Import(ctx context.Context, records []tweet.Record) (changes []Change, err error)
	// Purge forgets tweets without a trace: no tombstone.
	Purge(ctx context.Context, ids []tweet.ID) error
}

// Keeper is what copies, repairs and new versions need of an archive.
type Keeper interface {
	// Documents gives up to limit documents with a greater id, by id, tombstones among them.
	Documents(ctx context.Context, after tweet.ID, limit int) ([]*tweet.Document, error)
	// Put merges whole documents, tombstones too. Of two first_seq the lesser is kept.
	Put(ctx context.Context, docs []*tweet.Document) error
	// Notices gives what is recorded of KindGeo, KindWithheld and KindUser, as entries that Apply takes.
	Notices(ctx context.Context) iter.Seq2[tweet.Entry, error]
	// DeadLetters gives up to limit of what was refused, in the order of keys, after a key ("": from the first).
	DeadLetters(ctx context.Context, after string, limit int) ([]DeadLetter, error)
	// Retry takes dead letters once more; those that are accepted, or have no content, leave. Unknown keys are passed over.
	Retry(ctx context.Context, keys ...string) (Outcome, error)
	// Drop throws dead letters away and says how many there were.
	Drop(ctx context.Context, keys ...string) (int, error)
	// Reindex makes the index again, of this program's analysis and format, from the archive's own documents, while reads and
	// writes go on. Broken off, it goes on where it was. progress may be nil.
	Reindex(ctx context.Context, progress func(done, total int64)) error
}

// DeadLetter is what an archive could not take for its content.
type DeadLetter struct {
	Key     string        `json:"key"`
	Seq     tweet.Seq     `json:"seq"` // 0 from an import
	ID      tweet.ID      `json:"id"`
	Reason  string        `json:"reason"`
	At      int64         `json:"-"` // newest capture time
	Content tweet.Content `json:"-"`
}

// Change says what a sighting did to its document.
type Change uint8

// The changes.
const (
	Same     Change = iota // nothing
	Inserted               // the document is new
	Updated                // it differs now
	Deleted                // it is, or became, a tombstone
	Refused                // it went to the dead letters
)

// Outcome counts what Apply did.
type Outcome struct{ Inserted, Updated, Same, Deleted, Refused int }

// Stats describe an archive.
type Stats struct {
	Tweets      int64          `json:"tweets"`
	Tombstones  int64          `json:"tombstones"`
	DeadLetters int64          `json:"dead_letters"`
	Bytes       int64          `json:"bytes"` // on disk
	Position    tweet.Position `json:"position"`
	HighestSeq  tweet.Seq      `json:"highest_seq"`     // highest first_seq or position
	Engine      string         `json:"engine"`          // and the version of its server
	Stale       bool           `json:"stale"`           // the index is of another analysis or format: Reindex
	Lacks       []string       `json:"lacks,omitempty"` // what the server cannot do of what would be used
}

// Identity is what a journal's id table needs to be made again from an archive.
type Identity struct {
	ID        tweet.ID
	FirstSeq  tweet.Seq
	At        int64
	Tombstone bool
	Copies    []tweet.Copy
}

// Archive is an engine whole, as cmd and the tests use it.
type Archive interface {
	Searcher
	Faceter
	Reader
	Writer
	Keeper
	Compacter
	// Hidden gives those of the ids whose tweets notices hide; Get has them all the same.
	Hidden(ctx context.Context, ids ...tweet.ID) (map[tweet.ID]bool, error)
	Stats(ctx context.Context) (Stats, error)
	// Identities gives every document, by id ascending.
	Identities(ctx context.Context) iter.Seq2[Identity, error]
	Close() error
}
