package tweet_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"birdwatch/tweet"

	"pgregory.net/rapid"
)

func decode(t fataler, b []byte) *tweet.Payload {
	t.Helper()
	p, err := tweet.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func asJSON(t fataler, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// anyPayload is a payload with every field there is, each now and then absent. Slices and what is pointed to are
// absent or have something in them, as the door makes them.
func anyPayload(t *rapid.T) *tweet.Payload {
	p := new(tweet.Payload)
	fill(t, reflect.ValueOf(p).Elem(), 0)
	if p.Data.ID == 0 {
		p.Data.ID = 1
	}
	return p
}

var texts = rapid.OneOf(
	rapid.SampledFrom([]string{"", "<b>&amp;\u2028\u2029\x00\x1f\x7f\"\\/", "日本👩🏽‍💻", "é\u0301"}),
	rapid.String(),
)

func fill(t *rapid.T, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts.Draw(t, "string"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Min(0)).Draw(t, "int"))
	case reflect.Float64:
		v.SetFloat(rapid.OneOf(rapid.SampledFrom([]float64{0, -122.40061283, 1e21, 1e-7, 37.78215, 0.1}), rapid.Float64Range(-180, 180)).Draw(t, "float"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), depth+1)
		}
	case reflect.Pointer:
		if depth < 7 && rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), depth+1)
		}
	case reflect.Slice:
		if n := rapid.IntRange(0, 2).Draw(t, "length"); n > 0 && depth < 7 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(t, v.Index(i), depth+1)
			}
		}
	default:
		t.Fatalf("a field of kind %s", v.Kind())
	}
}

func TestEncodeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPayload(t)
		b, err := tweet.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(b) {
			t.Fatalf("not JSON: %s", b)
		}
		q := decode(t, b)
		if !reflect.DeepEqual(p, q) {
			t.Fatalf("%s came back as %s", asJSON(t, p), asJSON(t, q))
		}
		if again, err := tweet.Encode(q); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%v\nfirst  %s\nsecond %s", err, b, again)
		}
	})
}

// TestEncodeAsTheStandardLibrary: the payload means the same to both encoders, whichever reads what the other wrote.
func TestEncodeAsTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPayload(t)
		ours, err := tweet.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		theirs := []byte(asJSON(t, p))
		var a, b any
		if json.Unmarshal(ours, &a) != nil || json.Unmarshal(theirs, &b) != nil || !reflect.DeepEqual(a, b) {
			t.Fatalf("ours   %s\ntheirs %s", ours, theirs)
		}
		var q tweet.Payload
		if err := json.Unmarshal(ours, &q); err != nil || !reflect.DeepEqual(p, &q) {
			t.Fatalf("the standard library reads %s as %s: %v", ours, asJSON(t, &q), err)
		}
		if q := decode(t, theirs); !reflect.DeepEqual(p, q) {
			t.Fatalf("%s is read as %s", theirs, asJSON(t, q))
		}
	})
}

