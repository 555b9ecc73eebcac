package query

import "math"

// NoPlace is West, South, East and North of a tweet that tells no place. No range of places holds it.
const NoPlace = -2_000_000_000

// Units of West, South, East and North.
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

// Holds reports whether the point, or all of the box, is inside; false for NoPlace.
func (c Circle) Holds(west, south, east, north int64) bool {
	if west == NoPlace {
		return false
	}
	for _, lon := range [...]int64{west, east} {
		for _, lat := range [...]int64{south, north} {
			if !c.holds(lon, lat) {
				return false
			}
		}
	}
	return c.holdsSides(west, south, east, north)
}

// holdsSides looks at the places where a side of a box can be farther away than its corners are: where it comes nearest to the
// point opposite. That is so only for boxes that reach to the other side of the globe.
func (c Circle) holdsSides(west, south, east, north int64) bool {
	opposite := c.Lon + dateLine
	for opposite-around >= west {
		opposite -= around
	}
	for opposite < west {
		opposite += around
	}
	for _, lon := range [...]int64{west, east, min(opposite, east)} {
		// On this meridian the farthest point is in the direction of the one opposite.
		lat := -math.Atan2(math.Sin(radians(c.Lat)), math.Cos(radians(c.Lat))*-math.Cos(radians(lon-c.Lon)))
		farthest := int64(math.Round(lat * 180 / math.Pi * micro))
		if math.Abs(lat) > math.Pi/2 {
			farthest = 0 // of this meridian's other half: here the ends are the farthest
			if south > 0 || north < 0 {
				farthest = south
			}
		}
		for _, lat := range [...]int64{south, min(max(farthest, south), north), north} {
			if !c.holds(lon, lat) {
				return false
			}
		}
	}
	return true
}

// holds measures the distance by the haversine formula.
func (c Circle) holds(lon, lat int64) bool {
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

// Box matches tweets whose point, or whole box, lies within. A west above the east is over the date line; all in millionths
// of a degree.
func Box(west, south, east, north int64) Expr { return box{west, south, east, north} }

func (b box) String() string {
	return "bounding_box:[" + degreesText(b.west) + " " + degreesText(b.south) + " " + degreesText(b.east) + " " + degreesText(b.north) + "]"
}

// ranges is an and. Every range that it has excludes NoPlace.
func (b box) ranges() Expr {
	lat := []Expr{between{South, b.south, pole}, between{North, -pole, b.north}}
	switch {
	case b.west == -dateLine && b.east == dateLine: // all around, boxes over the date line too
		return And(lat...)
	case b.west <= b.east:
		return And(append(lat, between{West, b.west, dateLine}, between{East, -dateLine, b.east})...)
	}
	return And(append(lat, Or(
		And(between{West, b.west, dateLine}, between{East, -dateLine, b.east + around}),
		between{East, -dateLine, b.east},
	))...)
}
