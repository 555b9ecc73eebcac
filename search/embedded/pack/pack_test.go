package pack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/search/embedded/pack"
)

// roundTrip seals tweets and sees that every way to read them gives the same bytes.
func roundTrip(t testing.TB, tweets []pack.Tweet) (size int) {
	t.Helper()
	front, back, err := pack.Seal(tweets)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pack.Open(front, back, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(tweets) {
		t.Fatalf("%d tweets come back of %d", len(all), len(tweets))
	}
	var ids []int64
	for i, x := range tweets {
		sameTweet(t, all[i], x)
		ids = append(ids, x.ID)
	}
	slices.Reverse(ids)
	payloads, err := pack.Payloads(front, append(ids, 7))
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range tweets {
		if got := payloads[len(ids)-1-i]; !bytes.Equal(got, x.Payload) {
			t.Fatalf("payload of %d:\n%s\nwant\n%s", x.ID, got, x.Payload)
		}
	}
	if payloads[len(ids)] != nil {
		t.Errorf("a tweet that is not there has payload %s", payloads[len(ids)])
	}
	for i := 0; i < len(tweets); i += 1 + len(tweets)/3 {
		one, err := pack.Open(front, back, []int64{tweets[i].ID})
		if err != nil || len(one) != 1 {
			t.Fatalf("tweet %d alone: %d, %v", tweets[i].ID, len(one), err)
		}
		sameTweet(t, one[0], tweets[i])
	}
	return len(front) + len(back)
}

func sameTweet(t testing.TB, got, want pack.Tweet) {
	t.Helper()
	if got.ID != want.ID || !bytes.Equal(got.Payload, want.Payload) || !bytes.Equal(got.Raw, want.Raw) || !bytes.Equal(got.Figures, want.Figures) || !bytes.Equal(got.Provenance, want.Provenance) {
		t.Fatalf("got  %d\n%s\n%s\n%s\n%s\nwant %d\n%s\n%s\n%s\n%s", got.ID, got.Payload, got.Raw, got.Figures, got.Provenance, want.ID, want.Payload, want.Raw, want.Figures, want.Provenance)
	}
}

// corners are texts that a raw can be.
var corners = []string{
	"", " ", "{}", "[]", "null", "true", "{", `{"a"`, `{"a":}`, `{"a":1,}`, `[1,]`, `[,1]`, `[1 2]`, `{"a" 1}`, `{"a":1 2}`, `{"a":1}x`, ` {"a":1}`, "{\"a\":1}\n",
	"{\n  \"a\" : [ 1, 2 ],\n\t\"b\" : { }\r\n}", `[ ]`, `[[],[[]],[1,2],[1,2,3],["a","b"],[1,"b"]]`, `[1,2]`, `[ 1,2]`,
	`{"n":[0,-0,-1,007,1.5,1e9,9223372036854775807,9223372036854775808,18446744073709551615,99999999999999999999999999]}`,
	`{"n":["0","-0","-1","007","1.5","9223372036854775807","9223372036854775808"]}`,
	`{"s":["\u003Ca\u003E","\u003ca\u003e","<a>","\/","/","\u00e9","\u00E9","é","\ud83d\ude00","\uD83D\uDE00","😀","\ud83d","\udc00\ud83d","\u0000","\u001f","\u0026","&","\"","\\","\b\f\n\r\t","\u0008","\q","\u12"]}`,
	`{"s":["\u003Ca\u003E é","\/ <","\u00e9 /","\u003c \u00E9"]}`,
	`{"t":["Wed Sep 28 02:35:11 +0000 2011","Thu Sep 28 02:35:11 +0000 2011","Wed Sep 31 02:35:11 +0000 2011","Wed Sep 28 02:35:11 +0100 2011","wed Sep 28 02:35:11 +0000 2011","Mon Jan 01 00:00:00 +0000 0001","Fri Dec 31 23:59:60 +0000 9999"]}`,
	`{"t":["2011-09-28T02:35:11.000Z","2011-09-28T02:35:11.123Z","2011-02-30T02:35:11.000Z","1901-01-01T00:00:00.001Z","0000-01-01T00:00:00.000Z","2011-09-28T02:35:11,000Z","2011-09-28t02:35:11.000Z","2011:09-28T02-35.11.000Z"]}`,
	`{"a":1,"a":2,"b":{"a":1},"":"","x":{"":{"":[]}}}`, `"just a string"`, `12`, `-`, "\xff\xfe", "{\"a\":\"\xff\"}", "{\"a\":\"\x01\"}", "{\"a\":\x00}", `{"a":tru}`, "id,text\n1,\"hello\"",
	strings.Repeat("[", 100) + strings.Repeat("]", 100), strings.Repeat(`{"a":`, 63) + "1" + strings.Repeat("}", 63), strings.Repeat("[ ", 60) + strings.Repeat(" ]", 60),
	`{"long":"` + strings.Repeat("twelve bytes", 40) + `","tail":"x` + strings.Repeat("twelve bytes", 40) + `","head":"` + strings.Repeat("twelve bytes", 40) + `x"}`,
}

func TestCorners(t *testing.T) {
	var tweets []pack.Tweet
	for i, raw := range corners {
		payload := fmt.Sprintf(`{"data":{"id":"%d","text":"of %d"}}`, i+1, i)
		tweets = append(tweets, pack.Tweet{ID: int64(i + 1), Payload: []byte(payload), Raw: []byte(raw), Provenance: []byte(corners[len(corners)-1-i])})
		roundTrip(t, tweets[i:])
		roundTrip(t, []pack.Tweet{{ID: 1 << 60, Payload: []byte(raw), Raw: []byte(raw), Figures: []byte(raw), Provenance: []byte(raw)}})
	}
	roundTrip(t, tweets)
	roundTrip(t, nil)
	// The same once more in other columns' order: what was seen first is not what is seen now.
	for i := range tweets {
		tweets[i].Raw, tweets[i].Figures, tweets[i].Provenance = tweets[i].Provenance, tweets[i].Raw, tweets[i].Figures
	}
	roundTrip(t, tweets)
}

func TestIDsAscend(t *testing.T) {
	for _, ids := range [][2]int64{{5, 5}, {6, 5}} {
		if _, _, err := pack.Seal([]pack.Tweet{{ID: ids[0]}, {ID: ids[1]}}); err == nil {
			t.Errorf("%v: no error", ids)
		}
	}
	roundTrip(t, []pack.Tweet{{ID: -9223372036854775808}, {ID: -1}, {ID: 0}, {ID: 9223372036854775807}})
}

func TestSample(t *testing.T) {
	tweets := bundled(t)
	size, plain := 0, 0
	for some := range slices.Chunk(tweets, 64) {
		size += roundTrip(t, some)
	}
	for _, x := range tweets {
		plain += len(x.Payload) + len(x.Raw) + len(x.Provenance)
	}
	if size*9 > plain {
		t.Errorf("%d bytes take %d", plain, size)
	}
}

// values draws JSON of few keys and words, so that much of it is alike.
func values() *rapid.Generator[any] {
	words := rapid.SampledFrom([]any{nil, true, false, "", "a", "hello world, how are you", "hello world, how do you do", "https://example.com/a<b>&é😀", "12", 12.0, 0.0, 1.5, -3.0, 70000.0,
		"70000", 1317177311000.0, "Wed Sep 28 02:35:11 +0000 2011", "2011-09-28T02:35:11.000Z", "2011-09-28T02:35:11.001Z", json.Number("118876377465360385"), "118876377465360385", json.Number("1e5")})
	var at func(depth int) *rapid.Generator[any]
	at = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
			case depth == 0 || kind < 3:
				return words.Draw(t, "word")
			case kind == 3:
				return rapid.SliceOfN(at(depth-1), 0, 4).Draw(t, "list")
			default:
				return rapid.MapOfN(rapid.SampledFrom([]string{"id", "text", "user", "b", "c"}), at(depth-1), 0, 5).Draw(t, "object")
			}
		})
	}
	return at(4)
}

func TestAnyJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var tweets []pack.Tweet
		id := int64(0)
		for range rapid.IntRange(0, 12).Draw(rt, "tweets") {
			id += rapid.Int64Range(1, 1<<58).Draw(rt, "id")
			part := func(name string) []byte {
				v := values().Draw(rt, name)
				if rapid.Bool().Draw(rt, "indented") {
					b, err := json.MarshalIndent(v, "", " ")
					if err != nil {
						rt.Fatal(err)
					}
					return b
				}
				b, err := json.Marshal(v)
				if err != nil {
					rt.Fatal(err)
				}
				return b
			}
			tweets = append(tweets, pack.Tweet{ID: id, Payload: part("payload"), Raw: part("raw"), Figures: part("figures"), Provenance: part("provenance")})
		}
		roundTrip(t, tweets)
	})
}

// FuzzSeal: whatever the bytes are, they come back.
func FuzzSeal(f *testing.F) {
	for i, c := range corners {
		f.Add([]byte(c), []byte(corners[(i+1)%len(corners)]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		roundTrip(t, []pack.Tweet{{ID: 1, Payload: a, Raw: b, Figures: b, Provenance: a}, {ID: 1 << 59, Payload: b, Raw: a, Provenance: b}, {ID: 1<<59 + 1, Payload: a, Raw: a, Provenance: b}})
	})
}

// FuzzOpen: a broken block is an error, never a panic or work without end.
func FuzzOpen(f *testing.F) {
	for some := range slices.Chunk(bundled(f), 3) {
		front, back, err := pack.Seal(some)
		if err != nil {
			f.Fatal(err)
		}
		a, err := pack.Plain(front)
		if err != nil {
			f.Fatal(err)
		}
		b, err := pack.Plain(back)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a, b, 7, byte(3))
		if len(a) > 20_000 {
			break
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte, at int, to byte) {
		for _, half := range [][]byte{a, b} {
			if n := len(half); n > 0 {
				half[((at%n)+n)%n] ^= to
			}
		}
		front, back := pack.Compressed(a), pack.Compressed(b)
		tweets, err := pack.Open(front, back, nil)
		if err == nil {
			var ids []int64
			for _, x := range tweets {
				ids = append(ids, x.ID)
			}
			if _, err := pack.Payloads(front, ids); err != nil {
				t.Errorf("the whole opens, the front does not: %v", err)
			}
		}
	})
}
