package replay

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The caps of the standard access level.
const (
	maxTrack      = 400  // terms
	maxTrackBytes = 60   // in one term
	maxFollow     = 5000 // users
	maxBoxes      = 25   // locations
	minBoxSide    = 0.1  // degrees
)

// params are what a request asks for.
type params struct {
	filter        filter
	delimited     bool
	stallWarnings bool
	backfill      time.Duration
}

func parseParams(form url.Values, sample bool) (params, error) {
	var p params
	var err error
	if p.delimited, err = oneOf(form, "delimited", "length"); err != nil {
		return p, err
	}
	if p.stallWarnings, err = truth(form, "stall_warnings"); err != nil {
		return p, err
	}
	if n := form.Get("count"); n != "" {
		if _, err := strconv.Atoi(n); err != nil {
			return p, bad("count", "is not a number")
		}
		return p, refusal{http.StatusRequestedRangeNotSatisfiable, "count is not allowed: there is no backfill"}
	}
	if p.filter.level, err = filterLevel(form.Get("filter_level")); err != nil {
		return p, err
	}
	if form.Has("language") {
		for l := range strings.SplitSeq(form.Get("language"), ",") {
			if l = strings.ToLower(strings.TrimSpace(l)); l == "" {
				return p, bad("language", "has an empty value")
			}
			p.filter.languages = append(p.filter.languages, l)
		}
	}
	if sample {
		p.filter.all = true
		return p, nil
	}
	return p, p.predicates(form)
}

func (p *params) predicates(form url.Values) (err error) {
	if p.filter.track, err = parseTrack(form.Get("track")); err != nil {
		return err
	}
	if p.filter.follow, err = parseFollow(form.Get("follow")); err != nil {
		return err
	}
	if p.filter.boxes, err = parseLocations(form.Get("locations")); err != nil {
		return err
	}
	if len(p.filter.track)+len(p.filter.follow)+len(p.filter.boxes) == 0 {
		return refusal{http.StatusNotAcceptable, "at least one of track, follow, locations is needed"}
	}
	return nil
}

func parseTrack(list string) ([][]string, error) {
	var track [][]string
	for term := range strings.SplitSeq(list, ",") {
		term = strings.TrimSpace(term)
		if term == "" {
			continue
		}
		if len(term) > maxTrackBytes {
			return nil, bad("track", fmt.Sprintf("has a term of %d bytes, more than %d", len(term), maxTrackBytes))
		}
		track = append(track, strings.Fields(strings.ToLower(term)))
	}
	if len(track) > maxTrack {
		return nil, tooMany("track", len(track), maxTrack)
	}
	return track, nil
}

func parseFollow(list string) (map[int64]bool, error) {
	follow := map[int64]bool{}
	for s := range strings.SplitSeq(list, ",") {
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		id := number([]byte(s))
		if id == 0 {
			return nil, bad("follow", fmt.Sprintf("has %.30q, which is no user id", s))
		}
		follow[id] = true
	}
	if len(follow) > maxFollow {
		return nil, tooMany("follow", len(follow), maxFollow)
	}
	return follow, nil
}

func parseLocations(list string) ([]box, error) {
	if list == "" {
		return nil, nil
	}
	var v []float64
	for s := range strings.SplitSeq(list, ",") {
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			return nil, bad("locations", fmt.Sprintf("has %.30q, which is no number", s))
		}
		v = append(v, f)
	}
	if len(v)%4 != 0 {
		return nil, bad("locations", "is not made of pairs of corners")
	}
	if len(v) > 4*maxBoxes {
		return nil, tooMany("locations", len(v)/4, maxBoxes)
	}
	var boxes []box
	for c := range slices.Chunk(v, 4) {
		b := box{c[0], c[1], c[2], c[3]}
		inside := b.west >= -180 && b.east <= 180 && b.south >= -90 && b.north <= 90
		// a little slack, as 0.1 has no exact float
		if !inside || !(b.east-b.west >= minBoxSide-1e-9) || !(b.north-b.south >= minBoxSide-1e-9) {
			return nil, bad("locations", "has a box that is not lon,lat of the south-west, then of the north-east corner, 0.1 degrees at least")
		}
		boxes = append(boxes, b)
	}
	return boxes, nil
}

var levels = []string{"none", "low", "medium"}

func filterLevel(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	level := slices.Index(levels, s)
	if level < 0 {
		return 0, bad("filter_level", "is none, low or medium")
	}
	return level, nil
}

func oneOf(form url.Values, name, value string) (bool, error) {
	switch form.Get(name) {
	case "":
		return false, nil
	case value:
		return true, nil
	}
	return false, bad(name, "can only be "+value)
}

func truth(form url.Values, name string) (bool, error) {
	switch strings.ToLower(form.Get(name)) {
	case "", "false", "0", "f":
		return false, nil
	case "true", "1", "t":
		return true, nil
	}
	return false, bad(name, "is true or false")
}

func bad(name, what string) error {
	return refusal{http.StatusNotAcceptable, "parameter " + name + " " + what}
}

func tooMany(name string, n, limit int) error {
	return refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("parameter %s has %d values, more than %d", name, n, limit)}
}
