package query

import (
	"math"

	"birdwatch/tweet"
)

// NoPlace is West, South, East and North of a tweet that tells no place. No range of places holds it.
const NoPlace = -2_000_000_000

// micro is how many units of West, South, East and North are a degree.
const micro = 1_000_000

// SampleOf is which hundredth of all tweets an id belongs to, 0 to 99: by a fixed hash, so that every engine has the same ones. The
// low bits of an id count within a millisecond and the high ones are its time; the products mix both. All of it is within int64, so that
// databases can compute it.
func SampleOf(id tweet.ID) int64 {
	x := int64(id)
	low, mid, high := x&(1<<21-1), x>>21&(1<<21-1), x>>42
	return (low*7_368_787 + mid*5_915_587_277%1_000_000_007 + high*3_267_000_013%1_000_000_007) % 99_991 % 100
}

// RelevancyOf orders tweets by how much they may matter: each tenfold of what readers did with one counts as much as 12 hours of
// being newer. It is a whole number of seconds, the same in every engine.
func RelevancyOf(createdAt, likes, reposts, replies, quotes int64) int64 {
	did := float64(max(likes, 0) + 2*max(reposts, 0) + max(replies, 0) + 2*max(quotes, 0))
	return createdAt/1000 + int64(math.Log10(1+did)*12*60*60)
}

// Circle is what lies within a distance of a point on the globe.
type Circle struct {
	Lon, Lat int64 // millionths of a degree
	Meters   int64
}

// globe is the mean radius of the Earth, in meters.
const globe = 6_371_008.8

// Holds reports whether the point, or all of the box, is inside; false for NoPlace. Of a box the four corners decide.
func (c Circle) Holds(west, south, east, north int64) bool {
	if west == NoPlace {
		return false
	}
	for _, lat := range [...]int64{south, north} {
		for _, lon := range [...]int64{west, east} {
			if c.distance(lon, lat) > float64(c.Meters) {
				return false
			}
		}
	}
	return true
}

// distance is by the haversine formula.
func (c Circle) distance(lon, lat int64) float64 {
	rad := func(m int64) float64 { return float64(m) / micro * math.Pi / 180 }
	a, b := math.Sin((rad(lat)-rad(c.Lat))/2), math.Sin((rad(lon)-rad(c.Lon))/2)
	h := a*a + math.Cos(rad(lat))*math.Cos(rad(c.Lat))*b*b
	return 2 * globe * math.Asin(math.Sqrt(min(h, 1)))
}

// Bounds matches every tweet that the circle holds, and more. For engines that search first and check then.
func (c Circle) Bounds() Expr {
	reach := float64(c.Meters)/globe*180/math.Pi*micro + 2
	south, north := float64(c.Lat)-reach, float64(c.Lat)+reach
	if south <= -90*micro || north >= 90*micro { // a pole is inside: every longitude is
		return Box(-180*micro, max(int64(south), -90*micro), 180*micro, min(int64(north), 90*micro))
	}
	// The meridian touches the circle nearer to the pole than its middle is.
	angle := float64(c.Meters) / globe
	s := math.Sin(angle) / math.Cos(float64(c.Lat)/micro*math.Pi/180)
	if s >= 1 {
		return Box(-180*micro, int64(south), 180*micro, int64(north))
	}
	width := math.Asin(s)*180/math.Pi*micro + 2
	west, east := float64(c.Lon)-width, float64(c.Lon)+width
	if west < -180*micro {
		west += 360 * micro
	}
	if east > 180*micro {
		east -= 360 * micro
	}
	return Box(int64(math.Floor(west)), int64(math.Floor(south)), int64(math.Ceil(east)), int64(math.Ceil(north)))
}

// Box matches tweets whose point, or whole box, lies within; west above east is over the date line. All in millionths of a degree.
func Box(west, south, east, north int64) Expr {
	lat := []Expr{between{South, south, 90 * micro}, between{North, -90 * micro, north}}
	switch {
	case west <= -180*micro && east >= 180*micro: // all around, boxes over the date line too
		return And(lat...)
	case west <= east:
		return And(append(lat, between{West, west, 180 * micro}, between{East, -180 * micro, east})...)
	}
	return And(append(lat, Or(
		And(between{West, west, 180 * micro}, between{East, -180 * micro, east + 360*micro}),
		between{East, -180 * micro, east},
	))...)
}
