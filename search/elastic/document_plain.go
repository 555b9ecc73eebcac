package elastic

import (
	"math"
	"strconv"

	"birdwatch/search"
	"birdwatch/tweet"
)

// facetFields are the fields that hold a facet's values.
var facetFields = [search.NumFacets]string{search.Hashtags: "hashtags", search.Mentions: "mentions", search.Authors: "author",
	search.Links: "links", search.Domains: "domains", search.Languages: "lang", search.Sources: "source"}

// appendPlain appends what facets are counted by, and what people look at with other tools.
func appendPlain(dst []byte, p *tweet.Payload) []byte {
	v := p.View()
	dst = appendList(dst, "text", []string{v.Text})
	if p.Data.AuthorID != 0 {
		dst = appendNumber(append(dst, `,"author_id":"`...), int64(p.Data.AuthorID))
		dst = append(dst, '"')
	}
	for f, name := range facetFields {
		if name != "" {
			dst = appendList(dst, name, search.Values(search.Facet(f), p))
		}
	}
	if p.Data.Geo != nil && v.Repeated == 0 {
		dst = appendGeo(dst, p)
	}
	return dst
}

func appendGeo(dst []byte, p *tweet.Payload) []byte {
	if p.Includes != nil {
		for i := range p.Includes.Places {
			if place := &p.Includes.Places[i]; place.ID == p.Data.Geo.PlaceID {
				dst = appendList(dst, "place", []string{place.FullName})
				dst = appendList(dst, "country", []string{place.CountryCode})
				break
			}
		}
	}
	c := p.Data.Geo.Coordinates
	if c == nil || !(math.Abs(c.Coordinates[0]) <= 180) || !(math.Abs(c.Coordinates[1]) <= 90) {
		return dst
	}
	dst = strconv.AppendFloat(append(dst, `,"location":[`...), c.Coordinates[0], 'f', -1, 64)
	dst = strconv.AppendFloat(append(dst, ','), c.Coordinates[1], 'f', -1, 64)
	return append(dst, ']')
}

// appendList appends a field with its values; one value stands alone, and no value is no field.
func appendList(dst []byte, name string, values []string) []byte {
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return dst
	}
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	if len(values) > 1 {
		dst = append(dst, '[')
	}
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(append(dst, '"'), v), '"')
	}
	if len(values) > 1 {
		dst = append(dst, ']')
	}
	return dst
}
