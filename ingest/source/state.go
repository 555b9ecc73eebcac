package source

import (
	"fmt"
	"time"
)

// State is what is known of a source now.
type State struct {
	Name      string
	Connected bool
	Since     time.Time // Connected is so since then
	// LastMessage is when the last byte came, keep-alives too.
	LastMessage time.Time
	// Idle is when the last keep-alive came, or the connection was made: the server had nothing to send then.
	Idle       time.Time
	Attempts   int64     // connections tried
	Connects   int64     // connections answered 200
	Next       time.Time // of the next attempt; zero while connected or trying
	LastStatus int       // of the last answer; 0: none yet
	LastError  string    // why the last connection ended or was not made

	// Counts since the source was made.
	Tweets    int64 // messages that are tweets
	Notices   int64 // deletes, withheld and the like
	Others    int64 // control messages and what the library does not know
	Limited   int64 // tweets that the server says it did not deliver
	Warnings  int64
	Refused   int64 // messages that are not understood
	Truncated int64 // messages cut off by the end of a connection
	Bytes     int64 // as they came, of messages
	Posts     int64 // of X: posts read, which cost
	// Disconnect is the last disconnect message; Code 0 is none.
	Disconnect Disconnect
	// Rules are, of X, those that were refused, each with what X says.
	Rules []RuleError
	// Spent says that the budget ended the source.
	Spent bool
}

// Disconnect is a server's reason for ending a stream.
type Disconnect struct {
	Code   int64
	Reason string
}

// EventKind says what happened.
type EventKind uint8

// The events of a source.
const (
	Connecting    EventKind = iota + 1
	Connected               // answered 200
	Disconnected            // an established connection ended: Err, Delay
	Failed                  // a connection was not made: Err, Status, Delay
	Limited                 // Count tweets more were not delivered
	Disconnecting           // the server says that it ends the stream: Status is the code, Text the reason
	Warning                 // the server warns: Text; Count is how full its queue is, in per cent
	Refused                 // Convert refused Line: Err
	Asking                  // of X: the rules are others from now on: Asked
	Truncated               // the connection ended within a message: Line is what came of it
)

var eventNames = [...]string{Connecting: "connecting", Connected: "connected", Disconnected: "disconnected",
	Failed: "failed", Limited: "limited", Disconnecting: "disconnecting", Warning: "warning", Refused: "refused", Truncated: "truncated", Asking: "asking"}

func (k EventKind) String() string {
	if int(k) < len(eventNames) && eventNames[k] != "" {
		return eventNames[k]
	}
	return "unknown"
}

// Event is something that an operator, a metric or the account of coverage wants to know.
type Event struct {
	Kind   EventKind
	Source string
	At     time.Time
	// Connection is the number of the try to connect that it is about.
	Connection int64
	// Asked is, of Connected, what was asked for; Back how far the server was asked to reach back.
	Asked string
	Back  time.Duration
	// Cause is, of Disconnected and Failed, a word for why: stall, closed, reset, network, http-503, disconnect-7, stopped,
	// changed, intake, damage.
	Cause  string
	Status int           // HTTP status, or a disconnect's code
	Delay  time.Duration // until the next attempt
	Count  int64
	Text   string
	Line   []byte // not to be changed; valid after the call
	Err    error
}

// StatusError is an answer other than 200.
type StatusError struct {
	Code       int
	Text       string // the beginning of the body
	RetryAfter time.Duration
	Reset      time.Time // when X lets in again; zero: not told
}

func (e *StatusError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("the server answered %d", e.Code)
	}
	return fmt.Sprintf("the server answered %d: %s", e.Code, e.Text)
}
