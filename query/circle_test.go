package query_test

import (
	"math"
	"testing"

	"birdwatch/query"
	"birdwatch/tweet"

	"pgregory.net/rapid"
)

const degree = 1_000_000

// vector is a place on the globe as a direction from its center.
func vector(lon, lat float64) [3]float64 {
	lon, lat = lon/degree*math.Pi/180, lat/degree*math.Pi/180
	return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

// apart is the distance of two places in meters, by another way than the code's.
func apart(a, b [3]float64) float64 {
	cross := [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
	return 6_371_008.8 * math.Atan2(math.Sqrt(cross[0]*cross[0]+cross[1]*cross[1]+cross[2]*cross[2]), a[0]*b[0]+a[1]*b[1]+a[2]*b[2])
}

// TestCircleHolds compares with the distance.
func TestCircleHolds(t *testing.T) {
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		c := circles().Draw(t, "circle")
		lon, lat := place(t, c)
		far := apart(vector(float64(lon), float64(lat)), vector(float64(c.Lon), float64(c.Lat)))
		got := c.Holds(lon, lat)
		if got {
			held++
		}
		if got && far > float64(c.Meters)+1 || !got && far < float64(c.Meters)-1 {
			t.Fatalf("%v holds %d %d: %v, which is %v m away", c, lon, lat, got, far)
		}
	})
	if held < 10 && !testing.Short() {
		t.Errorf("only %d places are held", held)
	}
}

// TestBoundsHaveAllOfTheCircle: an engine that looks within the bounds first misses nothing.
func TestBoundsHaveAllOfTheCircle(t *testing.T) {
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		c := circles().Draw(t, "circle")
		var target query.Target
		f := &target.Figures
		f[query.Longitude], f[query.Latitude] = place(t, c)
		if !query.NewMatcher(c).Match(&target) {
			return
		}
		if held++; !query.NewMatcher(c.Bounds()).Match(&target) {
			t.Fatalf("%v holds %v, its bounds %v do not", c, target.Figures, c.Bounds())
		}
	})
	if held < 10 && !testing.Short() {
		t.Errorf("only %d places are held", held)
	}
}

func circles() *rapid.Generator[query.Circle] {
	return rapid.Custom(func(t *rapid.T) query.Circle {
		return query.Circle{
			Lon:    rapid.Int64Range(-180, 180).Draw(t, "lon") * degree,
			Lat:    rapid.SampledFrom([]int64{-90, -89, -45, -1, 0, 17, 51, 80, 89, 90}).Draw(t, "lat") * degree,
			Meters: rapid.SampledFrom([]int64{1, 1000, 25_000, 111_195, 1_000_000, 5_000_000, 9_999_999, 10_007_544, 15_000_000, 20_000_000, 20_100_000}).Draw(t, "meters"),
		}
	})
}

// place is a point, mostly near the circle's center.
func place(t *rapid.T, c query.Circle) (lon, lat int64) {
	near := rapid.Float64Range(0, 2).Draw(t, "near") * float64(c.Meters) / 111_195 * degree
	angle := rapid.Float64Range(0, 2*math.Pi).Draw(t, "angle")
	y := math.Max(-90*degree, math.Min(90*degree, float64(c.Lat)+near*math.Sin(angle)))
	x := float64(c.Lon) + near*math.Cos(angle)/math.Max(0.05, math.Cos(y/degree*math.Pi/180))
	return int64(math.Mod(math.Mod(x, 360*degree)+540*degree, 360*degree)) - 180*degree, int64(y)
}

func TestCircleWithoutAPlace(t *testing.T) {
	all := query.Circle{Meters: 20_100_000}
	if all.Holds(query.NoPlace, query.NoPlace) {
		t.Error("a circle around the globe holds what has no place")
	}
	var target query.Target
	target.Set(&Payload{Data: tweet.Tweet{ID: 1, Text: "a"}})
	for _, e := range []query.Expr{all, all.Bounds(), query.Box(-180*degree, -90*degree, 180*degree, 90*degree), query.Box(1, -90*degree, 0, 90*degree)} {
		if query.NewMatcher(e).Match(&target) {
			t.Errorf("%v matches a tweet without a place", e)
		}
		roundTrip(t, &query.Query{Expr: e})
	}
}

// TestSampleIsEven: every hundredth of regular and of random ids is about as large as the others.
func TestSampleIsEven(t *testing.T) {
	real := make([]int64, 0, 100_000)
	for _, p := range realTweets(t) {
		real = append(real, int64(p.Data.ID))
	}
	for name, id := range map[string]func(i int64) int64{
		"one after another":       func(i int64) int64 { return 1_334_987_486_343_299_072 + i },
		"a millisecond apart":     func(i int64) int64 { return 329_000_000_000_000_000 + i<<22 },
		"a second apart":          func(i int64) int64 { return 329_000_000_000_000_000 + (1000*i)<<22 },
		"old ones":                func(i int64) int64 { return 20 + i },
		"of one machine":          func(i int64) int64 { return 1_334_987_486_343_299_072 + i*7919<<22 | 5<<12 },
		"of the recorded answers": func(i int64) int64 { return real[int(i)%len(real)] },
	} {
		const n = 100_000
		total := int64(n)
		if name == "of the recorded answers" {
			total = int64(len(real))
		}
		var counts [100]int64
		for i := range total {
			s := query.SampleOf(tweet.ID(id(i)))
			if s < 0 || s > 99 {
				t.Fatalf("sample %d", s)
			}
			counts[s]++
		}
		chi := 0.0
		want := float64(total) / 100
		for _, c := range counts {
			chi += (float64(c) - want) * (float64(c) - want) / want
		}
		t.Logf("%s: %d ids, chi² %.0f", name, total, chi)
		if chi > 200 { // of 99 degrees of freedom: one in ten million by chance
			t.Errorf("%s: chi² %.0f", name, chi)
		}
	}
}

func TestRelevancy(t *testing.T) {
	at := int64(1367409600_000)
	for _, c := range []struct{ likes, reposts, replies, quotes, more int64 }{
		{0, 0, 0, 0, 0}, {-1, -1, -1, -1, 0}, {9, 0, 0, 0, 43_200}, {1, 4, 0, 0, 43_200}, {0, 0, 9, 0, 43_200}, {99, 0, 0, 0, 86_400}, {math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, 852_899},
	} {
		if got := query.RelevancyOf(at, c.likes, c.reposts, c.replies, c.quotes) - at/1000; got != c.more {
			t.Errorf("%+v: %d seconds more", c, got)
		}
	}
}
