package format_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"birdwatch/ingest/format"
	"birdwatch/tweet"
)

// rowsOf reads a table and writes down each row: author, time, text, what of the figures is there.
func rowsOf(t *testing.T, in string, o format.Options) string {
	t.Helper()
	var b strings.Builder
	for it := range format.Read(t.Context(), strings.NewReader(in), o) {
		switch {
		case it.Err != nil:
			fmt.Fprintf(&b, "%d !%v\n", it.Pos, it.Err)
		case it.Reference != 0:
			fmt.Fprintf(&b, "%d -> %d\n", it.Pos, it.Reference)
		}
		for _, r := range it.Records {
			checkRecord(t, r.Raw, r)
			d := &r.Tweet.Data
			name := "?"
			if r.Tweet.Includes != nil {
				name = r.Tweet.Includes.Users[0].Username
			}
			fmt.Fprintf(&b, "%d %d %s %d %s %q", it.Pos, d.ID, name, d.AuthorID, strings.TrimSuffix(d.CreatedAt, ".000Z"), d.Text)
			if m := d.PublicMetrics; m != nil {
				fmt.Fprintf(&b, " %d/%d/%d/%d", m.RetweetCount, m.LikeCount, m.ReplyCount, m.QuoteCount)
			}
			for _, x := range d.ReferencedTweets {
				fmt.Fprintf(&b, " %s:%d", x.Type, x.ID)
			}
			if d.Geo != nil && d.Geo.Coordinates != nil {
				fmt.Fprintf(&b, " %v", d.Geo.Coordinates.Coordinates)
			}
			if r.CapturedAt != 0 {
				fmt.Fprintf(&b, " at %d", r.CapturedAt)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// TestTables: headers of known collections, and the ways in which programs spoil values.
func TestTables(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a politician's, American dates, id in the address", "created_at,text,url,replies,retweets,favorites,user\n10/23/17 12:30,\"a, \"\"b\"\"\",https://twitter.com/realDonaldTrump/status/922440008971292672,1,2,3,realDonaldTrump\n",
			`2 922440008971292672 realDonaldTrump 0 2017-10-23T12:30:10 "a, \"b\"" 2/3/1/0` + "\n"},
		{"information operations", "tweetid,userid,user_display_name,user_screen_name,tweet_language,tweet_text,tweet_time,tweet_client_name,in_reply_to_tweetid,quoted_tweet_tweetid,retweet_tweetid,latitude,longitude,quote_count,reply_count,like_count,retweet_count\n" +
			"877919995476496385,249064136,N,absent,en,x,2017-06-22 16:03,App,5,6,7,50.1,8.7,1,2,3,4\n",
			`2 877919995476496385 absent 249064136 2017-06-22T16:03:32 "x" 4/3/2/1 replied_to:5 quoted:6 retweeted:7 [8.7 50.1]` + "\n"},
		{"R: ids with an x, NA for none", "\"user_id\",\"status_id\",\"created_at\",\"screen_name\",\"text\",\"reply_to_status_id\",\"favorite_count\"\n\"x7\",\"x901656910939770881\",\"2017-08-27T00:05:34Z\",\"ada\",\"NA\",NA,NA\n",
			`2 901656910939770881 ada 7 2017-08-27T00:05:34 "NA"` + "\n"},
		{"a zone that is not told", "id,date,tweet,username\n901656910939770881,2017-08-27 00:05:34,x,@ada\n", `2 901656910939770881 ada 0 2017-08-27T04:05:34 "x"` + "\n"},
		{"day before month, told by the id", "id;datetime;text\n901656910939770881;27/8/2017 01:05;x\n922440008971292672;23.10.2017 14:30;y\n",
			"2 901656910939770881 ? 0 2017-08-27T04:05:34 \"x\"\n3 922440008971292672 ? 0 2017-10-23T12:30:10 \"y\"\n"},
		{"an old id, no date, Unix time", "id\ttext\ttimestamp\n20\tx\t\n21\ty\t1142974214\n", "2 20 ? 0  \"x\"\n3 21 ? 0 2006-03-21T20:50:14 \"y\"\n"},
		{"tabs, CRLF, a row over lines", "id\ttext\tlang\r\n1\t\"a\r\nb\"\ten\r\n2\tc \"d\"\ten\r\n", "2 1 ? 0  \"a\\nb\"\n4 2 ? 0  \"c \\\"d\\\"\"\n"},
		{"rounded ids", "id,text,permalink\n9.01657E+17,x,https://x.com/ada/status/901656910939770881\n9.01657E+17,y,\n5.0,z,\n,w,\n", "2 901656910939770881 ada 0 2017-08-27T04:05:34 \"x\"\n" +
			"3 !the id \"9.01657E+17\" has lost its last digits: a column with the tweet's address, or a file that no spreadsheet has saved, would have them\n4 5 ? 0  \"z\"\n5 !the tweet's id is missing\n"},
		{"a row that is short, a bad date, no text", "id,text,date\n1,x\n2,x,someday\n3,,\n4,ok,\n",
			"2 !the row has 2 values, the table has 3 columns\n3 !\"someday\" is no date, as 2018-10-10 20:19:24 is\n4 !the text is empty\n5 4 ? 0  \"ok\"\n"},
		{"no column that names tweets", "text,date\nx,2017-01-01\n", "1 !no column has the id or the address of the tweets: a map of columns to fields would say which; the columns are text,date\n"},
		{"no texts: references", "tweet_id\tdate\tlang\n5\t2020\ten\nx\t\t\n", "2 -> 5\n3 !the tweet's id is missing\n"},
		{"a single column", "tweet_id\n901656910939770881\n", "2 -> 901656910939770881\n"},
		{"a quote that is never closed costs one line", "id,text\n1,\"x\n2,y\n3,z", "2 !a quote is opened and not closed within 1048576 bytes\n3 2 ? 0  \"y\"\n4 3 ? 0  \"z\"\n"},
	} {
		if got := rowsOf(t, tt.in, format.Options{}); got != tt.want {
			t.Errorf("%s:\ngot\n%swant\n%s", tt.name, got, tt.want)
		}
	}
	const rows = 60_000 // more than a row may be long
	got := rowsOf(t, "id,text\n1,\"x\n"+strings.Repeat("2,some words of a text\n", rows), format.Options{})
	if !strings.HasPrefix(got, "2 !a quote is opened") || strings.Count(got, "\n") != rows+1 || !strings.HasSuffix(got, fmt.Sprintf("%d 2 ? 0  \"some words of a text\"\n", rows+2)) {
		t.Errorf("a quote that is never closed, far before the end: %d rows, %.200s … %s", strings.Count(got, "\n"), got, tail(got))
	}
}

func TestTableOptions(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		o              format.Options
	}{
		{"columns by name", "nr,wann,was\n5,2017-01-01,x\n", "2 5 ? 0 2017-01-01T00:00:00 \"x\"\n", format.Options{Map: map[string]string{"nr": "id", "was": "text", "wann": "created_at"}}},
		{"columns by number", `"0","1467810369","Mon Apr 06 22:19:45 PDT 2009","NO_QUERY","ada","x"` + "\n", "1 1467810369 ada 0 2009-04-06T22:19:45 \"x\"\n",
			format.Options{Map: map[string]string{"2": "id", "3": "created_at", "5": "username", "6": "text"}}},
		{"a column that is not what it seems", "id,text,date\n5,x,nonsense\n", "2 5 ? 0  \"x\"\n", format.Options{Map: map[string]string{"date": "-"}}},
		{"what is said beats what is guessed", "id,text,what\n5,x,y\n", "2 5 ? 0  \"y\"\n", format.Options{Map: map[string]string{"what": "text"}}},
		{"a character set", "id,text\n5,\x83\x65\x83\x58\n", "2 5 ? 0  \"テス\"\n", format.Options{Charset: "shift_jis"}},
	} {
		if err := tt.o.Check(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := rowsOf(t, tt.in, tt.o); got != tt.want {
			t.Errorf("%s:\ngot\n%swant\n%s", tt.name, got, tt.want)
		}
	}
	for want, o := range map[string]format.Options{
		`format "xml" is none of json, csv, ids, export`: {Format: "xml"}, `column "a" cannot be "b": the fields are -, id, url, text`: {Map: map[string]string{"a": "b"}},
		`character set "x" is not known`: {Charset: "x"},
	} {
		if err := o.Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
}

// TestTableEncodings: Windows, an old Mac's spreadsheet, UTF-16 with and without its mark. Raw is what the file has.
func TestTableEncodings(t *testing.T) {
	wide := func(s string, big bool) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			if big {
				b = append(b, byte(u>>8), byte(u))
			} else {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		return string(b)
	}
	const head = "id,text\n"
	for name, tt := range map[string]struct{ in, raw, text string }{
		"windows-1252": {head + "5,\x93caf\xe9\x94\n", "5,\x93caf\xe9\x94", "“café”"},
		"a Mac's":      {head + "5,he\x89\xdb\xaas \x89\xdb\xcfx\x89\xdb\x9d\n", "5,he\x89\xdb\xaas \x89\xdb\xcfx\x89\xdb\x9d", "he’s “x”"},
		"UTF-8, mark":  {"\xEF\xBB\xBF" + head + "5,é\n", "5,é", "é"},
		"UTF-16":       {"\xFF\xFE" + wide(head+"5,é😀\n", false), wide("5,é😀", false), "é😀"},
		"UTF-16 big":   {"\xFE\xFF" + wide(head+"5,é😀\n", true), wide("5,é😀", true), "é😀"},
		"UTF-16 bare":  {wide(head+"5,é😀\n", false), wide("5,é😀", false), "é😀"},
	} {
		n := 0
		for it := range format.Read(t.Context(), strings.NewReader(tt.in), format.Options{}) {
			if n++; it.Err != nil || len(it.Records) != 1 {
				t.Errorf("%s: %v", name, it.Err)
				continue
			}
			if r := it.Records[0]; r.Tweet.Data.Text != tt.text || string(r.Raw) != tt.raw {
				t.Errorf("%s: %q, raw %q", name, r.Tweet.Data.Text, r.Raw)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d items", name, n)
		}
	}
	var json []byte
	for it := range format.Read(t.Context(), strings.NewReader("\xFF\xFE"+wide(t1(5)+"\r\n"+t1(6), false)), format.Options{}) {
		if it.Err != nil {
			t.Fatal(it.Err)
		}
		json = append(json, it.Records[0].Raw...)
	}
	if want := wide(t1(5)+t1(6), false); string(json) != want {
		t.Errorf("JSON in UTF-16: raw %q", json)
	}
}

// TestTwarcTable: a table that twarc-csv made of a flattened tweet gives that tweet.
func TestTwarcTable(t *testing.T) {
	in := "id,conversation_id,referenced_tweets.replied_to.id,author_id,in_reply_to_user_id,created_at,text,lang,possibly_sensitive,public_metrics.like_count,public_metrics.retweet_count,entities.hashtags,author.id,author.username,author.name,author.public_metrics.followers_count,author.verified,__twarc.retrieved_at\n" +
		`5,3,3,7,8,2021-04-08T19:34:16.000Z,"[a] #b",en,True,2,1,"[{""start"": 4, ""end"": 6, ""tag"": ""b""}]",7,ada,Ada,12,False,2021-04-08T19:34:32+00:00` + "\n"
	want := `{"data":{"id":"5","text":"[a] #b","edit_history_tweet_ids":["5"],"author_id":"7","created_at":"2021-04-08T19:34:16.000Z","conversation_id":"3","in_reply_to_user_id":"8","referenced_tweets":[{"type":"replied_to","id":"3"}],"entities":{"hashtags":[{"start":4,"end":6,"tag":"b"}]},"lang":"en","possibly_sensitive":true,"public_metrics":{"retweet_count":1,"reply_count":0,"like_count":2,"quote_count":0}},"includes":{"users":[{"id":"7","name":"Ada","username":"ada","public_metrics":{"followers_count":12,"following_count":0,"tweet_count":0,"listed_count":0}}]}}`
	n := 0
	for it := range format.Read(t.Context(), strings.NewReader(in), format.Options{}) {
		if n++; it.Err != nil {
			t.Fatal(it.Err)
		}
		r := it.Records[0]
		if string(r.Payload) != canonical(t, want) || r.CapturedAt != 1617910472000 || r.Partial {
			t.Errorf("captured %d, partial %t:\ngot  %s\nwant %s", r.CapturedAt, r.Partial, r.Payload, canonical(t, want))
		}
	}
	if n != 1 {
		t.Errorf("%d items", n)
	}
}

func TestReferences(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		want []tweet.ID
	}{
		"ids":             {"901656910939770881\r\n\n901656917281574912\n20", []tweet.ID{901656910939770881, 901656917281574912, 20}},
		"one":             {"20", []tweet.ID{20}},
		"quoted":          {"\"5\",\n\"6\"\n", []tweet.ID{5, 6}},
		"addresses":       {"https://twitter.com/ada/status/5?s=20\nx.com/ada/statuses/6\nhttps://twitter.com/i/web/status/7\n", []tweet.ID{5, 6, 7}},
		"small, not JSON": {"41\n42\n43\n", []tweet.ID{41, 42, 43}},
	} {
		var got []tweet.ID
		for it := range format.Read(t.Context(), strings.NewReader(tt.in), format.Options{}) {
			if got = append(got, it.Reference); it.Err != nil || len(it.Records) > 0 {
				t.Errorf("%s: %v %v", name, it.Err, it.Records)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	if got := told(format.Read(t.Context(), strings.NewReader("5\nx\n99999999999999999999\n"), format.Options{Format: "ids"})); got != "2 !\"x\" is neither the id of a tweet nor its address\n3 !\"99999999999999999999\" is neither the id of a tweet nor its address\n" {
		t.Errorf("bad ids: %s", got)
	}
}

// FuzzTable: no table breaks the reader, and raws stand in it in order.
func FuzzTable(f *testing.F) {
	f.Add([]byte("id,text,created_at\n5,\"a\nb\",10/23/17 12:30\n6,c,\n"), "")
	f.Add([]byte("tweet_id;full_text;lat;lon\n\"5\";\"a\"\"b\";1;2\n\"6;x\n7;y;1;2"), "shift_jis")
	f.Add([]byte("author.username,id,text,entities.urls,referenced_tweets.quoted.id\nada,5,x,[{\"\"},6\n"), "")
	f.Add([]byte("1\n2\nhttps://x.com/a/status/3"), "")
	formats := slices.Sorted(maps.Keys(map[string]bool{"csv": true, "ids": true, "": true}))
	f.Fuzz(func(t *testing.T, b []byte, charset string) {
		for _, name := range formats {
			rest := b
			for it := range format.Read(t.Context(), bytes.NewReader(b), format.Options{Format: name, Charset: charset, Map: map[string]string{"a": "id", "b": "text"}}) {
				for _, r := range it.Records {
					checkRecord(t, r.Raw, r)
					at := bytes.Index(rest, r.Raw)
					if at < 0 && len(b) > 1 && b[0] != 0 && b[1] != 0 && b[0] < 0xFE {
						t.Fatalf("raw %q is not what came", r.Raw)
					}
					if at >= 0 && len(r.Raw) > 0 {
						rest = rest[at+1:]
					}
				}
				if it.Err != nil && len(it.Err.Error()) > 500 {
					t.Errorf("error of %d bytes", len(it.Err.Error()))
				}
			}
		}
	})
}
