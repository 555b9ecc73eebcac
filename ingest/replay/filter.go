package replay

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// filter is what a stream asks for: any of track, follow and boxes (or all), and then every one of the rest.
type filter struct {
	all       bool // a sample stream
	track     [][]string
	follow    map[int64]bool
	boxes     []box
	languages []string
	level     int
}

// box is an area in degrees.
type box struct{ west, south, east, north float64 }

// match decides on a tweet.
func (f *filter) match(raw []byte) bool {
	if f.all && f.languages == nil && f.level == 0 {
		return true
	}
	t := gjson.ParseBytes(raw)
	if f.languages != nil && !f.speaks(t.Get("lang").Str) {
		return false
	}
	if f.level > 0 && !slices.Contains(levels[f.level:], t.Get("filter_level").Str) {
		return false
	}
	return f.all || f.follows(t) || f.within(t) || f.tracks(t)
}

// speaks takes a language for itself and for its regional forms: en finds en-gb.
func (f *filter) speaks(lang string) bool {
	lang = strings.ToLower(lang)
	primary, _, _ := strings.Cut(lang, "-")
	return lang != "" && (slices.Contains(f.languages, lang) || slices.Contains(f.languages, primary))
}

// follows: tweets and retweets by the users, replies to them and retweets of them; not mentions.
func (f *filter) follows(t gjson.Result) bool {
	if len(f.follow) == 0 {
		return false
	}
	for _, path := range []string{"user.id", "in_reply_to_user_id", "retweeted_status.user.id"} {
		if id := t.Get(path).Int(); id != 0 && f.follow[id] {
			return true
		}
	}
	return false
}

// within: the exact point decides if there is one, else the place. Native retweets are nowhere.
func (f *filter) within(t gjson.Result) bool {
	if len(f.boxes) == 0 || t.Get("retweeted_status").IsObject() {
		return false
	}
	if point := t.Get("coordinates.coordinates").Array(); len(point) == 2 {
		lon, lat := point[0].Num, point[1].Num
		return f.meets(box{lon, lat, lon, lat})
	}
	corners := t.Get("place.bounding_box.coordinates.0").Array()
	if len(corners) == 0 {
		return false
	}
	place := box{180, 90, -180, -90}
	for _, c := range corners {
		lonLat := c.Array()
		if len(lonLat) != 2 {
			return false
		}
		lon, lat := lonLat[0].Num, lonLat[1].Num
		place = box{min(place.west, lon), min(place.south, lat), max(place.east, lon), max(place.north, lat)}
	}
	return f.meets(place)
}

func (f *filter) meets(p box) bool {
	return slices.ContainsFunc(f.boxes, func(b box) bool {
		return p.west <= b.east && p.east >= b.west && p.south <= b.north && p.north >= b.south
	})
}

func (f *filter) tracks(t gjson.Result) bool {
	if len(f.track) == 0 {
		return false
	}
	words := trackWords(t)
	return slices.ContainsFunc(f.track, func(term []string) bool {
		return !slices.ContainsFunc(term, func(word string) bool { return !words[word] })
	})
}
