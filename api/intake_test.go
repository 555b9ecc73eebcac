package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"

	"birdwatch/api"
)

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.Bytes()
}

func TestIngest(t *testing.T) {
	s := serve(t, api.Config{WriteTokens: []string{writeToken}, Public: true, IngestParallel: 1})
	auth := "Authorization: Bearer " + writeToken
	for name, a := range map[string]answer{
		"plain":  s.do(t, "POST", "/2/tweets/ingest", "one\nbad\nthree", auth),
		"zipped": s.do(t, "POST", "/2/tweets/ingest", string(zipped("one\nbad\nthree")), auth, "Content-Encoding: gzip", "Content-Type: application/x-ndjson"),
	} {
		var got struct {
			Data []api.IngestResult
			Meta struct {
				ResultCount int `json:"result_count"`
				Summary     map[string]int
			}
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
			t.Fatalf("%s: %d %v %s", name, a.status, err, a.body)
		}
		if got.Meta.ResultCount != 3 || got.Meta.Summary["new"] != 2 || got.Meta.Summary["bad"] != 1 || got.Data[1].Error != "no tweet" || got.Data[2].ID != 1002 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if a := s.do(t, "POST", "/2/tweets/import", "{}", auth); a.status != 200 || !strings.Contains(a.body, `"data":{"new":1}`) {
		t.Errorf("import: %d %s", a.status, a.body)
	}
	if a := s.do(t, "DELETE", "/2/tweets/1000", "", auth); a.status != 200 || a.body != `{"data":{"deleted":true}}` {
		t.Errorf("delete: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/2/tweets/1000", "/2/tweets/1000/raw"} {
		if a := s.get(t, path); a.status != 410 {
			t.Errorf("%s after its deletion: %d", path, a.status)
		}
	}
}
