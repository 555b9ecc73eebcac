package api

import (
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"

	"birdwatch/query"
)

// includes gathers what the tweets of one answer refer to, each once, the first met.
type includes struct {
	json [numKinds][]byte // the members of each array
	seen map[string]bool  // kind and key
}

// tweet appends to dst what the selection takes of a stored payload, and puts what it expands into in. The bytes
// are copied out of the payload, not decoded: they are canonical JSON already. of is the query whose words are marked; it may be nil.
func (s *selection) tweet(dst, payload []byte, of query.Expr, in *includes) []byte {
	root := gjson.Parse(view(payload))
	data := root.Get("data")
	dst = s.object(dst, tweets, data)
	if of != nil && s.fields[tweets][matchesField] {
		dst = appendMatches(dst, payload, of)
	}
	if s.expand != 0 {
		s.collect(data, root.Get("includes"), in)
	}
	return dst
}

// view is a string of the bytes' memory; what is taken of it must be copied before the bytes change, and is.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// object appends the selected members of an object.
func (s *selection) object(dst []byte, kind int, o gjson.Result) []byte {
	dst = append(dst, '{')
	first := true
	o.ForEach(func(key, value gjson.Result) bool {
		if !s.fields[kind][key.Str] {
			return true
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, key.Raw...)
		dst = append(dst, ':')
		dst = append(dst, value.Raw...)
		return true
	})
	return append(dst, '}')
}

// wanted are the references of one tweet that are expanded.
type wanted [numKinds]map[string]bool

func (w *wanted) add(kind int, v gjson.Result) {
	if v.Str == "" {
		return
	}
	if w[kind] == nil {
		w[kind] = map[string]bool{}
	}
	w[kind][v.Str] = true
}

func (w *wanted) addAll(kind int, list gjson.Result) {
	list.ForEach(func(_, v gjson.Result) bool {
		w.add(kind, v)
		return true
	})
}

// collect puts the expanded objects of one payload into in.
func (s *selection) collect(data, included gjson.Result, in *includes) {
	if !included.Exists() {
		return
	}
	w := s.references(data)
	if s.expand&expandReferencedAuthor != 0 && w[tweets] != nil {
		included.Get("tweets").ForEach(func(_, t gjson.Result) bool {
			if w[tweets][t.Get("id").Str] {
				w.add(users, t.Get("author_id"))
			}
			return true
		})
	}
	names := map[string]bool{} // of those mentioned, as older payloads have no ids for them
	if s.expand&expandMentions != 0 {
		data.Get("entities.mentions").ForEach(func(_, m gjson.Result) bool {
			w.add(users, m.Get("id"))
			names[strings.ToLower(m.Get("username").Str)] = true
			return true
		})
	}
	for kind, k := range kinds {
		if w[kind] == nil && (kind != users || len(names) == 0) {
			continue
		}
		included.Get(k.include).ForEach(func(_, o gjson.Result) bool {
			key := o.Get(k.key).Str
			if w[kind][key] || kind == users && len(names) > 0 && names[strings.ToLower(o.Get("username").Str)] {
				in.put(s, kind, key, o)
			}
			return true
		})
	}
}

func (s *selection) references(data gjson.Result) (w wanted) {
	if s.expand&expandAuthor != 0 {
		w.add(users, data.Get("author_id"))
	}
	if s.expand&expandReplied != 0 {
		w.add(users, data.Get("in_reply_to_user_id"))
	}
	if s.expand&expandReferenced != 0 {
		data.Get("referenced_tweets").ForEach(func(_, r gjson.Result) bool {
			w.add(tweets, r.Get("id"))
			return true
		})
	}
	if s.expand&expandMedia != 0 {
		w.addAll(media, data.Get("attachments.media_keys"))
	}
	if s.expand&expandPolls != 0 {
		w.addAll(polls, data.Get("attachments.poll_ids"))
	}
	if s.expand&expandPlace != 0 {
		w.add(places, data.Get("geo.place_id"))
	}
	return w
}

func (in *includes) put(s *selection, kind int, key string, o gjson.Result) {
	if key == "" { // a user known by name only
		key = "@" + strings.ToLower(o.Get("username").Str)
	}
	id := string(rune('0'+kind)) + key
	if in.seen[id] {
		return
	}
	if in.seen == nil {
		in.seen = map[string]bool{}
	}
	in.seen[id] = true
	if len(in.json[kind]) > 0 {
		in.json[kind] = append(in.json[kind], ',')
	}
	in.json[kind] = s.object(in.json[kind], kind, o)
}

// append writes `,"includes":{…}`, or nothing when there is nothing in it.
func (in *includes) append(dst []byte) []byte {
	open := false
	for kind, b := range in.json {
		if len(b) == 0 {
			continue
		}
		if open {
			dst = append(dst, ',')
		} else {
			dst = append(dst, `,"includes":{`...)
			open = true
		}
		dst = append(dst, '"')
		dst = append(dst, kinds[kind].include...)
		dst = append(dst, `":[`...)
		dst = append(dst, b...)
		dst = append(dst, ']')
	}
	if open {
		dst = append(dst, '}')
	}
	return dst
}
