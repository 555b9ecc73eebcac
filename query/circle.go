package query

import "math"

// NoPlace is Longitude and Latitude of a tweet that tells no place. No range of places holds it.
const NoPlace = -2_000_000_000

// Units of Longitude and Latitude.
const (
	micro    = 1_000_000 // a degree
	pole     = 90 * micro
	dateLine = 180 * micro
	around   = 360 * micro
)

// globe is the mean radius of the Earth, in meters. The Earth is taken for a sphere, as databases take it.
const globe = 6_371_008.8

// Circle matches tweets that were sent from within a distance of a point on the globe. It is an Expr.
type Circle struct {
	Lon, Lat int64 // millionths of a degree
	Meters   int64
}

// String writes the circle as an operator.
func (c Circle) String() string {
	return "point_radius:[" + degreesText(c.Lon) + " " + degreesText(c.Lat) + " " + kilometers(c.Meters) + "]"
}

// Holds reports whether the point is inside, by the haversine formula; false for NoPlace.
func (c Circle) Holds(lon, lat int64) bool {
	if lon == NoPlace {
		return false
	}
	a, b := math.Sin(radians(lat-c.Lat)/2), math.Sin(radians(lon-c.Lon)/2)
	h := a*a + math.Cos(radians(lat))*math.Cos(radians(c.Lat))*b*b
	return 2*globe*math.Asin(math.Sqrt(min(h, 1))) <= float64(c.Meters)
}

func radians(millionths int64) float64 { return float64(millionths) / micro * math.Pi / 180 }

// margin is what Bounds adds on every side for rounding, in millionths of a degree.
const margin = 3

// Bounds matches every tweet that the circle holds, and more. For engines that search first and check then.
func (c Circle) Bounds() Expr {
	angle := float64(c.Meters) / globe // as seen from the Earth's center
	reach := int64(min(angle*180/math.Pi*micro, around)) + margin
	south, north := max(c.Lat-reach, -pole), min(c.Lat+reach, pole)
	// The meridians that touch the circle do so nearer to the pole than its middle is.
	touch := math.Sin(angle) / math.Cos(radians(c.Lat))
	if south == -pole || north == pole || touch >= 1 { // a pole is inside: every longitude is
		return Box(-dateLine, south, dateLine, north)
	}
	width := int64(math.Asin(touch)*180/math.Pi*micro) + margin
	west, east := c.Lon-width, c.Lon+width
	switch {
	case 2*width >= around:
		west, east = -dateLine, dateLine
	case west < -dateLine:
		west += around
	case east > dateLine:
		east -= around
	}
	return Box(west, south, east, north)
}

// Box matches tweets that were sent from within it. A west above the east is over the date line; all in millionths of a degree.
func Box(west, south, east, north int64) Expr { return box{west, south, east, north} }

func (b box) String() string {
	return "bounding_box:[" + degreesText(b.west) + " " + degreesText(b.south) + " " + degreesText(b.east) + " " + degreesText(b.north) + "]"
}

// ranges say the same by figures, all together. Each excludes NoPlace.
func (b box) ranges() []Expr {
	lat := between{Latitude, b.south, b.north}
	switch {
	case b.west == -dateLine && b.east == dateLine: // all around
		return []Expr{lat}
	case b.west <= b.east:
		return []Expr{lat, between{Longitude, b.west, b.east}}
	}
	return []Expr{lat, Or(between{Longitude, b.west, dateLine}, between{Longitude, -dateLine, b.east})}
}
