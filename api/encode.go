package api

import (
	"strconv"
	"sync"

	"birdwatch/live"
	"birdwatch/query"
)

// encodings keeps what was made of live tweets, so that all streams with one selection of fields share it. Two
// generations bound it: what was not asked for since the last but one turn is gone.
type encodings struct {
	mu       sync.Mutex // guards what follows
	now, old map[encodingKey][]byte
}

type encodingKey struct {
	item      *live.Item
	selection string
}

// encodingsMost is how many a generation holds.
const encodingsMost = 2048

// line is `"data":{…},"includes":{…}` of a tweet, for all who select alike and, where marks are asked for, by the same queries.
func (e *encodings) line(item *live.Item, sel *selection, m marking, shared bool) []byte {
	if !shared {
		return sel.line(item.Payload, m.of)
	}
	k := encodingKey{item, sel.key + m.key}
	e.mu.Lock()
	b, ok := e.now[k]
	if !ok {
		b, ok = e.old[k]
	}
	e.mu.Unlock()
	if ok {
		return b
	}
	b = sel.line(item.Payload, m.of) // two may make it at once: equal bytes
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.now == nil || len(e.now) >= encodingsMost {
		e.old, e.now = e.now, make(map[encodingKey][]byte, encodingsMost)
	}
	e.now[k] = b
	return b
}

func (sel *selection) line(payload []byte, of query.Expr) []byte {
	var in includes
	return in.append(sel.tweet([]byte(`"data":`), payload, of, &in))
}

// appendEvent writes one block of an event stream. Canonical JSON has no line end in it, so data is one line.
func appendEvent(dst []byte, event, id string, data ...[]byte) []byte {
	if event != "" {
		dst = append(append(append(dst, "event: "...), event...), '\n')
	}
	if id != "" {
		dst = append(append(append(dst, "id: "...), id...), '\n')
	}
	if len(data) > 0 {
		dst = append(dst, "data: "...)
		for _, d := range data {
			dst = append(dst, d...)
		}
		dst = append(dst, '\n')
	}
	return append(dst, '\n')
}

// appendRules writes X's matching_rules of the queries that have tags.
func appendRules(dst []byte, matched []int, tags []string) []byte {
	dst = append(dst, `,"matching_rules":[`...)
	for i, m := range matched {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"id":"`...)
		dst = strconv.AppendInt(dst, int64(m), 10)
		dst = append(dst, `","tag":`...)
		dst = append(append(dst, jsonString(tags[m])...), '}')
	}
	return append(dst, ']')
}
