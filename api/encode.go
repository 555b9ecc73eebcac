package api

import (
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
	selection *selection // interned
	marks     any
	packed    bool // the line deflated
}

// encodingsMost is how many a generation holds.
const encodingsMost = 2048

// line is `"data":{…},"includes":{…}` of a tweet, for all who select alike and, where marks are asked for, by the same queries.
func (e *encodings) line(item *live.Item, sel *selection, m marking, shared bool) []byte {
	if !shared {
		return sel.line(item.Payload, m.of)
	}
	return e.get(encodingKey{item, sel, m.like, false}, func() []byte { return sel.line(item.Payload, m.of) })
}

// packed is line, and what it deflates to.
func (e *encodings) packed(item *live.Item, sel *selection, m marking, shared bool) (line, packed []byte) {
	if line = e.line(item, sel, m, shared); !shared {
		return line, deflate(line)
	}
	return line, e.get(encodingKey{item, sel, m.like, true}, func() []byte { return deflate(line) })
}

func (e *encodings) get(k encodingKey, render func() []byte) []byte {
	e.mu.Lock()
	b, ok := e.now[k]
	if !ok {
		b, ok = e.old[k]
	}
	e.mu.Unlock()
	if ok {
		return b
	}
	b = render() // two may make it at once: equal bytes
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
func appendEvent(dst []byte, event string, id []byte, data ...[]byte) []byte {
	if event != "" {
		dst = append(append(append(dst, "event: "...), event...), '\n')
	}
	if len(id) > 0 {
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

// appendRules writes X's matching_rules.
func appendRules(dst []byte, qs []live.Query, matched []int) []byte {
	dst = append(dst, `,"matching_rules":[`...)
	for i, m := range matched {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"id":"`...)
		dst = append(dst, qs[m].ID...)
		dst = append(dst, `","tag":`...)
		dst = append(append(dst, jsonString(qs[m].Tag)...), '}')
	}
	return append(dst, ']')
}

// selections keeps one of each selection of fields, so that streams share it and what is made by it.
type selections struct {
	mu  sync.Mutex // guards what follows
	all map[string]*selection
}

// selectionsMost bounds what strangers can make us keep.
const selectionsMost = 1024

func (s *selections) intern(sel *selection) *selection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if same := s.all[sel.key]; same != nil {
		return same
	}
	if s.all == nil || len(s.all) >= selectionsMost {
		s.all = map[string]*selection{}
	}
	s.all[sel.key] = sel
	return sel
}
