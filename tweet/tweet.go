// Package tweet says what a tweet is: payload, ids, words, journal entry, merging.
//
// Every shape that tweets come in is turned at the door into a Payload, the X API
// v2 form. One sighting of a tweet is a Record; with its place in the journal it is
// an Entry; all sightings of one id merged are a Document.
package tweet

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/goccy/go-json"
)

// Encode gives the payload's canonical JSON. Characters stand in it as they are, <, > and & too, as X sends them.
func Encode(p *Payload) ([]byte, error) {
	b, err := json.MarshalWithOption(p, json.DisableHTMLEscape())
	if err != nil {
		return nil, fmt.Errorf("encode payload of %d: %w", p.Data.ID, err)
	}
	if bytes.Contains(b, []byte(`\ufffd`)) {
		// The encoder writes this for bytes that are no UTF-8. Read back it is the character U+FFFD, which is
		// written as itself.
		q, err := Decode(b)
		if err != nil {
			return nil, fmt.Errorf("encode payload of %d: %w", p.Data.ID, err)
		}
		return json.MarshalWithOption(q, json.DisableHTMLEscape())
	}
	return b, nil
}

// Decode reads what Encode wrote. It is not for bytes from strangers.
func Decode(b []byte) (*Payload, error) {
	p := new(Payload)
	if err := json.Unmarshal(b, p); err != nil {
		return nil, fmt.Errorf("decode payload: %w", err)
	}
	if p.Data.ID <= 0 {
		return nil, fmt.Errorf("decode payload: no id in %.80q", b)
	}
	return p, nil
}

// User finds a user of the payload by id; nil when it is not there.
func (p *Payload) User(id ID) *User {
	if p.Includes == nil || id == 0 {
		return nil
	}
	for i := range p.Includes.Users {
		if p.Includes.Users[i].ID == id {
			return &p.Includes.Users[i]
		}
	}
	return nil
}

// Included finds a tweet that came inside this one; nil when it is not there.
func (p *Payload) Included(id ID) *Tweet {
	if p.Includes == nil {
		return nil
	}
	for i := range p.Includes.Tweets {
		if p.Includes.Tweets[i].ID == id {
			return &p.Includes.Tweets[i]
		}
	}
	return nil
}

// Ref gives the id of the tweet referred to as typ (replied_to, quoted, retweeted); 0 for none.
func (t *Tweet) Ref(typ string) ID {
	for _, r := range t.ReferencedTweets {
		if r.Type == typ {
			return r.ID
		}
	}
	return 0
}

// Without gives the payload without its copy of the tweet id, and without the media, polls and places that are that copy's alone: what is served
// once that tweet is deleted. References to it stay, and so do users. The argument is not changed.
func (p *Payload) Without(id ID) *Payload {
	gone := p.Included(id)
	if gone == nil {
		return p
	}
	q, in := *p, *p.Includes
	alone := map[string]bool{}
	gone.eachAttached(func(key string) { alone[key] = true })
	p.Data.eachAttached(func(key string) { delete(alone, key) })
	in.Tweets = nil
	for _, t := range p.Includes.Tweets {
		if t.ID != id {
			in.Tweets = append(in.Tweets, t)
			t.eachAttached(func(key string) { delete(alone, key) })
		}
	}
	if len(alone) > 0 {
		in.Media = slices.DeleteFunc(slices.Clone(in.Media), func(m Media) bool { return alone[mediaKey+m.MediaKey] })
		in.Polls = slices.DeleteFunc(slices.Clone(in.Polls), func(p Poll) bool { return alone[pollKey+p.ID] })
		in.Places = slices.DeleteFunc(slices.Clone(in.Places), func(p Place) bool { return alone[placeKey+p.ID] })
	}
	q.Includes = &in
	return &q
}

// What eachAttached puts before ids of each kind.
const (
	mediaKey = "m"
	pollKey  = "o"
	placeKey = "p"
)

// eachAttached gives the keys of the media, polls and places that belong to a tweet.
func (t *Tweet) eachAttached(f func(key string)) {
	if t.Attachments != nil {
		for _, k := range t.Attachments.MediaKeys {
			f(mediaKey + k)
		}
		for _, k := range t.Attachments.PollIDs {
			f(pollKey + k)
		}
	}
	entities := []*Entities{t.Entities}
	if t.NoteTweet != nil {
		entities = append(entities, t.NoteTweet.Entities)
	}
	for _, e := range entities {
		if e == nil {
			continue
		}
		for _, u := range e.URLs {
			if u.MediaKey != "" {
				f(mediaKey + u.MediaKey)
			}
		}
	}
	if t.Geo != nil && t.Geo.PlaceID != "" {
		f(placeKey + t.Geo.PlaceID)
	}
}
