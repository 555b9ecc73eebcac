package format_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birdwatch/ingest/format"
	"birdwatch/tweet"
)

// TestCaptureTimes: what the files tell of when their records were captured, and what holds where they do not.
func TestCaptureTimes(t *testing.T) {
	grabbed := func(at string) string {
		return `{"id":1,"text":"a","user":{"id":7},"created_at":"` + at + `"}` + "\n" + `{"delete":{"status":{"id":2,"user_id":7}}}` + "\n"
	}
	for _, tt := range []struct {
		file, in string
		want     string
	}{
		{"2011/09/28/02/35.json", grabbed("Wed Sep 28 02:35:59 +0000 2011"), "1317177359000 1317177300000"},
		{"2011/09/28/02/36.json", grabbed("Wed Sep 28 04:35:59 +0000 2011"), "1317177360000 1317177360000"}, // off by more than a grab can be
		{"20190703063900.json", grabbed("Wed Jul 03 06:38:59 +0000 2019"), "1562135939000 1562135940000"},
		{"20190703999900.json", grabbed("Wed Jul 03 06:38:59 +0000 2019"), "9 9"},
		{"a.json", grabbed("Wed Jul 03 06:38:59 +0000 2019"), "9 9"},
		{"stream.json", `{"id":1,"text":"a","user":{"id":7},"created_at":"Wed Jul 03 06:38:59 +0000 2019","timestamp_ms":"1562135939123"}` + "\n" + `{"delete":{"status":{"id":2},"timestamp_ms":"5"}}`, "1562135939123 5"},
		{"twarc.json", `{"data":[{"id":"1","text":"a"},{"id":"2","text":"b"}],"__twarc":{"retrieved_at":"2021-05-19T15:26:17+00:00"}}`, "1621437977000 1621437977000"},
	} {
		dir := folder(t, member{tt.file, []byte(tt.in)})
		var got []string
		for it := range format.Files(t.Context(), []string{dir}, format.Options{CapturedAt: 9}) {
			if it.Err != nil {
				t.Fatal(it.Err)
			}
			got = append(got, fmt.Sprint(it.Records[0].CapturedAt))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.file, got, tt.want)
		}
	}
	for name, want := range map[string]string{"twitter_stream_2019_07_03.tar": "1562135340000", "twitter-stream-2019-07-03.zip": "1562135340000", "x.tar": "9"} {
		inner := member{"03/06/29.json", []byte(`{"delete":{"status":{"id":2,"user_id":7}}}`)}
		data := tarred(t, inner)
		if strings.HasSuffix(name, "zip") {
			inner.name = "2019/07/03/06/29.json"
			data = zipped(t, inner)
		}
		for it := range format.Files(t.Context(), []string{folder(t, member{name, data})}, format.Options{CapturedAt: 9}) {
			if it.Err != nil || fmt.Sprint(it.Records[0].CapturedAt) != want {
				t.Errorf("%s: %+v, want %s", name, it, want)
			}
		}
	}
}

// TestDatesAsByTimeParse: dates of v1.1, and what is nearly one, are read as package time reads them.
func TestDatesAsByTimeParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "at"), 0).UTC()
		date := []byte(at.Format(time.RubyDate))
		if rapid.Bool().Draw(t, "spoilt") {
			date[rapid.IntRange(0, len(date)-1).Draw(t, "place")] = rapid.SampledFrom([]byte("0123456789 :+-JFMAmaSun")).Draw(t, "byte")
		}
		in, err := json.Marshal(map[string]any{"id": 1, "text": "a", "user": map[string]any{"id": 7}, "created_at": string(date)})
		if err != nil {
			t.Fatal(err)
		}
		recs, _, err := format.Parse(in, tweet.Provenance{}, 0)
		want, wrong := time.Parse(time.RubyDate, string(date))
		if year := want.UTC().Year(); wrong != nil || year < 1 || year > 9999 {
			if err == nil {
				t.Fatalf("%s: read as a date", date)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		p, err := tweet.Decode(recs[0].Payload)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Data.CreatedAt; got != want.UTC().Format(tweet.TimeLayout) {
			t.Fatalf("%s: %s, want %s", date, got, want)
		}
	})
}

// TestTimesBeyondAllYears: a time of the year 10000, in UTC, is none; the record is kept.
func TestTimesBeyondAllYears(t *testing.T) {
	for _, until := range []string{"9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00+01:00"} {
		raw := `{"data":{"id":"1212092628029698048","text":"a","author_id":"7","created_at":"2019-12-31T19:26:16.000Z","edit_controls":{"editable_until":"` + until + `","edits_remaining":5,"is_edit_eligible":true}}}`
		recs, _, err := format.Parse([]byte(raw), tweet.Provenance{}, 0)
		if err != nil || len(recs) != 1 {
			t.Fatalf("%s: %d records, %v", until, len(recs), err)
		}
	}
}

// TestFaultsCostARecord: a parser that panics ends nothing.
func TestFaultsCostARecord(t *testing.T) {
	it := format.ReadFaulty("{}")
	if it.Err == nil || strings.Contains(it.Err.Error(), "disco") || string(it.Raw) != "{}" || it.Records != nil {
		t.Errorf("%+v", it)
	}
}
