package elastic_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search/elastic"
)

var update = flag.Bool("update", false, "write the golden files anew")

// compiled are queries of which the golden file shows what Elasticsearch is asked.
var compiled = []string{
	"", "go", "-go", "go -fast", "-go -fast", "go OR fast", "go OR -fast", "-go OR -fast", "a OR -b OR -c", "-(a b)", "-(a OR b)", "a (b OR c) -(d OR (e f))",
	"ab*", "#go", "from:ada", `"a b c"`, "coca-cola", `"a 日"`, "日本語", "👍", "👍🏽", "-👍", `"a 👍"`, `"👍 a" b`, `"a b"~3`, `"a a b"~2`, `"a 👍"~2`, `"👍 👍🏽"~2`,
	"followers_count:10", "followers_count:10..20", "-followers_count:10", "-followers_count:10..20", "likes:0..5 min_likes:3", "likes:0..5 min_likes:6",
	"since:2013-05-01 until:2013-06-01", "-since:2013-05-01", "since_id:5 max_id:9", "id:5", "has:links lang:en", `source:"a \"b\" \\c"`,
	`"👍 日"`, `-"👍 👍🏽"~2 a`, "point_radius:[-0.13 51.5 25km]", "-point_radius:[-0.13 51.5 25km] go", "bounding_box:[170 -20 -170 20]",
}

// TestCompile shows what becomes of queries; the servers say elsewhere that it is right.
func TestCompile(t *testing.T) {
	var got bytes.Buffer
	for _, text := range compiled {
		q, err := query.Parse(text, querytest.Now)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		most, sure := elastic.Compiled(q.Expr)
		fmt.Fprintf(&got, "%s\n\t%s\n", text, readable(most))
		if sure != most {
			fmt.Fprintf(&got, "\tsure: %s\n", readable(sure))
		}
		if most != "" && !json.Valid([]byte(most)) {
			t.Errorf("%s: no JSON: %s", text, most)
		}
	}
	path := filepath.Join("testdata", "compile.golden")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("other than %s; -update writes it anew:\n%s", path, got.Bytes())
	}
}

// readable shows the runes that begin terms of fields, and "nothing" for what cannot match.
func readable(s string) string {
	if s == "" {
		return "nothing"
	}
	var b strings.Builder
	for _, r := range s {
		if r >= '\uE000' && r <= '\uF8FF' {
			fmt.Fprintf(&b, "<%X>", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// TestInside: what is counted of a circle unseen is in it, and that is most of it.
func TestInside(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := query.Circle{
			Lon: rapid.Int64Range(-180_000_000, 180_000_000).Draw(rt, "lon"), Lat: rapid.Int64Range(-90_000_000, 90_000_000).Draw(rt, "lat"),
			Meters: rapid.OneOf(rapid.Int64Range(1, 1000), rapid.Int64Range(1000, 100_000), rapid.Int64Range(100_000, 20_000_000)).Draw(rt, "meters"),
		}
		sure, bounds := query.NewMatcher(elastic.Inside(c)), query.NewMatcher(c.Bounds())
		reach := c.Meters * 18 / 2 // microdegrees of latitude, and a little more
		held, missed := 0, 0
		for range 200 {
			var target query.Target
			lon := c.Lon + rapid.Int64Range(-reach, reach).Draw(rt, "x")
			lat := c.Lat + rapid.Int64Range(-reach, reach).Draw(rt, "y")
			if lon < -180_000_000 || lon > 180_000_000 || lat < -90_000_000 || lat > 90_000_000 {
				continue
			}
			f := &target.Figures
			f[query.Longitude], f[query.Latitude] = lon, lat
			holds := c.Holds(lon, lat)
			if sure.Match(&target) && !holds {
				rt.Fatalf("%+v does not hold %v", c, f)
			}
			if holds && !bounds.Match(&target) {
				rt.Fatalf("the bounds of %+v leave out %v", c, f)
			}
			if holds {
				if held++; !sure.Match(&target) {
					missed++
				}
			}
		}
		if held > 50 && missed > held/2 && max(c.Lat, -c.Lat) < 60_000_000 && max(c.Lon, -c.Lon) < 90_000_000 && c.Meters > 100 && c.Meters < 1_000_000 {
			rt.Fatalf("of %d in %+v, %d are in doubt", held, c, missed)
		}
	})
}
