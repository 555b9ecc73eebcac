package replay

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// authorization checks the shape of an OAuth 1.0a header (RFC 5849, 3.5.1) and gives what stands for the
// account in it: the token. Signatures are not checked: the server has no secrets.
func authorization(header string) (string, error) {
	deny := func(reason string) (string, error) {
		return "", refusal{http.StatusUnauthorized, "Unauthorized: " + reason}
	}
	scheme, list, _ := strings.Cut(strings.TrimSpace(header), " ")
	if !strings.EqualFold(scheme, "OAuth") {
		return deny("an OAuth 1.0a Authorization header is needed")
	}
	values := map[string]string{}
	for pair := range strings.SplitSeq(list, ",") {
		key, quoted, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
			return deny("the header's parameters are not of the form key=\"value\"")
		}
		value, err := url.PathUnescape(quoted[1 : len(quoted)-1])
		if err != nil {
			return deny("the header's parameters are not percent-encoded")
		}
		if _, twice := values[key]; twice {
			return deny(key + " is given twice")
		}
		values[key] = value
	}
	for _, key := range []string{"oauth_consumer_key", "oauth_nonce", "oauth_signature", "oauth_signature_method",
		"oauth_timestamp", "oauth_token"} {
		if values[key] == "" {
			return deny(key + " is missing")
		}
	}
	if v, given := values["oauth_version"]; given && v != "1.0" {
		return deny("oauth_version is not 1.0")
	}
	if n, err := strconv.ParseInt(values["oauth_timestamp"], 10, 64); err != nil || n <= 0 {
		return deny("oauth_timestamp is not a time")
	}
	return values["oauth_consumer_key"] + " " + values["oauth_token"], nil
}
