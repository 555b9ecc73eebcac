package tweet_test

import (
	"math"
	"testing"
	"time"

	"birdwatch/tweet"

	"pgregory.net/rapid"
)

func TestIDRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := tweet.ID(rapid.Int64Range(1, math.MaxInt64).Draw(t, "id"))
		if got, err := tweet.ParseID(id.String()); err != nil || got != id {
			t.Fatalf("%d came back as %d: %v", id, got, err)
		}
	})
}

func TestParseID(t *testing.T) {
	for in, want := range map[string]tweet.ID{
		"20": 20, "9223372036854775807": math.MaxInt64, "1": 1,
		"": 0, "0": 0, "-1": 0, "+1": 0, " 1": 0, "1 ": 0, "1.0": 0, "1e3": 0, "9223372036854775808": 0, "0x10": 0,
		"٣": 0, "1_000": 0, "99999999999999999999": 0, "\x001": 0,
	} {
		got, err := tweet.ParseID(in)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v; want %d", in, got, err, want)
		}
	}
}

func TestTimeOfID(t *testing.T) {
	// The example of X's page on snowflakes.
	at, ok := tweet.ID(1541815603606036480).Time()
	if want := time.UnixMilli(1656432460105); !ok || !at.Equal(want) {
		t.Errorf("time %v, %t; want %v", at, ok, want)
	}
	if _, ok := tweet.ID(20).Time(); ok {
		t.Error("an old id has a time")
	}
	if got := tweet.IDAt(time.Date(2006, 3, 21, 20, 50, 14, 0, time.UTC)); got != 0 {
		t.Errorf("2006 is id %d", got)
	}
	if got := tweet.IDAt(time.UnixMilli(1288834974658)); got != tweet.FirstSnowflake {
		t.Errorf("the first ids with a time begin at %d", got)
	}
	if got := tweet.IDAt(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)); got != math.MaxInt64 {
		t.Errorf("2200 is id %d", got)
	}
}

// TestIDAtIsTheLeast: ids of a millisecond are those from its least id up to the next one's.
func TestIDAtIsTheLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := tweet.ID(rapid.Int64Range(int64(tweet.FirstSnowflake), math.MaxInt64).Draw(t, "id"))
		at, ok := id.Time()
		if !ok {
			t.Fatalf("%d has no time", id)
		}
		if lo, hi := tweet.IDAt(at), tweet.IDAt(at.Add(time.Millisecond)); id < lo || id >= hi && hi != math.MaxInt64 {
			t.Fatalf("%d of %v is outside %d to %d", id, at, lo, hi)
		} else if before, ok := (lo - 1).Time(); ok && !before.Before(at) {
			t.Fatalf("%d is not the least of %v", lo, at)
		}
	})
}

func TestPositionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := tweet.Position{Epoch: rapid.StringMatching(`[a-z0-9]{1,32}`).Draw(t, "epoch"), Seq: tweet.Seq(rapid.Int64Range(0, math.MaxInt64).Draw(t, "seq"))}
		if got, err := tweet.ParsePosition(p.String()); err != nil || got != p || p.IsZero() {
			t.Fatalf("%v came back as %v: %v", p, got, err)
		}
	})
}

func TestParsePositionRefuses(t *testing.T) {
	for _, s := range []string{"", "-", "a", "a-", "-1", "a--1", "a-+1", "a-01", "a-1-2", "A-1", "a b-1", "a!b-1", "a-1 ", " a-1",
		"a-9223372036854775808", "abcdefghijklmnopqrstuvwxyz0123456-1", "é-1"} {
		if p, err := tweet.ParsePosition(s); err == nil || !p.IsZero() {
			t.Errorf("%q was read as %v", s, p)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("k3-17")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := tweet.ParsePosition(s); err == nil && p.String() != s {
			t.Errorf("%q was read as %v", s, p)
		}
	})
}

func TestTweetTime(t *testing.T) {
	for _, tt := range []struct {
		tweet tweet.Tweet
		want  int64
	}{
		{tweet.Tweet{ID: 20, CreatedAt: "2006-03-21T20:50:14.000Z"}, 1142974214000},
		{tweet.Tweet{ID: 1541815603606036480, CreatedAt: "2022-06-28T16:07:40.123Z"}, 1656432460123},
		{tweet.Tweet{ID: 1541815603606036480, CreatedAt: "yesterday"}, 1656432460105},
		{tweet.Tweet{ID: 1541815603606036480}, 1656432460105},
		{tweet.Tweet{ID: 20}, 0},
	} {
		if got := tt.tweet.Time(); got != tt.want {
			t.Errorf("%d %q: %d, want %d", tt.tweet.ID, tt.tweet.CreatedAt, got, tt.want)
		}
	}
}

func TestKindNames(t *testing.T) {
	for k, want := range map[tweet.Kind]string{tweet.KindTweet: "tweet", tweet.KindUpdate: "update", tweet.KindDelete: "delete",
		tweet.KindGeo: "geo", tweet.KindWithheld: "withheld", tweet.KindUser: "user", 0: "unknown", 99: "unknown"} {
		if got := k.String(); got != want {
			t.Errorf("kind %d is %s, want %s", k, got, want)
		}
	}
}
