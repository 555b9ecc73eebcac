package live

import (
	"errors"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// Errors of a hub.
var (
	// ErrFull: as many subscriptions as the options allow are open.
	ErrFull = errors.New("too many subscriptions")
	// ErrClosed: the hub is closed, or was not started.
	ErrClosed = errors.New("hub closed")
	// ErrLagged: the subscription fell too far behind. It can be resumed from its last place.
	ErrLagged = errors.New("subscription fell too far behind")
)

// Kind says what an Event is.
type Kind uint8

// The kinds.
const (
	Tweet  Kind = iota // a matching tweet: Item, Matched
	Delete             // a tweet that was, or may have been, sent is deleted: ID
	Live               // history is done, what follows is new
	Gap                // entries after Since up to Until can not be had from here any more
	Moved              // nothing but the place moved on
	End                // nothing can match any more; the subscription is over for good
	Bye                // the server stops; the subscription can be resumed
)

// Event is one thing that a subscription tells.
type Event struct {
	Kind  Kind
	Place Place // where a resumed subscription goes on after this event
	ID    tweet.ID
	// Item is shared by all subscriptions that are sent the tweet: what is made of it can be kept by its address.
	Item *Item
	// Queries were in force at the entry, of a Gap somewhere in it; Matched are the indexes of those that the tweet matched, ascending.
	Queries      []Query
	Matched      []int
	Since, Until tweet.Seq // of a Gap: exclusive, inclusive
	// More: the next event is ready, or is being looked for among entries that are: a writer may put off flushing, for a moment.
	More bool
}

// Query is one of a subscription's queries.
type Query struct {
	Expr query.Expr
	// Until is the instant after which nothing can match; zero when there is none.
	Until time.Time
	// ID and Tag are whoever asks' own, and come back with the events.
	ID, Tag string
	// Like is, in events, the same value for equal queries, and comparable.
	Like any
}

// Former are queries that a subscription had before, in force up to a place.
type Former struct {
	Until   tweet.Seq
	Queries []Query
}

// Request asks for a subscription.
type Request struct {
	Queries []Query
	// Former are what a subscription that resumes had before Queries, ascending: entries are matched by what was in force at their place.
	// What it had up to Forgot is not among them.
	Former []Former
	Forgot tweet.Seq
	// Resume is the place of the last event that the client has; nil for a new subscription.
	Resume *Place
	// Backfill asks for the newest so many matches of history, sent oldest first. Start asks for all
	// since then. With Resume neither asks for history.
	Backfill int
	// Start (inclusive) and End (exclusive) bound created_at, in history and live. End passed by a minute ends the subscription.
	Start, End time.Time
	// Instant is put into every place, see Place.
	Instant int64
	// Endless subscriptions stay open when nothing can match any more: their queries may be replaced.
	Endless bool
	// Wake is called when a subscription whose Ready or Take came to its end has more to tell, and now and then without need. It
	// must neither wait nor call the subscription or its hub. Not needed by Events.
	Wake func()
}

// Options bound a hub; the zero value gives defaults.
type Options struct {
	MaxSubscriptions int           // 10,000
	Box              int           // matches that wait in memory for one subscription before it turns to the journal; 256
	MaxBehind        tweet.Seq     // entries that a subscription which was at the end may fall behind; 1,000,000
	MoveEvery        time.Duration // of silence until a Moved; 10 minutes
	MaxCost          float64       // of a query, see Explanation.Cost and Afford; 0: any
	// Now is the clock by which subscriptions end; time.Now.
	Now func() time.Time
}

func (o *Options) defaults() {
	if o.MaxSubscriptions <= 0 {
		o.MaxSubscriptions = 10_000
	}
	if o.Box <= 0 {
		o.Box = 256
	}
	if o.MaxBehind <= 0 {
		o.MaxBehind = 1_000_000
	}
	if o.MoveEvery <= 0 {
		o.MoveEvery = 10 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Stats are counts of a hub since it was made; Subscriptions, Queries, Groups, Always, Queue, Seq, Lag and Late are the present ones.
type Stats struct {
	Subscriptions, Queries, Groups int64
	Always                         int64         // groups that every tweet is tried with
	Seq, Lag                       tweet.Seq     // the last entry handed out, and how many wait behind it
	Late                           time.Duration // since the first of those came, about
	Entries, Matched               int64         // entries seen; matches with groups
	Delivered, Deletes             int64         // tweets and deletes given to subscriptions; the deletes among them
	Resumed, Gaps, Behind, Lagged  int64
	Replaced                       int64         // changes of an open subscription's queries
	Queue                          int64         // events that wait in memory for their subscriptions
	Spoilt                         int64         // entries that could not be read: subscriptions are told a gap
	MatchTime                      time.Duration // spent on finding the queries of tweets at the journal's end
}
