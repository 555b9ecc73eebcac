package replay

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// xFields are what a client asked for.
type xFields struct {
	tweet, user, media, place, poll map[string]bool
	includes                        map[string]bool
}

// brings are the parts of includes that an expansion brings, and the tweet's field that it needs.
var brings = map[string]struct{ include, field string }{
	"author_id": {"users", "author_id"}, "in_reply_to_user_id": {"users", "in_reply_to_user_id"}, "entities.mentions.username": {"users", "entities"},
	"referenced_tweets.id": {"tweets", "referenced_tweets"}, "referenced_tweets.id.author_id": {"users", "referenced_tweets"},
	"attachments.media_keys": {"media", "attachments"}, "attachments.poll_ids": {"polls", "attachments"}, "attachments.media_source_tweet": {"tweets", "attachments"},
	"geo.place_id": {"places", "geo"}, "edit_history_tweet_ids": {"tweets", "edit_history_tweet_ids"},
}

func selectX(q url.Values) (*xFields, error) {
	set := func(name string, always ...string) map[string]bool {
		m := map[string]bool{}
		for _, f := range append(always, strings.Split(q.Get(name), ",")...) {
			m[f] = true
		}
		return m
	}
	f := &xFields{includes: map[string]bool{}, tweet: set("tweet.fields", "id", "text", "edit_history_tweet_ids"), user: set("user.fields", "id", "name", "username"),
		media: set("media.fields", "media_key", "type"), place: set("place.fields", "id", "full_name"), poll: set("poll.fields", "id", "options")}
	for name := range q {
		if !slices.Contains([]string{"tweet.fields", "user.fields", "media.fields", "place.fields", "poll.fields", "expansions", "backfill_minutes", "start_time", "end_time"}, name) {
			return nil, invalidX(name, q.Get(name), "is not a parameter")
		}
	}
	for e := range strings.SplitSeq(q.Get("expansions"), ",") {
		b, ok := brings[e]
		if !ok && e != "" {
			return nil, invalidX("expansions", e, "is not one of the expansions")
		}
		f.includes[b.include], f.tweet[b.field] = true, true
	}
	return f, nil
}

// cut leaves of a payload what was asked for.
func (f *xFields) cut(payload []byte) []byte {
	var out []byte
	member := func(key string, value []byte) {
		sep := byte(',')
		if len(out) == 0 {
			sep = '{'
		}
		out = fmt.Appendf(append(out, sep), `"%s":%s`, key, value)
	}
	members(payload, 0, func(key, value []byte, _ int) {
		switch string(key) {
		case "data":
			member("data", keep(value, f.tweet))
		case "includes":
			if in := f.cutIncludes(value); len(in) > 2 {
				member("includes", in)
			}
		}
	})
	return append(out, '}')
}

func (f *xFields) cutIncludes(includes []byte) []byte {
	out := []byte("{")
	members(includes, 0, func(key, value []byte, _ int) {
		fields := map[string]map[string]bool{"users": f.user, "tweets": f.tweet, "media": f.media, "places": f.place, "polls": f.poll}[string(key)]
		if !f.includes[string(key)] || fields == nil {
			return
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, `"%s":[`, key)
		first := true
		elements(value, 0, func(value []byte, _ int) {
			if !first {
				out = append(out, ',')
			}
			first = false
			out = append(out, keep(value, fields)...)
		})
		out = append(out, ']')
	})
	return append(out, '}')
}

// keep gives an object with some of its members.
func keep(object []byte, fields map[string]bool) []byte {
	out := []byte("{")
	members(object, 0, func(key, value []byte, _ int) {
		if fields[string(key)] {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = fmt.Appendf(out, `"%s":%s`, key, value)
		}
	})
	return append(out, '}')
}
