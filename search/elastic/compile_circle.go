package elastic

import (
	"math"

	"birdwatch/query"
)

// Circle is searched for by its bounds. What lies in it beyond doubt need not be looked at to be counted.
func (b builder) Circle(c query.Circle) clause {
	if b.coarse {
		return inexact(compile(c.Bounds()), none)
	}
	return inexact(compile(c.Bounds()), compile(inside(c)))
}

const (
	// bands is how many strips a circle is filled with: of what is within its bounds, a tenth remains in doubt.
	bands = 16
	// earth is its mean radius in meters, micro a degree in the units of places.
	earth = 6_371_008.8
	micro = 1_000_000
)

// inside matches only what the circle holds: strips between two latitudes, as wide as the circle is at the narrower one. It is empty near the
// poles and over the date line.
func inside(c query.Circle) query.Expr {
	radians := func(m int64) float64 { return float64(m) / micro * math.Pi / 180 }
	angle := (float64(c.Meters)*(1-1e-6) - 1) / earth // less than the error of any reckoning
	reach := angle * 180 / math.Pi * micro
	if angle <= 0 || float64(c.Lat)-reach < -89*micro || float64(c.Lat)+reach > 89*micro {
		return query.Or()
	}
	// width is how far the circle reaches to the east at a latitude.
	width := func(lat int64) float64 {
		square := func(x float64) float64 { return x * x }
		h := (square(math.Sin(angle/2)) - square(math.Sin((radians(lat)-radians(c.Lat))/2))) / (math.Cos(radians(lat)) * math.Cos(radians(c.Lat)))
		return 2 * math.Asin(math.Sqrt(min(max(h, 0), 1))) * 180 / math.Pi * micro
	}
	var strips []query.Expr
	edge := func(i int) int64 { return c.Lat + int64(reach*(2*float64(i)/bands-1)) }
	for i := range bands {
		south, north := edge(i), edge(i+1)
		w := int64(min(width(south), width(north))) - 1
		if west, east := c.Lon-w, c.Lon+w; w > 0 && west > -180*micro && east < 180*micro {
			strips = append(strips, query.Box(west, south, east, north))
		}
	}
	return query.Or(strips...)
}
