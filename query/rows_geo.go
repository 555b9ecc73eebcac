package query

import (
	"math"
	"strconv"
	"strings"
)

// geoRows go by where a tweet was sent from: its point, else the middle of its place's box. X does so (docs/adr/0008).
var geoRows = []Operator{
	{Name: "point_radius", Kind: KindPoint, Example: "point_radius:[-0.1276 51.5072 25km]",
		Doc: "sent from within so many km or mi of the longitude and latitude: its point is, or else the middle of its place", parse: parsePointRadius},
	{Name: "geocode", Kind: KindPoint, Example: "geocode:51.5072,-0.1276,25km",
		Doc: "the same as point_radius:, with the latitude first", parse: parseGeocode},
	{Name: "bounding_box", Aliases: []string{"geo_bounding_box"}, Kind: KindBox, Example: "bounding_box:[-0.51 51.28 0.33 51.69]",
		Doc: "sent from within the box of west, south, east and north, in degrees: its point is, or else the middle of its place; a west above the east is over the date line", parse: parseBox},
}

func parsePointRadius(p *parser, o *Operator, v value) Expr {
	fields, ok := bracketed(v)
	if len(fields) == 4 && (fields[3] == "km" || fields[3] == "mi") {
		fields = append(fields[:2], fields[2]+fields[3])
	}
	if !ok || len(fields) != 3 {
		p.fail(v.pos, v.end, excerpt(v.text)+" is no point with a distance", "write the longitude, the latitude and the distance, as "+o.Example)
	}
	return Circle{Lon: p.longitude(v, fields[0]), Lat: p.latitude(v, fields[1]), Meters: p.distance(v, fields[2])}
}

func parseGeocode(p *parser, o *Operator, v value) Expr {
	fields := strings.Split(v.text, ",")
	if len(fields) != 3 {
		p.fail(v.pos, v.end, excerpt(v.text)+" is no point with a distance", "write the latitude, the longitude and the distance, as "+o.Example)
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return Circle{Lat: p.latitude(v, fields[0]), Lon: p.longitude(v, fields[1]), Meters: p.distance(v, fields[2])}
}

func parseBox(p *parser, o *Operator, v value) Expr {
	fields, ok := bracketed(v)
	if !ok || len(fields) != 4 {
		p.fail(v.pos, v.end, excerpt(v.text)+" is no box", "write its west, south, east and north, as "+o.Example)
	}
	b := box{p.longitude(v, fields[0]), p.latitude(v, fields[1]), p.longitude(v, fields[2]), p.latitude(v, fields[3])}
	if b.south > b.north {
		p.fail(v.pos, v.end, "the box's south lies north of its north", "write west, south, east and north, as "+o.Example)
	}
	return b
}

// bracketed gives the fields between brackets; commas part them as blanks do.
func bracketed(v value) ([]string, bool) {
	text, opened := strings.CutPrefix(v.text, "[")
	text, closed := strings.CutSuffix(text, "]")
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }), opened && closed
}

func (p *parser) longitude(v value, s string) int64 {
	n, ok := parseDegrees(s)
	if !ok || n < -dateLine || n > dateLine {
		p.fail(v.pos, v.end, quote(excerpt(s))+" is no longitude", "a longitude is a number of degrees from -180 to 180")
	}
	return n
}

func (p *parser) latitude(v value, s string) int64 {
	n, ok := parseDegrees(s)
	if !ok || n < -pole || n > pole {
		p.fail(v.pos, v.end, quote(excerpt(s))+" is no latitude", "a latitude is a number of degrees from -90 to 90; in brackets the longitude stands before it")
	}
	return n
}

// parseDegrees reads a number of degrees as millionths.
func parseDegrees(s string) (int64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "+-.0123456789") != "" || math.Abs(f) > 1000 {
		return 0, false
	}
	return millionths(f), true
}

// farthest is more than two points on the globe can be from each other, in meters.
const farthest = 20_100_000

// distance reads a length in km or mi as whole meters.
func (p *parser) distance(v value, s string) int64 {
	unit := 1000.0
	number, ok := strings.CutSuffix(strings.ToLower(s), "km")
	if !ok {
		number, ok = strings.CutSuffix(number, "mi")
		unit = 1609.344
	}
	f, err := strconv.ParseFloat(number, 64)
	if !ok || strings.Trim(number, ".0123456789") != "" || f <= 0 || err != nil && !math.IsInf(f, 1) {
		p.fail(v.pos, v.end, quote(excerpt(s))+" is no distance", "write 25km or 10mi")
	}
	return int64(math.Round(min(max(f*unit, 1), farthest)))
}

func degreesText(millionths int64) string {
	return strconv.FormatFloat(float64(millionths)/micro, 'f', -1, 64)
}

func kilometers(meters int64) string {
	return strconv.FormatFloat(float64(meters)/1000, 'f', -1, 64) + "km"
}
