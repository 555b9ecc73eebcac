// Package format turns every shape that tweets come in into records.
//
// Parse takes one message; Read takes a stream of them, framed in any way; Files takes files, folders and archives. The
// shape is found by looking inside. The bytes of a record are kept as they came.
package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
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

// Parse makes records of one message: of v1.1, of v2 (a tweet, an answer, a page, a notice), of an activity stream, or of an export.
// capturedAt (Unix milliseconds, 0 unknown) is when it was seen; what tells its own time keeps that. raw is kept in the
// records, not copied. A control message gives no record.
func Parse(raw []byte, p tweet.Provenance, capturedAt int64) ([]tweet.Record, *Control, error) {
	k, err := sound(raw)
	if err != nil {
		return nil, nil, err
	}
	return parseSound(raw, k, p, capturedAt)
}

// parseSound takes a message that is known to be sound, and its keys.
func parseSound(raw []byte, k keys, p tweet.Provenance, capturedAt int64) ([]tweet.Record, *Control, error) {
	switch k.shape() {
	case shapeV2:
		return parseV2(raw, noIncludes, p, capturedAt)
	case shapeV2Answer:
		return parseAnswer(raw, p, capturedAt)
	case shapeV2Result:
		return complianceResult(raw, p, capturedAt)
	case shapeActivity:
		return parseActivity(raw, p, capturedAt)
	case shapeExport:
		return parseExport(raw, p, capturedAt)
	case shapeIncludes:
		return nil, &Control{Name: "includes"}, nil
	}
	return parseV1(raw, p, capturedAt)
}

// parser makes records of the bytes of one record, as Parse does.
type parser func(raw []byte, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error)

// parseV1 takes a message of the v1.1 API.
func parseV1(raw []byte, p tweet.Provenance, capturedAt int64) ([]tweet.Record, *Control, error) {
	var m message
	if err := decode(raw, &m); err != nil {
		// An event of a user's stream has users where a tweet has the names of apps.
		if gjson.GetBytes(raw, "event").Type == gjson.String && !gjson.GetBytes(raw, "text").Exists() {
			return nil, &Control{Name: "event"}, nil
		}
		return nil, nil, err
	}
	if m.ID != 0 || m.IDStr != 0 || m.Text != nil || m.FullText != nil {
		if capturedAt == 0 && m.TimestampMS.isTime() {
			capturedAt = int64(m.TimestampMS) // only streams send it, at the moment that it tells
		}
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
func sound(raw []byte) (keys, error) {
	n, st, k := scan(raw)
	switch begin := bytes.TrimLeft(raw, " \t\r\n"); {
	case len(begin) == 0:
		return 0, errors.New("empty")
	case st != done:
		return 0, jsonError(raw, n, st)
	case begin[0] != '{':
		return 0, errors.New("not a JSON object")
	}
	return k, nil
}

// scan judges a text that should hold one value, and gives the keys of the object that it is.
func scan(b []byte) (int, state, keys) {
	var s scanner
	n, st := s.feed(b)
	if st == done {
		if rest := bytes.TrimLeft(b[n:], " \t\r\n"); len(rest) > 0 {
			return len(b) - len(rest), broken, s.keys
		}
	}
	return n, st, s.keys
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
func decode[T any](raw []byte, m *T) error {
	if fast.Unmarshal(raw, m) == nil {
		return nil
	}
	*m = *new(T)
	err := json.Unmarshal(raw, m) // slow, but it names the field
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		value, _, _ := strings.Cut(wrong.Value, " ") // behind it stands the number itself
		return fmt.Errorf("field %q is of type %s, not %s", short(lastFields(wrong.Field), 60), short(value, 20), typeName(wrong.Type))
	}
	return fmt.Errorf("a field has a wrong value: %s", short(err.Error(), 80))
}

// lastFields takes the names of embedded structs off a field's path.
func lastFields(path string) string {
	own := []string{"status", "v2Tweet", "v2User", "v2Place", "URL"}
	return strings.Join(slices.DeleteFunc(strings.Split(path, "."), func(s string) bool { return slices.Contains(own, s) }), ".")
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
