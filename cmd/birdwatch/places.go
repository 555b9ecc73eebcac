package main

import (
	"bytes"

	"birdwatch/tweet"
)

// scrub takes from a sighting the places that were withdrawn, in copies too: the journal keeps it as it came, since deletions ask it who was sent
// what. What cannot be read the hub passes over.
func (v *veiled) scrub(e *tweet.Entry) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.scrubs.None() || !bytes.Contains(e.Payload, []byte(`"geo":`)) {
		return
	}
	was := &tweet.Document{Payload: e.Payload}
	if now, err := was.WithoutPlaces(v.scrubs.Withdrawn); err == nil && now != was {
		e.Payload, e.Raw, e.RawCut, e.Tweet, e.Frame = now.Payload, nil, true, nil, nil
	}
}
