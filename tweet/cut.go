package tweet

import (
	"bytes"
	"fmt"
	"slices"
)

// Without gives the document without its copy of the deleted tweet id, its raw cut, and without that one's figures;
// d itself when it carries none.
func (d *Document) Without(id ID) (*Document, error) {
	if d.Tombstone {
		return d, nil
	}
	p, err := Decode(d.Payload)
	if err != nil {
		return nil, fmt.Errorf("cut %d from %d: %w", id, d.ID, err)
	}
	m := *d
	if !slices.ContainsFunc(p.Copies(), func(c Copy) bool { return c.ID == id }) {
		if !bytes.Contains(d.Figures, []byte(`"`+tweetFigure(id)+`"`)) {
			return d, nil
		}
		m.Figures, err = dropFigure(d.Figures, tweetFigure(id)) // of a sighting that did not give the body
		return &m, err
	}
	if m.Payload, err = Encode(p.Without(id)); err != nil {
		return nil, err
	}
	m.Raw, m.RawCut = nil, true
	if m.Figures, err = dropFigure(m.Figures, tweetFigure(id)); err != nil {
		return nil, err
	}
	return &m, nil
}

// WithoutPlaces gives the document without the places that were withdrawn, of its own tweet and of copies inside it, its raw cut; d itself
// when there are none. withdrawn says it of a tweet's.
func (d *Document) WithoutPlaces(withdrawn func(*Tweet) (bool, error)) (*Document, error) {
	if d.Tombstone || !bytes.Contains(d.Payload, []byte(`"geo":`)) {
		return d, nil
	}
	p, err := Decode(d.Payload)
	if err != nil {
		return nil, err
	}
	tweets := []*Tweet{&p.Data}
	if p.Includes != nil {
		for i := range p.Includes.Tweets {
			tweets = append(tweets, &p.Includes.Tweets[i])
		}
	}
	some := false
	kept := map[string]bool{}
	for _, t := range tweets {
		if t.Geo == nil {
			continue
		}
		gone, err := withdrawn(t)
		switch {
		case err != nil:
			return nil, err
		case gone:
			t.Geo, some = nil, true
		default:
			kept[t.Geo.PlaceID] = true
		}
	}
	if !some {
		return d, nil
	}
	if p.Includes != nil {
		p.Includes.Places = slices.DeleteFunc(p.Includes.Places, func(p Place) bool { return !kept[p.ID] })
	}
	m := *d
	m.Raw, m.RawCut = nil, true
	m.Payload, err = Encode(p)
	return &m, err
}
