package replay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// rewriter makes messages new by splicing: only the values it replaces change, all else stays as recorded.
//
// With numbers, a tweet gets a fresh id and that id's time (created_at, timestamp_ms), and so does every
// tweet that it holds or names: replied to, quoted, repeated, a picture's source. One recorded id has one
// new id in a lap, so that replies and delete notices find their tweet; ids that were not
// played get a new one as well, so that none is left that was recorded. Texts, and addresses
// in them, are left alone.
type rewriter struct {
	numbers *numbers // nil: ids stay
	source  []byte   // JSON; nil: stays
	lap     int
	ids     recent[int64] // recorded to new, of this lap
	at      time.Time     // when the present message is made
}

func newRewriter(n *numbers, o Options) *rewriter {
	r := &rewriter{}
	if o.Renumber {
		r.numbers = n
	}
	if o.Source != "" {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(o.Source); err == nil { // a string always encodes
			r.source = bytes.TrimSpace(b.Bytes())
		}
	}
	return r
}

// edit replaces a part of a message.
type edit struct {
	start, end int
	with       []byte
}

// apply gives the message as it is sent, when it is made at that moment, and the tweet's id in it.
func (r *rewriter) apply(m *message, at time.Time) ([]byte, int64) {
	r.at = at
	if r.lap != m.lap {
		r.lap, r.ids = m.lap, recent[int64]{}
	}
	id := m.id
	var edits []edit
	switch {
	case m.kind == kindTweet:
		if r.numbers != nil {
			edits = r.tweet(edits, m.raw, 0)
			id = r.number(m.id)
		}
		if r.source != nil {
			members(m.raw, 0, func(key, value []byte, at int) {
				if string(key) == "source" {
					edits = append(edits, edit{at, at + len(value), r.source})
				}
			})
		}
	case r.numbers != nil && m.kind != kindOther:
		edits = r.notice(edits, m.raw, 0)
		id = r.number(m.id)
	}
	if len(edits) == 0 {
		return m.raw, id
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	out := make([]byte, 0, len(m.raw)+64)
	done := 0
	for _, e := range edits {
		out = append(append(out, m.raw[done:e.start]...), e.with...)
		done = e.end
	}
	return append(out, m.raw[done:]...), id
}

// number gives the new id of a recorded one.
func (r *rewriter) number(recorded int64) int64 {
	if recorded == 0 {
		return 0
	}
	id, ok := r.ids.get(recorded)
	if !ok {
		id = r.numbers.next(r.at)
		r.ids.put(recorded, id)
	}
	return id
}

// tweet renumbers the tweet object b. What it holds and names comes first, so that its ids
// are lower, as they are in life.
func (r *rewriter) tweet(edits []edit, b []byte, base int) []edit {
	var recorded int64
	members(b, base, func(key, value []byte, at int) {
		switch string(key) {
		case "retweeted_status", "quoted_status":
			edits = r.tweet(edits, value, at)
		case "entities", "extended_entities":
			edits = r.media(edits, value, at)
		case "extended_tweet":
			members(value, at, func(key, value []byte, at int) {
				if string(key) == "entities" || string(key) == "extended_entities" {
					edits = r.media(edits, value, at)
				}
			})
		case "current_user_retweet":
			edits = r.named(edits, value, at, "id", "id_str")
		case "id":
			recorded = number(value)
		}
	})
	edits = r.named(edits, b, base, "in_reply_to_status_id", "in_reply_to_status_id_str", "quoted_status_id", "quoted_status_id_str")
	edits = r.named(edits, b, base, "id", "id_str")
	if recorded == 0 {
		return edits
	}
	at := time.UnixMilli(r.number(recorded)>>22 + twitterEpoch).UTC()
	members(b, base, func(key, value []byte, start int) {
		switch string(key) {
		case "created_at":
			edits = append(edits, edit{start, start + len(value), []byte(`"` + at.Format(createdAt) + `"`)})
		case "timestamp_ms":
			edits = append(edits, stamp(value, start, at))
		}
	})
	return edits
}

// media renumbers the tweets that an entity object names as sources of pictures.
func (r *rewriter) media(edits []edit, b []byte, base int) []edit {
	members(b, base, func(key, value []byte, at int) {
		if string(key) == "media" {
			elements(value, at, func(value []byte, at int) {
				edits = r.named(edits, value, at, "source_status_id", "source_status_id_str")
			})
		}
	})
	return edits
}

// named renumbers the ids under these keys of an object.
func (r *rewriter) named(edits []edit, b []byte, base int, keys ...string) []edit {
	members(b, base, func(key, value []byte, at int) {
		recorded := number(value)
		if recorded == 0 || !slices.Contains(keys, string(key)) {
			return
		}
		id := strconv.AppendInt(nil, r.number(recorded), 10)
		if value[0] == '"' {
			id = slices.Concat([]byte{'"'}, id, []byte{'"'})
		}
		edits = append(edits, edit{at, at + len(value), id})
	})
	return edits
}

// notice renumbers the tweet that a notice is about, and dates it now.
func (r *rewriter) notice(edits []edit, b []byte, base int) []edit {
	members(b, base, func(key, value []byte, at int) {
		switch string(key) {
		case "delete", "scrub_geo":
			edits = r.notice(edits, value, at)
		case "status", "status_withheld":
			edits = r.named(edits, value, at, "id", "id_str")
			edits = r.notice(edits, value, at)
		case "user_withheld":
			edits = r.notice(edits, value, at)
		case "up_to_status_id", "up_to_status_id_str":
			edits = r.named(edits, b, base, string(key))
		case "timestamp_ms":
			edits = append(edits, stamp(value, at, r.numbers.now()))
		}
	})
	return edits
}

// stamp replaces a time in milliseconds, bare or in quotes as it was.
func stamp(value []byte, at int, t time.Time) edit {
	with := strconv.AppendInt(nil, t.UnixMilli(), 10)
	if value[0] == '"' {
		with = slices.Concat([]byte{'"'}, with, []byte{'"'})
	}
	return edit{at, at + len(value), with}
}
