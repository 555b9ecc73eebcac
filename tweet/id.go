package tweet

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ID is a tweet's or a user's id: a positive int64. Ids exceed 2^53, so they
// travel as strings in JSON.
type ID int64

// String gives the decimal form.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// ParseID reads a positive decimal id without sign or blanks.
func ParseID(s string) (ID, error) {
	if s == "" || len(s) > 19 {
		return 0, fmt.Errorf("id %.30q is not a number from 1 to %d", s, int64(1<<63-1))
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, fmt.Errorf("id %.30q is not a decimal number", s)
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("id %.30q is not a number from 1 to %d", s, int64(1<<63-1))
	}
	return ID(n), nil
}

const (
	// twitterEpoch is the zero of snowflake ids, in Unix milliseconds.
	twitterEpoch = 1288834974657
	// FirstSnowflake is the least id that holds a time; those below are in order of
	// time but hold none.
	FirstSnowflake ID = 29_700_859_247
	// IDSlack bounds how far a real id's time lies from created_at. A range by id
	// leaves this much and then checks created_at.
	IDSlack = 10 * time.Minute
)

// Time is the instant in a snowflake id, to the millisecond; false for older ids.
func (id ID) Time() (time.Time, bool) {
	if id < FirstSnowflake {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(id)>>22 + twitterEpoch).UTC(), true
}

// IDAt is the least snowflake id of the instant's millisecond: ids made at t or
// later are not below it. Before November 2010 it is 0.
func IDAt(t time.Time) ID {
	ms := t.UnixMilli() - twitterEpoch
	switch {
	case ms <= 0:
		return 0
	case ms >= 1<<41:
		return 1<<63 - 1
	}
	return max(ID(ms<<22), FirstSnowflake)
}

// Seq is a place in a journal: 1 for its first entry, then without a hole upward.
// 0 is before all.
type Seq int64

// Position is a Seq together with the journal's epoch, which is made with the journal
// and tells its places from those of another.
type Position struct {
	Epoch string // lower-case letters and digits only
	Seq   Seq
}

// String gives "epoch-seq".
func (p Position) String() string { return p.Epoch + "-" + strconv.FormatInt(int64(p.Seq), 10) }

// IsZero reports whether p is no position.
func (p Position) IsZero() bool { return p == Position{} }

// ParsePosition reads what String wrote, and nothing else.
func ParsePosition(s string) (Position, error) {
	epoch, seq, ok := strings.Cut(s, "-")
	n, err := strconv.ParseInt(seq, 10, 64)
	p := Position{epoch, Seq(n)}
	if !ok || err != nil || n < 0 || !validEpoch(epoch) || p.String() != s {
		return Position{}, fmt.Errorf("%.60q is not of the form epoch-seq", s)
	}
	return p, nil
}

func validEpoch(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// TimeLayout is how created_at is written: RFC 3339 with milliseconds, in UTC.
const TimeLayout = "2006-01-02T15:04:05.000Z"

// Time is created_at as Unix milliseconds; without one that can be read, the id's time; else 0.
func (t *Tweet) Time() int64 {
	if ms, ok := parseTime(t.CreatedAt); ok {
		return ms
	}
	if at, ok := t.ID.Time(); ok {
		return at.UnixMilli()
	}
	return 0
}

func parseTime(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, false
	}
	return at.UnixMilli(), true
}
