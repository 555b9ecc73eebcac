package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"birdwatch/api"
)

// ledger has ten gaps of a minute each, an hour apart, and repeats what it was asked.
type ledger struct{}

func (ledger) Spans(_ context.Context, r api.CoverageRequest) ([]api.CoverageSpan, error) {
	var spans []api.CoverageSpan
	for i := range 10 {
		begin := fmt.Sprintf("2024-05-01T%02d:00:00.000Z", i)
		if int64(i) > r.AfterID || r.AfterID == 0 {
			spans = append(spans, api.CoverageSpan{ID: int64(i), Source: r.Source, Kind: strings.Join(r.Kinds, "+"), Start: begin,
				Note: fmt.Sprint(r.Start.Unix(), r.End.Unix(), r.AfterTime, r.Neighbors)})
		}
	}
	return spans[:min(len(spans), r.Limit)], nil
}

func (ledger) Imported(_ context.Context, i api.CoverageImport) error {
	if len(i.Files) == 0 {
		return &api.InputError{Message: "no files"}
	}
	return nil
}

// streams has one source, a.
type streams struct{}

func (streams) Sources(context.Context) []api.SourceState {
	return []api.SourceState{{Name: "a", Kind: "v1.1", State: "connected"}}
}

func (streams) Change(_ context.Context, name string, body []byte) (api.SourceState, error) {
	switch {
	case name != "a":
		return api.SourceState{}, fmt.Errorf("inner: %w", api.ErrNoSource)
	case string(body) == "bad":
		return api.SourceState{}, &api.InputError{Message: "it is bad"}
	case string(body) == "refuse":
		return api.SourceState{}, fmt.Errorf("inner: %w", &api.SourceError{Message: "the server answered 406"})
	}
	return api.SourceState{Name: name, Asks: json.RawMessage(body)}, nil
}

func TestCoverage(t *testing.T) {
	s := serve(t, api.Config{WriteTokens: []string{"write-write-write"}, Public: true})
	read := func(q string) (page api.CoveragePage) {
		t.Helper()
		a := s.get(t, "/2/coverage?"+q)
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 {
			t.Fatalf("%s: %d %s", q, a.status, a.body)
		}
		return page
	}
	page := read("start_time=2024-05-01T00:00:00Z&end_time=2024-05-02T00:00:00Z&source=stream:a&kinds=gap,limit&neighbors=true&max_results=4")
	if page.Meta.ResultCount != 4 || page.Data[3].ID != 3 || page.Data[0].Source != "stream:a" || page.Data[0].Kind != "gap+limit" || page.Data[0].Note != "1714521600 1714608000 0 true" {
		t.Errorf("%+v", page)
	}
	page = read("max_results=6&next_token=" + page.Meta.NextToken)
	if page.Meta.NextToken != "" || page.Meta.ResultCount != 6 || page.Data[0].ID != 4 || !strings.Contains(page.Data[0].Note, " 1714532400000 false") {
		t.Errorf("%+v", page)
	}
	for q, want := range map[string]string{
		"kinds=gap,hole":  "must list some of: connected, gap",
		"neighbors=maybe": "must be one of: false, true",
		"next_token=7":    "not one that was given out",
		"max_results=0":   "from 1 to 1000",
		"kind=gap":        "not known here",
	} {
		if a := s.get(t, "/2/coverage?"+q); a.status != 400 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s", q, a.status, a.body)
		}
	}
	for _, tt := range []struct {
		method, path, token, body string
		status                    int
		want                      string
	}{
		{"POST", "/2/coverage/imports", "", `{"files":[{}]}`, 401, ""},
		{"POST", "/2/coverage/imports", "write-write-write", `{"files":[{"id":"0"}],"filled":[]}`, 200, `"files":1`},
		{"POST", "/2/coverage/imports", "write-write-write", `{"files":[]}`, 400, "no files"},
		{"POST", "/2/coverage/imports", "write-write-write", `{"fails":[]}`, 400, "The body must be"},
		{"PUT", "/2/sources/a", "", `{}`, 401, ""},
		{"PUT", "/2/sources/a", "write-write-write", `{"track":["b"]}`, 200, `"asks":{"track":["b"]}`},
		{"PUT", "/2/sources/a", "write-write-write", `bad`, 400, "it is bad"},
		{"PUT", "/2/sources/a", "write-write-write", `refuse`, 409, "goes on as before: the server answered 406"},
		{"PUT", "/2/sources/b", "write-write-write", `{}`, 404, "no source of this name"},
		{"GET", "/2/sources", "", ``, 200, `"name":"a","kind":"v1.1","state":"connected"`},
		{"GET", "/2/sources?a=b", "", ``, 400, "not known here"},
	} {
		var header []string
		if tt.token != "" {
			header = []string{"Authorization: Bearer " + tt.token}
		}
		if a := s.do(t, tt.method, tt.path, tt.body, header...); a.status != tt.status || !strings.Contains(a.body, tt.want) || strings.Contains(a.body, "inner") {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, a.status, a.body)
		}
	}
}
