package source_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"birdwatch/ingest/source"
)

// TestRequest holds what is asked for, where, and that the signature is of just that.
func TestRequest(t *testing.T) {
	follow := make([]string, 5000)
	for i := range follow {
		follow[i] = "123456789012345678"
	}
	for name, tt := range map[string]struct {
		c      source.Config
		method string
		path   string
		want   url.Values
	}{
		"sample": {source.Config{Topics: source.Topics{Language: []string{"en", "de"}}}, "GET", "/1.1/statuses/sample.json",
			url.Values{"language": {"en,de"}, "stall_warnings": {"true"}}},
		"filter": {source.Config{Topics: source.Topics{Track: []string{"größe go+", "a&b"}, Follow: follow, Locations: []string{"-74,40", "-73,41"}, FilterLevel: "low"}},
			"POST", "/1.1/statuses/filter.json", url.Values{"track": {"größe go+,a&b"}, "follow": {strings.Join(follow, ",")},
				"locations": {"-74,40,-73,41"}, "filter_level": {"low"}, "stall_warnings": {"true"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan *http.Request, 1)
			form := make(chan url.Values, 1)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				values := r.URL.Query()
				if r.Method == "POST" {
					if values, _ = url.ParseQuery(string(b)); r.URL.RawQuery != "" {
						t.Errorf("parameters in the URL: %.80s", r.URL.RawQuery)
					}
				}
				got <- r
				form <- values
				w.WriteHeader(503)
			}))
			defer srv.Close()
			tt.c.BaseURL = srv.URL + "/under/"
			var l listener
			stop := start(t, open(t, &l, tt.c), l.sink)
			defer func() { _ = stop() }()
			r, values := <-got, <-form
			if r.Method != tt.method || r.URL.Path != "/under"+tt.path || r.Host != strings.TrimPrefix(srv.URL, "http://") {
				t.Errorf("%s %s at %s", r.Method, r.URL.Path, r.Host)
			}
			if values.Encode() != tt.want.Encode() {
				t.Errorf("parameters %.300s, want %.300s", values.Encode(), tt.want.Encode())
			}
			checkSignature(t, r, values, srv.URL+"/under"+tt.path)
		})
	}
}

// checkSignature makes the signature again, by RFC 5849.
func checkSignature(t *testing.T, r *http.Request, params url.Values, address string) {
	t.Helper()
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	var pairs []string
	for key := range params {
		pairs = append(pairs, escape(key)+"="+escape(params.Get(key)))
	}
	given := ""
	for pair := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "OAuth "), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		value = strings.Trim(value, `"`)
		if key == "oauth_signature" {
			given, _ = url.PathUnescape(value)
			continue
		}
		plain, _ := url.PathUnescape(value)
		pairs = append(pairs, key+"="+escape(plain))
	}
	slices.Sort(pairs)
	mac := hmac.New(sha1.New, []byte("cs&ts"))
	mac.Write([]byte(r.Method + "&" + escape(address) + "&" + escape(strings.Join(pairs, "&"))))
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); given != want {
		t.Errorf("signature %q, want %q", given, want)
	}
}
