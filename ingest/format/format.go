// Package format turns every shape that tweets come in into records.
//
// Parse takes one message of Twitter's v1.1 API; Read takes a stream of them, framed in any way; Files takes
// files, folders and archives. The bytes of a record are kept as they came.
package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	fast "github.com/goccy/go-json"
	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// maxDepth bounds how deep a message may nest: X's own do not reach 20.
const maxDepth = 100

// Control is a message of a stream that is neither a tweet nor a notice about one.
type Control struct {
	Name    string // limit, disconnect, warning, friends, event, direct_message, control …
	Track   int64  // limit: tweets not delivered since the connection was opened
	Code    int    // disconnect
	Percent int    // warning: how full the queue is
	Detail  string // reason or message, at most 200 bytes
}

// ErrNotTweet: the JSON is sound, but no message of a kind that is known here.
var ErrNotTweet = errors.New("neither a tweet nor a notice")

// Parse makes records of one v1.1 message. capturedAt (Unix milliseconds, 0 unknown) is when it was seen; a notice that tells its own
// time keeps that. raw is kept in the records, not copied. A control message gives no record.
func Parse(raw []byte, p tweet.Provenance, capturedAt int64) ([]tweet.Record, *Control, error) {
	if err := sound(raw); err != nil {
		return nil, nil, err
	}
	var m message
	if err := decode(raw, &m); err != nil {
		// An event of a user's stream has users where a tweet has the names of apps.
		if gjson.GetBytes(raw, "event").Type == gjson.String && !gjson.GetBytes(raw, "text").Exists() {
			return nil, &Control{Name: "event"}, nil
		}
		return nil, nil, err
	}
	if m.ID != 0 || m.IDStr != 0 || m.Text != nil || m.FullText != nil {
		r, err := m.status.record(raw, p, capturedAt)
		if err != nil {
			return nil, nil, err
		}
		return []tweet.Record{r}, nil, nil
	}
	r, ctl, err := m.notice(capturedAt)
	if err != nil || ctl != nil {
		return nil, ctl, err
	}
	r.Raw, r.Provenance = raw, p
	return []tweet.Record{r}, nil, nil
}

// sound refuses what is no JSON object, or one that nests without end, before a fast decoder sees it.
func sound(raw []byte) error {
	n, st := scan(raw)
	switch begin := bytes.TrimLeft(raw, " \t\r\n"); {
	case len(begin) == 0:
		return errors.New("empty")
	case st != done:
		return jsonError(raw, n, st)
	case begin[0] != '{':
		return errors.New("not a JSON object")
	}
	return nil
}

// scan judges a text that should hold one value.
func scan(b []byte) (int, state) {
	var s scanner
	n, st := s.feed(b)
	if st == done {
		if rest := bytes.TrimLeft(b[n:], " \t\r\n"); len(rest) > 0 {
			return len(b) - len(rest), broken
		}
	}
	return n, st
}

// jsonError says what is wrong with a text, and where.
func jsonError(b []byte, at int, st state) error {
	switch {
	case st == deep:
		return fmt.Errorf("JSON nests deeper than %d", maxDepth)
	case st == more || at >= len(b):
		return errors.New("not JSON: it ends before its end")
	}
	return fmt.Errorf("not JSON: %q at byte %d", short(string(b[at:min(len(b), at+80)]), 20), at+1)
}

// decode says which field has a value of the wrong type.
func decode(raw []byte, m *message) error {
	if fast.Unmarshal(raw, m) == nil {
		return nil
	}
	*m = message{}
	err := json.Unmarshal(raw, m) // slow, but it names the field
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		value, _, _ := strings.Cut(wrong.Value, " ") // behind it stands the number itself
		return fmt.Errorf("field %q is of type %s, not %s", short(strings.TrimPrefix(wrong.Field, "status."), 60), short(value, 20), typeName(wrong.Type))
	}
	return fmt.Errorf("a field has a wrong value: %s", short(err.Error(), 80))
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "object"
	case reflect.Slice:
		return "array"
	case reflect.Int, reflect.Float64:
		return "number"
	}
	return t.Kind().String()
}
