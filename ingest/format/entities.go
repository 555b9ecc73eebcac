package format

import (
	"math"
	"sort"

	"birdwatch/tweet"
)

// entities converts the marked parts of a text. attach is false for a retweet: its media are the repeated tweet's.
func (b *builder) entities(t *tweet.Tweet, e, media *entities, attach bool) {
	var out tweet.Entities
	if e != nil {
		for i := range e.Hashtags {
			at := e.Hashtags[i].Indices
			out.Hashtags = append(out.Hashtags, tweet.Tag{Start: at.start, End: at.end, Tag: clean(e.Hashtags[i].Text)})
		}
		for i := range e.Symbols {
			at := e.Symbols[i].Indices
			out.Cashtags = append(out.Cashtags, tweet.Tag{Start: at.start, End: at.end, Tag: clean(e.Symbols[i].Text)})
		}
		for i := range e.Mentions {
			b.mention(&out, &e.Mentions[i])
		}
		for i := range e.URLs {
			out.URLs = append(out.URLs, convertURL(&e.URLs[i]))
		}
	}
	if media != nil {
		for i := range media.Media {
			b.media(t, &out, &media.Media[i], attach)
		}
	}
	if len(out.URLs)+len(out.Hashtags)+len(out.Cashtags)+len(out.Mentions) > 0 {
		t.Entities = &out
	}
}

func (b *builder) mention(out *tweet.Entities, m *userEntity) {
	if m.ScreenName == "" {
		return
	}
	id := idOf(m.IDStr, m.ID)
	out.Mentions = append(out.Mentions, tweet.Mention{Start: m.Indices.start, End: m.Indices.end, Username: clean(m.ScreenName), ID: id})
	if id != 0 {
		b.addUser(tweet.User{ID: id, Name: clean(m.Name), Username: clean(m.ScreenName)})
	}
}

func convertURL(u *urlEntity) tweet.URL {
	v := tweet.URL{Start: u.Indices.start, End: u.Indices.end, URL: clean(u.URL), ExpandedURL: clean(u.Expanded), DisplayURL: clean(u.Display)}
	if u.Unwound != nil {
		v.UnwoundURL, v.Title, v.Description, v.Status = clean(u.Unwound.URL), clean(u.Unwound.Title), clean(u.Unwound.Description), int(u.Unwound.Status)
	}
	return v
}

// The numbers before the underscore of X's media keys.
var mediaKinds = map[string]string{"photo": "3_", "video": "7_", "animated_gif": "16_"}

func (b *builder) media(t *tweet.Tweet, out *tweet.Entities, m *mediaEntity, attach bool) {
	id := idOf(m.IDStr, m.ID)
	if id == 0 {
		return
	}
	kind := m.Type
	if mediaKinds[kind] == "" {
		kind = "photo"
	}
	key := mediaKinds[kind] + id.String()
	u := convertURL(&m.urlEntity)
	u.MediaKey = key
	out.URLs = append(out.URLs, u)
	if !attach {
		return
	}
	if t.Attachments == nil {
		t.Attachments = new(tweet.Attachments)
	}
	t.Attachments.MediaKeys = append(t.Attachments.MediaKeys, key)
	for i := range b.inc.Media {
		if b.inc.Media[i].MediaKey == key {
			return
		}
	}
	v := tweet.Media{MediaKey: key, Type: kind, AltText: clean(m.AltText)}
	address := m.MediaHTTPS
	if address == "" {
		address = m.MediaURL
	}
	if kind == "photo" {
		v.URL = clean(address)
	} else {
		v.PreviewImageURL = clean(address)
	}
	v.Width, v.Height = m.size()
	if m.Video != nil {
		v.DurationMS = int(m.Video.Duration)
		for _, x := range m.Video.Variants {
			v.Variants = append(v.Variants, tweet.Variant{BitRate: int(x.Bitrate), ContentType: clean(x.Type), URL: clean(x.URL)})
		}
		sort.SliceStable(v.Variants, func(i, j int) bool { return v.Variants[i].BitRate < v.Variants[j].BitRate })
	}
	b.inc.Media = append(b.inc.Media, v)
}

func (m *mediaEntity) size() (w, h int) {
	if m.Original != nil && m.Original.Width > 0 {
		return int(m.Original.Width), int(m.Original.Height)
	}
	return m.Sizes.w, m.Sizes.h
}

// geo converts point and place. A point in "coordinates" is longitude, latitude; in the older "geo" the reverse.
func (b *builder) geo(t *tweet.Tweet, s *status) {
	var g tweet.Geo
	if c := s.Coordinates; c != nil && len(c.Coordinates) == 2 {
		g.Coordinates = point(c.Coordinates[0], c.Coordinates[1])
	}
	if c := s.Geo; g.Coordinates == nil && c != nil && len(c.Coordinates) == 2 {
		g.Coordinates = point(c.Coordinates[1], c.Coordinates[0])
	}
	if p := s.Place; p != nil && p.ID != "" {
		g.PlaceID = clean(p.ID)
		b.place(p)
	}
	if g != (tweet.Geo{}) {
		t.Geo = &g
	}
}

// point is nil for what is no place on Earth.
func point(lon, lat float64) *tweet.Point {
	if !onEarth(lon, lat) {
		return nil
	}
	return &tweet.Point{Type: "Point", Coordinates: [2]float64{lon, lat}}
}

func onEarth(lon, lat float64) bool { return -180 <= lon && lon <= 180 && -90 <= lat && lat <= 90 }

func (b *builder) place(p *place) {
	for i := range b.inc.Places {
		if b.inc.Places[i].ID == clean(p.ID) {
			return
		}
	}
	v := tweet.Place{ID: clean(p.ID), FullName: clean(p.FullName), Name: clean(p.Name), Country: clean(p.Country), CountryCode: clean(p.CountryCode), PlaceType: clean(p.Type)}
	if p.Box != nil && len(p.Box.Coordinates) > 0 {
		box, found := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}, false
		for _, c := range p.Box.Coordinates[0] {
			if len(c) == 2 && onEarth(c[0], c[1]) {
				found = true
				box = [4]float64{min(box[0], c[0]), min(box[1], c[1]), max(box[2], c[0]), max(box[3], c[1])}
			}
		}
		if found {
			v.Geo = &tweet.PlaceGeo{Type: "Feature", BBox: box}
		}
	}
	b.inc.Places = append(b.inc.Places, v)
}