// TestEncodeBadText: what is no UTF-8 is replaced, so that the payload is JSON and comes back the same.
func TestEncodeBadText(t *testing.T) {
	p := &tweet.Payload{Data: tweet.Tweet{ID: 1, Text: "a\xff\xc3b\xed\xa0\x80c\xe2\x82"}}
	b, err := tweet.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	q := decode(t, b)
	if want := strings.ToValidUTF8(string([]rune(p.Data.Text)), "\ufffd"); q.Data.Text != want {
		t.Errorf("text came back as %q, want %q, from %q", q.Data.Text, want, b)
	}
	if again, err := tweet.Encode(q); err != nil || !bytes.Equal(again, b) {
		t.Errorf("%v: %q, then %q", err, b, again)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, s := range []string{``, `null`, `{}`, `{"data":{}}`, `{"data":{"id":"0"}}`, `{"data":{"id":"-4"}}`, `{"data":{"id":"x"}}`,
		`{"data":{"id":"1"`, `[]`, `{"data":{"id":"9223372036854775808"}}`, `{"data":{"id":"1","text":4}}`} {
		if p, err := tweet.Decode([]byte(s)); err == nil {
			t.Errorf("%s was read as %+v", s, p)
		}
	}
}

func TestIDsTravelAsStrings(t *testing.T) {
	p := &tweet.Payload{Data: tweet.Tweet{ID: 1<<62 + 1, AuthorID: 1<<53 + 1}, Includes: &tweet.Includes{Users: []tweet.User{{Username: "ada"}}}}
	b, err := tweet.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"data":{"id":"4611686018427387905","text":"","author_id":"9007199254740993"},"includes":{"users":[{"username":"ada"}]}}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

// FuzzDecode: bytes that are read at all are read the same after Encode.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"data":{"id":"1","text":"a","author_id":"2","geo":{"coordinates":{"type":"Point","coordinates":[1.5,2]}}}}`))
	f.Add([]byte(`{"data":{"id":"20","text":"just \u0026amp; \ud83d\ude00","public_metrics":{"like_count":3}},"includes":{"users":[{"id":"12","username":"jack"}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := tweet.Decode(b)
		if err != nil {
			return
		}
		first, err := tweet.Encode(p)
		if err != nil {
			return // a number that JSON cannot say
		}
		second, err := tweet.Encode(decode(t, first))
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%v\nfirst  %s\nsecond %s", err, first, second)
		}
	})
}

func TestPayloadLookups(t *testing.T) {
	p := &tweet.Payload{
		Data: tweet.Tweet{ID: 1, ReferencedTweets: []tweet.Reference{{Type: "retweeted", ID: 2}, {Type: "quoted", ID: 3}}},
		Includes: &tweet.Includes{
			Users:  []tweet.User{{ID: 8, Username: "ada"}, {Username: "bob"}},
			Tweets: []tweet.Tweet{{ID: 2}, {ID: 3}, {ID: 1}},
		},
	}
	if p.User(8).Username != "ada" || p.User(9) != nil || p.User(0) != nil || (&tweet.Payload{}).User(8) != nil {
		t.Error("User")
	}
	if p.Included(3) != &p.Includes.Tweets[1] || p.Included(4) != nil || (&tweet.Payload{}).Included(3) != nil {
		t.Error("Included")
	}
	if p.Data.Ref("quoted") != 3 || p.Data.Ref("replied_to") != 0 {
		t.Error("Ref")
	}
	if got, want := fmt.Sprint(p.Copies()), "[{2 0 true} {3 0 false}]"; got != want {
		t.Errorf("Copies %s, want %s", got, want)
	}
	q := p.Without(2)
	if q.Included(2) != nil || q.Included(3) == nil || p.Included(2) == nil || p.Without(7) != p {
		t.Error("Without")
	}
}

// TestWithoutAttachments: media, polls and places go with the copy that had them, but for those that another tweet there has too.
func TestWithoutAttachments(t *testing.T) {
	gone := tweet.Tweet{ID: 2, Text: "gone", Attachments: &tweet.Attachments{MediaKeys: []string{"m1", "m2"}, PollIDs: []string{"o1"}}, Geo: &tweet.Geo{PlaceID: "p1"},
		Entities:  &tweet.Entities{URLs: []tweet.URL{{MediaKey: "m3"}, {URL: "u"}}},
		NoteTweet: &tweet.NoteTweet{Text: "gone", Entities: &tweet.Entities{URLs: []tweet.URL{{MediaKey: "m4"}}}}}
	p := &tweet.Payload{
		Data: tweet.Tweet{ID: 1, Text: "own", Attachments: &tweet.Attachments{MediaKeys: []string{"m2"}}, ReferencedTweets: []tweet.Reference{{Type: "quoted", ID: 2}}},
		Includes: &tweet.Includes{
			Users:  []tweet.User{{ID: 8, Username: "ada"}},
			Tweets: []tweet.Tweet{gone, {ID: 3, Geo: &tweet.Geo{PlaceID: "p2"}, Attachments: &tweet.Attachments{PollIDs: []string{"o2"}}}},
			Media:  []tweet.Media{{MediaKey: "m1"}, {MediaKey: "m2"}, {MediaKey: "m3"}, {MediaKey: "m4"}, {MediaKey: "nobody's"}},
			Polls:  []tweet.Poll{{ID: "o1"}, {ID: "o2"}},
			Places: []tweet.Place{{ID: "p1"}, {ID: "p2"}},
		},
	}
	before := asJSON(t, p)
	want := `{"data":{"id":"1","text":"own","referenced_tweets":[{"type":"quoted","id":"2"}],"attachments":{"media_keys":["m2"]}},"includes":{"users":[{"id":"8","username":"ada"}],` +
		`"tweets":[{"id":"3","text":"","attachments":{"poll_ids":["o2"]},"geo":{"place_id":"p2"}}],"media":[{"media_key":"m2","type":""},{"media_key":"nobody's","type":""}],` +
		`"places":[{"id":"p2","full_name":""}],"polls":[{"id":"o2"}]}}`
	if got := asJSON(t, p.Without(2)); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if asJSON(t, p) != before {
		t.Error("the argument changed")
	}
}
