package format_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"

	"birdwatch/ingest/format"
	"birdwatch/ingest/sample"
	"birdwatch/tweet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func t1(id int) string { return fmt.Sprintf(`{"id":%d,"text":"a","user":{"id":7}}`, id) }

// told writes items down: "pos raw" of a record, "pos !error" of a bad one.
func told(items func(func(format.Item) bool)) string {
	var b strings.Builder
	for it := range items {
		switch {
		case it.Err != nil:
			fmt.Fprintf(&b, "%s%d !%v\n", prefix(it.File), it.Pos, it.Err)
		case it.Control != nil:
			fmt.Fprintf(&b, "%s%d %s\n", prefix(it.File), it.Pos, it.Control.Name)
		}
		for _, r := range it.Records {
			fmt.Fprintf(&b, "%s%d %s\n", prefix(r.Provenance.File), r.Provenance.Pos, r.Raw)
		}
	}
	return b.String()
}

func prefix(file string) string {
	if file == "" {
		return ""
	}
	return file + ":"
}

func TestRead(t *testing.T) {
	pretty := "{\r\n  \"id\": 5,\r\n  \"text\": \"a\",\r\n  \"entities\": {\"urls\": [\r\n  ]}\r\n}"
	for _, tt := range []struct{ name, in, want string }{
		{"lines", t1(1) + "\r\n\r\n" + t1(2) + "\n\n" + t1(3), "1 " + t1(1) + "\n3 " + t1(2) + "\n5 " + t1(3) + "\n"},
		{"blanks around a record", "  " + t1(1) + " \n\t" + t1(2) + "\n", "1 " + t1(1) + " \n2 " + t1(2) + "\n"},
		{"byte order mark", "\ufeff" + t1(1), "1 " + t1(1) + "\n"},
		{"delimited=length", "41\n" + t1(1) + "\r\n\r\n41\r\n" + t1(2) + "\r\n", "2 " + t1(1) + "\n5 " + t1(2) + "\n"},
		{"over several lines", pretty + "\r\n" + t1(2), "1 " + pretty + "\n7 " + t1(2) + "\n"},
		{"array", "[" + t1(1) + ", " + t1(2) + "\n,\n" + t1(3) + "]\n" + t1(4), "1 " + t1(1) + "\n2 " + t1(2) + "\n3 " + t1(3) + "\n4 " + t1(4) + "\n"},
		{"array of pretty ones", "[\n" + pretty + ",\r\n" + pretty + "]", "1 " + pretty + "\n2 " + pretty + "\n"},
		{"arrays as lines", "[" + t1(1) + "]\n[]\n[" + t1(2) + "]", "1 " + t1(1) + "\n2 " + t1(2) + "\n"},
		{"search", `{"search_metadata":{"count":2},"statuses":[` + t1(1) + ` , ` + pretty + `]}`, "1 " + t1(1) + "\n2 " + pretty + "\n"},
		{"premium over lines", "{\n\"results\": [\n" + t1(1) + ",\n" + t1(2) + "\n]}", "1 " + t1(1) + "\n2 " + t1(2) + "\n"},
		{"no tweets", `{"statuses":[]}`, ""},
		{"control", `{"limit":{"track":1}}`, "1 limit\n"},
		{"a line cut in a string", `{"id":1,"te` + "\n" + t1(2), "1 !not JSON: \"\\\"te\\n\" at byte 9\n2 " + t1(2) + "\n"},
		{"a line cut behind a comma", `{"id":1,` + "\n" + t1(2) + "\n" + t1(3), "1 !line 2: not JSON: \"{\\\"id\\\":2,\\\"text\\\":\\\"a\\\",\\\"\" at byte 1\n2 " + t1(2) + "\n3 " + t1(3) + "\n"},
		{"a broken one over lines", "{\n \"a\": 1,\n \"b\": x,\n \"c\": {\n }\n}\n" + t1(2), "1 !line 3: not JSON: \"x,\\n\" at byte 7\n7 " + t1(2) + "\n"},
		{"cut at the end", t1(1) + "\n" + `{"id":1,`, "1 " + t1(1) + "\n2 !not JSON: it ends before its end\n"},
		{"two on a line", t1(1) + t1(2) + "\n" + t1(3), "1 !not JSON: \"{\\\"id\\\":2,\\\"text\\\":\\\"a\\\",\\\"\" at byte 36\n2 " + t1(3) + "\n"},
		{"other lines", "hello\n\"x\"\n" + t1(2), "1 !not JSON: \"hello\" at byte 1\n2 !not a JSON object\n3 " + t1(2) + "\n"},
		{"a bad element", "[" + t1(1) + `,{"id":2,},` + t1(3) + "]", "1 " + t1(1) + "\n2 !not JSON: \"}\" at byte 9\n3 " + t1(3) + "\n"},
		{"an element cut in a string", "[\n" + t1(1) + ",\n{\"id\":2,\"te\n" + t1(3) + "\n]\n" + t1(4), "1 " + t1(1) + "\n2 !not JSON: the element of the array is broken\n3 " + t1(3) + "\n6 " + t1(4) + "\n"},
		{"a pretty element cut in a string", "[\n  {\n    \"id\n    \"x\": [\n      {\n      }\n    ]\n  },\n  " + t1(2) + "\n]\n", "1 !not JSON: the element of the array is broken\n2 " + t1(2) + "\n"},
		{"an array cut off", "[" + t1(1) + ",\n{\"id\":2", "1 " + t1(1) + "\n2 !the array is cut off\n"},
		{"nothing", "", ""},
		{"only keep-alives", "\r\n\r\n", ""},
	} {
		for way, r := range map[string]io.Reader{"": strings.NewReader(tt.in), " by bytes": iotest.OneByteReader(strings.NewReader(tt.in))} {
			if got := told(format.Read(t.Context(), r, format.Options{})); got != tt.want {
				t.Errorf("%s%s:\ngot\n%swant\n%s", tt.name, way, got, tt.want)
			}
		}
	}
}

