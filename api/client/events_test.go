package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"birdwatch/api/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReadEvents(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     []client.Event
	}{
		{"one", "data: a\n\n", []client.Event{{Name: "message", Data: "a"}}},
		{"lines of data", "data: a\ndata\ndata:  b\n\n", []client.Event{{Name: "message", Data: "a\n\n b"}}},
		{"all ends of lines", "data: a\r\rdata: b\r\n\r\ndata: c\n\n", []client.Event{{Name: "message", Data: "a"}, {Name: "message", Data: "b"}, {Name: "message", Data: "c"}}},
		{"byte order mark", "\uFEFFdata: a\n\n", []client.Event{{Name: "message", Data: "a"}}},
		{"comments and unknown fields", ": hello\ndata: a\nsize: 3\n: more\n\n:\n\n", []client.Event{{Name: "message", Data: "a"}}},
		{"name holds for one", "event: x\ndata: a\n\ndata: b\n\n", []client.Event{{Name: "x", Data: "a"}, {Name: "message", Data: "b"}}},
		{"id stays", "id: 7\ndata: a\n\ndata: b\n\n", []client.Event{{ID: "7", Name: "message", Data: "a"}, {ID: "7", Name: "message", Data: "b"}}},
		{"id alone", "id: 7\n\n", []client.Event{{ID: "7"}}},
		{"id with NUL", "id: 7\x00\ndata: a\n\n", []client.Event{{Name: "message", Data: "a"}}},
		{"no data is no event", "event: x\n\ndata: a\n\n", []client.Event{{Name: "message", Data: "a"}}},
		{"cut off", "data: a\n\ndata: b\n", []client.Event{{Name: "message", Data: "a"}}},
		{"nothing", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := read(t, test.in, false); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
	var waits []time.Duration
	for range client.ReadEvents(strings.NewReader("retry: 20\n\nretry: 3x\n\nretry:\n\nretry: -1\n\n"), func(d time.Duration) { waits = append(waits, d) }) {
	}
	if len(waits) != 1 || waits[0] != 20*time.Millisecond {
		t.Errorf("retry: %v", waits)
	}
}

// TestCRIsNotWaitedFor: an event is there as soon as its last byte is.
func TestCRIsNotWaitedFor(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	go w.Write([]byte("data: a\r\r"))
	for e := range client.ReadEvents(r, nil) {
		if e.Data != "a" {
			t.Errorf("%+v", e)
		}
		return
	}
}

func read(t *testing.T, in string, byByte bool) (es []client.Event) {
	t.Helper()
	r := iotest.DataErrReader(strings.NewReader(in))
	if byByte {
		r = iotest.OneByteReader(strings.NewReader(in))
	}
	for e, err := range client.ReadEvents(r, nil) {
		if err != nil {
			t.Fatal(err)
		}
		es = append(es, e)
	}
	return es
}

// FuzzReadEvents: how a stream is cut into reads changes nothing, and what is read can be written and read again.
func FuzzReadEvents(f *testing.F) {
	for _, s := range []string{"data: a\n\n", "id: 1\r\nevent: x\rdata:b\r\n\r\n", "\uFEFFdata\n\n", ": c\nretry: 5\n\nid\n\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := read(t, in, false)
		if bit := read(t, in, true); !reflect.DeepEqual(got, bit) {
			t.Fatalf("whole %+v, by the byte %+v", got, bit)
		}
		var again strings.Builder
		for _, e := range got {
			fmt.Fprintf(&again, "id: %s\n", e.ID)
			if e.Name != "" {
				fmt.Fprintf(&again, "event: %s\ndata: %s\n", e.Name, strings.ReplaceAll(e.Data, "\n", "\ndata: "))
			}
			again.WriteByte('\n')
		}
		if twice := read(t, again.String(), false); !reflect.DeepEqual(got, twice) {
			t.Fatalf("got %+v, written and read %+v", got, twice)
		}
	})
}

// script answers one connection after the other, and notes with which id each came.
type script struct {
	t       *testing.T
	answers []func(http.ResponseWriter)
	ids     []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(s.ids) >= len(s.answers) {
		s.t.Error("it came once too often")
		return
	}
	s.ids = append(s.ids, r.Header.Get("Last-Event-ID"))
	s.answers[len(s.ids)-1](w)
}

func says(body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, body)
	}
}

func refuses(status int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"status":%d,"detail":"no","position":{"pos":3,"end":4,"message":"odd","hint":"even"}}`, status)
	}
}

func tail(t *testing.T, ctx context.Context, answers ...func(http.ResponseWriter)) (names, ids []string, err error) {
	t.Helper()
	s := &script{t: t, answers: answers}
	server := httptest.NewServer(s)
	defer server.Close()
	c := client.New(server.URL+"/", "token")
	defer c.Close()
	for e, fault := range c.Tail(ctx, url.Values{"query": {"bird"}}, nil) {
		if err = fault; err == nil {
			names = append(names, e.Name+" "+e.Data)
		}
	}
	return names, s.ids, err
}

func TestTailGoesOn(t *testing.T) {
	names, ids, err := tail(t, t.Context(),
		says("retry: 10\n\nid: e-1\ndata: one\n\nid: e-2\ndata: two\n\nid: e-3\n\ndata: cut of"),
		says("retry: 10\nevent: bye\ndata: {}\n\n"),
		says("id: e-4\nevent: end\ndata: {}\n\nid: e-5\ndata: after the end\n\n"))
	if want := []string{"message one", "message two", "bye {}", "end {}"}; err != nil || !reflect.DeepEqual(names, want) {
		t.Errorf("%v %q", err, names)
	}
	if want := []string{"", "e-3", "e-3"}; !reflect.DeepEqual(ids, want) {
		t.Errorf("it came with %q", ids)
	}
}

func TestTailStops(t *testing.T) {
	if _, _, err := tail(t, t.Context(), refuses(400)); err == nil || err.Error() != "odd (at position 4): even" {
		t.Errorf("a bad query: %v", err)
	}
	if _, ids, err := tail(t, t.Context(), says("retry: 10\nid: e-1~end\n\n"), func(w http.ResponseWriter) { w.WriteHeader(204) }); err != nil || len(ids) != 2 {
		t.Errorf("over: %v %q", err, ids)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, _, err := tail(t, ctx, func(w http.ResponseWriter) { refuses(503)(w); cancel() }); err != nil {
		t.Errorf("cancelled: %v", err)
	}
}
