package replay

import (
	"bytes"
	"iter"
	"strconv"
	"time"
)

// Tape gives raw v1.1 messages in the order in which they are played: tweets, delete and other notices, each
// without its line end. It is ranged over once a connection and lap, by several goroutines at
// once; the bytes stay valid and are not changed. An error ends the streams that met it.
type Tape iter.Seq2[[]byte, error]

// FromLines makes a tape of lines that cannot fail.
func FromLines(lines iter.Seq[[]byte]) Tape {
	return func(yield func([]byte, error) bool) {
		for line := range lines {
			if !yield(line, nil) {
				return
			}
		}
	}
}

type kind uint8

const (
	kindOther kind = iota // limit, warning … or not JSON: for sample streams only
	kindTweet
	kindDelete
	kindNotice // scrub_geo, status_withheld, user_withheld
)

// message is a line of the tape and what playing it needs to know.
type message struct {
	raw    []byte
	kind   kind
	id     int64 // of the tweet; in notices the one concerned
	userID int64
	at     int64 // recorded time, Unix milliseconds; 0 unknown
	lap    int
	index  int    // in the lap
	rules  []rule // of v2, that want it
}

// parseMessage looks at the outermost fields only.
func parseMessage(raw []byte) message {
	m := message{raw: raw}
	var text, stamped bool
	var created []byte
	members(raw, 0, func(key, value []byte, _ int) {
		switch string(key) {
		case "id":
			m.id = number(value)
		case "text", "full_text":
			text = true
		case "user":
			members(value, 0, func(key, value []byte, _ int) {
				if string(key) == "id" {
					m.userID = number(value)
				}
			})
		case "created_at":
			created = value
		case "timestamp_ms":
			m.at, stamped = number(value), true
		case "delete", "scrub_geo", "status_withheld", "user_withheld":
			m.notice(key, value)
		}
	})
	if text && m.id != 0 && m.kind == kindOther {
		m.kind = kindTweet
	}
	if m.kind == kindTweet && !stamped {
		m.at = recordedTime(m.id, created)
	}
	return m
}

func (m *message) notice(key, value []byte) {
	m.kind = kindNotice
	if string(key) == "delete" {
		m.kind = kindDelete
	}
	var read func(key, value []byte, _ int)
	read = func(inner, value []byte, _ int) {
		switch string(inner) {
		case "status":
			members(value, 0, read)
		case "id", "up_to_status_id":
			if m.id = number(value); string(key) == "user_withheld" {
				m.id, m.userID = 0, m.id
			}
		case "user_id":
			m.userID = number(value)
		case "timestamp_ms":
			m.at = number(value)
		}
	}
	members(value, 0, read)
}

const (
	// twitterEpoch is the zero of snowflake ids, in Unix milliseconds.
	twitterEpoch   = 1288834974657
	firstSnowflake = 29_700_859_247
	// createdAt is how Twitter's v1.1 writes a time.
	createdAt = "Mon Jan 02 15:04:05 -0700 2006"
)

// recordedTime is a tweet's time: the id's, which has milliseconds, else created_at's.
func recordedTime(id int64, created []byte) int64 {
	if id >= firstSnowflake {
		return id>>22 + twitterEpoch
	}
	t, err := time.Parse(createdAt, string(bytes.Trim(created, `"`)))
	if err != nil {
		return 0
	}
	return t.UnixMilli()
}

// number reads a positive integer, bare or in quotes; else 0.
func number(value []byte) int64 {
	n, err := strconv.ParseInt(string(bytes.Trim(value, `"`)), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