// TestReadBounds: a record past the limit is an error, what follows it goes on; the length of an array or of its line is no matter.
func TestReadBounds(t *testing.T) {
	big := `{"id":1,"text":"` + strings.Repeat("x", format.MaxRecord) + `"}`
	want := fmt.Sprintf("1 !the record is longer than %d bytes\n2 %s\n", format.MaxRecord, t1(2))
	if got := told(format.Read(t.Context(), strings.NewReader(big+"\n"+t1(2)), format.Options{})); got != want {
		t.Errorf("got %.300s", got)
	}
	lines := "{\n" + strings.Repeat(" \"a\": [\n ],\n", format.MaxRecord/12+1)
	want = fmt.Sprintf("1 !the record is longer than %d bytes\n", format.MaxRecord)
	if got := told(format.Read(t.Context(), strings.NewReader(lines+"\n"+t1(2)), format.Options{})); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, t1(2)+"\n") {
		t.Errorf("got %.300s", got)
	}
	want = fmt.Sprintf("1 !an element of the array is longer than %d bytes\n2 %s\n", format.MaxRecord, t1(2))
	if got := told(format.Read(t.Context(), strings.NewReader("[\n"+big+",\n"+t1(2)+"]"), format.Options{})); got != want {
		t.Errorf("got %.300s", got)
	}
	element := `{"id":1,"text":"` + strings.Repeat("x", 1000) + `"},`
	n := 0
	for it := range format.Read(t.Context(), strings.NewReader("["+strings.Repeat(element, 2*format.MaxRecord/1000)+t1(2)+"]"), format.Options{}) {
		if it.Err != nil {
			t.Fatal(it.Err)
		}
		n++
	}
	if want := 2*format.MaxRecord/1000 + 1; n != want {
		t.Errorf("%d elements of a long line, want %d", n, want)
	}
}

// TestReadFails: what came before an error of the reader counts.
func TestReadFails(t *testing.T) {
	r := io.MultiReader(strings.NewReader(t1(1)+"\n"+`{"id":2,`), iotest.ErrReader(errors.New("gone")))
	if got, want := told(format.Read(t.Context(), r, format.Options{})), "1 "+t1(1)+"\n1 !after line 1: gone\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestReadStops: goroutines end with the consumer (TestMain looks), and a reader that waits does not hold up the end of ctx.
func TestReadStops(t *testing.T) {
	input := strings.Repeat(t1(1)+"\n", 10_000)
	for range format.Read(t.Context(), strings.NewReader(input), format.Options{}) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	defer pw.Close()
	const whole = 640 // records that make whole pieces of work: they come though the reader waits
	go func() { _, _ = io.WriteString(pw, strings.Repeat(t1(1)+"\n", whole)) }()
	n := 0
	for range format.Read(ctx, pr, format.Options{}) {
		if n++; n == whole {
			cancel()
		}
	}
	if cancel(); n != whole {
		t.Errorf("%d records, want %d", n, whole)
	}
}

// TestReadMemory: a line without end is not kept.
func TestReadMemory(t *testing.T) {
	const size = 256 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	input := io.MultiReader(strings.NewReader("{"), io.LimitReader(endless{}, size), strings.NewReader("\n"+t1(2)))
	got := told(format.Read(t.Context(), input, format.Options{}))
	runtime.ReadMemStats(&after)
	if !strings.HasSuffix(got, "2 "+t1(2)+"\n") {
		t.Errorf("got %.200q", got)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > size/2 {
		t.Errorf("%d bytes were allocated for a line of %d", used, size)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestReadOptions: what the options say is in every record.
func TestReadOptions(t *testing.T) {
	o := format.Options{From: "ingest", CapturedAt: 12}
	for it := range format.Read(t.Context(), strings.NewReader(t1(1)), o) {
		if r := it.Records[0]; r.CapturedAt != 12 || r.Provenance != (tweet.Provenance{From: "ingest", Pos: 1}) {
			t.Errorf("%+v", r)
		}
	}
}

// FuzzRead: no input breaks the reader, records keep their promises, and their raws stand in the input in order.
func FuzzRead(f *testing.F) {
	f.Add([]byte(t1(1) + "\r\n\n41\n" + t1(2)))
	f.Add([]byte("[\n " + t1(1) + ",\n{\"id\n ," + t1(2) + "]\n{\"results\":[" + t1(3) + "]}"))
	f.Add([]byte("{\n\"id\":1,\n\"text\":\"a\"}\n{\n{" + t1(2)))
	n := 0
	for line := range sample.Lines() {
		if n++; n%60 == 0 {
			f.Add(append([]byte("["), line...))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rest := b
		for it := range format.Read(t.Context(), bytes.NewReader(b), format.Options{}) {
			for _, r := range it.Records {
				checkRecord(t, r.Raw, r)
				at := bytes.Index(rest, r.Raw)
				if at < 0 || len(r.Raw) == 0 {
					t.Fatalf("raw %q is not what came", r.Raw)
				}
				if rest = rest[at+1:]; r.Provenance.Pos < 1 {
					t.Errorf("position %d", r.Provenance.Pos)
				}
			}
		}
	})
}
