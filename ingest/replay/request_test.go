package replay_test

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"birdwatch/ingest/replay"
)

// TestStatuses holds which requests are answered with what.
func TestStatuses(t *testing.T) {
	ids := func(n int) string {
		var s []string
		for i := range n {
			s = append(s, strconv.Itoa(i+1))
		}
		return strings.Join(s, ",")
	}
	repeat := func(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	tests := []struct {
		method, path, params string
		want                 int
	}{
		{"GET", "sample.json", "", 200},
		{"POST", "sample.json", "", 200},
		{"GET", "sample.json", "track=ignored&language=en,de-AT", 200},
		{"GET", "sample.json", "delimited=length&stall_warnings=true&filter_level=medium", 200},
		{"PUT", "sample.json", "", 405},
		{"GET", "firehose.json", "", 403},
		{"GET", "retweet.json", "", 404},
		{"GET", "sample.json", "delimited=yes", 406},
		{"GET", "sample.json", "stall_warnings=maybe", 406},
		{"GET", "sample.json", "filter_level=high", 406},
		{"GET", "sample.json", "language=en,,de", 406},
		{"GET", "sample.json", "count=100", 416},
		{"GET", "sample.json", "count=x", 406},
		{"GET", "filter.json", "", 406},
		{"GET", "filter.json", "track=,%20,", 406},
		{"POST", "filter.json", "language=en", 406},
		{"POST", "filter.json", "track=go", 200},
		{"GET", "filter.json", "track=" + repeat("go", 400), 200},
		{"POST", "filter.json", "track=" + repeat("go", 401), 413},
		{"POST", "filter.json", "track=" + strings.Repeat("x", 60), 200},
		{"POST", "filter.json", "track=" + strings.Repeat("x", 61), 406},
		{"POST", "filter.json", "track=" + strings.Repeat("%C3%A4", 31), 406},
		{"POST", "filter.json", "follow=" + ids(5000), 200},
		{"POST", "filter.json", "follow=" + ids(5001), 413},
		{"POST", "filter.json", "follow=1,ada", 406},
		{"POST", "filter.json", "locations=-74,40,-73,41", 200},
		{"POST", "filter.json", "locations=-180,-90,180,90", 200},
		{"POST", "filter.json", "locations=0,0,0.1,0.1", 200},
		{"POST", "filter.json", "locations=0,0,0.05,1", 406},
		{"POST", "filter.json", "locations=-73,41,-74,40", 406},
		{"POST", "filter.json", "locations=-181,0,0,1", 406},
		{"POST", "filter.json", "locations=1,2,3", 406},
		{"POST", "filter.json", "locations=NaN,0,1,1", 406},
		{"POST", "filter.json", "locations=" + repeat("0,0,1,1", 25), 200},
		{"POST", "filter.json", "locations=" + repeat("0,0,1,1", 26), 413},
		{"POST", "filter.json", "track=%zz", 406},
		{"POST", "filter.json", "track=" + strings.Repeat("x,", 1<<20), 406},
	}
	h, err := replay.New(replay.Options{Tape: tapeOf(), CloseAtEnd: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		body, query := "", "?"+tt.params
		if tt.method == "POST" {
			body, query = tt.params, ""
		}
		r := httptest.NewRequest(tt.method, "/1.1/statuses/"+tt.path+query, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", strings.Replace(authorized, "%TOKEN", "t", 1))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s %s?%.60s: %d (%.100s), want %d", tt.method, tt.path, tt.params, w.Code, w.Body, tt.want)
		}
	}
}

func TestAuthorization(t *testing.T) {
	good := strings.Replace(authorized, "%TOKEN", "t", 1)
	without := func(key string) string {
		var kept []string
		for pair := range strings.SplitSeq(strings.TrimPrefix(good, "OAuth "), ", ") {
			if !strings.HasPrefix(pair, key+"=") {
				kept = append(kept, pair)
			}
		}
		return "OAuth " + strings.Join(kept, ", ")
	}
	tests := map[string]int{
		good:                                200,
		"oauth" + good[5:]:                  200,
		strings.ReplaceAll(good, ", ", ","): 200,
		without("oauth_version"):            200,
		good + `, realm="x"`:                200,
		"":                                  401,
		"Bearer abc":                        401,
		"OAuth":                             401,
		"OAuth oauth_token":                 401,
		good + `, oauth_token="again"`:      401,
		strings.Replace(good, `"1.0"`, `"2.0"`, 1):    401,
		strings.Replace(good, "1318622958", "now", 1): 401,
		strings.Replace(good, "s%2B%3D", "", 1):       401,
		strings.Replace(good, "s%2B%3D", "%zz", 1):    401,
		strings.Replace(good, `"s%2B%3D"`, `s`, 1):    401,
	}
	for _, key := range []string{"oauth_consumer_key", "oauth_nonce", "oauth_signature", "oauth_signature_method", "oauth_timestamp", "oauth_token"} {
		tests[without(key)] = 401
	}
	h, err := replay.New(replay.Options{Tape: tapeOf(), CloseAtEnd: true})
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range tests {
		r := httptest.NewRequest("GET", "/1.1/statuses/sample.json", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want || want == 401 && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d (%s), want %d", header, w.Code, w.Body, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]replay.Options{
		"no tape":     {},
		"two paces":   {Tape: tapeOf(), Pace: replay.Pace{Speed: 1, PerSecond: 1}},
		"back":        {Tape: tapeOf(), Pace: replay.Pace{Speed: -1}},
		"many delete": {Tape: tapeOf(), Faults: replay.Faults{Deletes: 1.5}},
	} {
		if _, err := replay.New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
