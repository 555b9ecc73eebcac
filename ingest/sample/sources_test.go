package sample_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// project is where tweets of the sample come from.
type project struct {
	name, commit, licence string
	text                  string // the licence's file, one of LICENSES
	note                  string
	files                 []string
}

// projects in order of preference: where two files have one id, the earlier one's record is taken, so
// streamed tweets come before those of a search, and whole texts before shortened ones.
//
// Left out on purpose: invented test tweets, damaged ones (files that a test breaks, ids rounded to floats).
var projects = []project{
	{"bear/python-twitter", "da1e998", "Apache-2.0", "bear+python-twitter.txt", "", []string{
		"v1.1-stream/pytwitter_stream_lines.json",
		"v1.1-stream/pytwitter_streaming_extended_tweet.json",
		"v1.1-rest/pytwitter_extended_tweet_in_extended_mode.json",
		"v1.1-rest/pytwitter_extended_tweet_in_compat_mode.json",
		"v1.1-rest/pytwitter_get_home_timeline.json",
		"v1.1-rest/pytwitter_get_search_raw.json",
		"v1.1-rest/pytwitter_get_status_ext_alt.json",
		"v1.1-rest/pytwitter_get_status_with_place.json",
		"v1.1-rest/pytwitter_status_quoted_tweet_with_media.json",
	}},
	{"sferik/twitter-ruby", "0843b2ac", "MIT", "sferik+twitter-ruby.txt", "", []string{
		"v1.1-stream/sferik_track_streaming.json",
		"v1.1-stream/sferik_track_streaming_user.json",
		"v1.1-rest/sferik_premium_search_from.json",
		"v1.1-rest/sferik_search.json",
		"v1.1-rest/sferik_statuses.json",
	}},
	{"twitterdev/tweet_parser", "3435de8", "MIT", "twitterdev+tweet_parser.txt",
		"enterprise feed in its original (v1.1) format, with the feed's matching_rules", []string{
			"gnip/tweet_parser_original_format_examples.json",
		}},
	{"simdjson/simdjson-data", "4197c42", "Apache-2.0 (or MIT)", "",
		"taken under the Apache License 2.0, whose text is the one below", []string{
			"v1.1-rest/simdjson_twitter.json",
			"v1.1-rest/simdjson_twitter_timeline.json",
			"v1.1-rest/simdjson_twitter_api_response.json",
			"v1.1-rest/simdjson_twitter_api_compact_response.json",
		}},
}

// sharedData is the folder of the sources; an error when it is not there.
func sharedData() (string, error) {
	if dir := os.Getenv("BIRDWATCH_SHARED"); dir != "" {
		return filepath.Join(dir, "data"), nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		data := filepath.Join(dir, "..", "shared", "data")
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			_, err := os.Stat(filepath.Join(data, "permissive"))
			return data, err
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// collect reads all projects: the lines sorted by id, and how many came from each.
func collect(data string) ([][]byte, []int, error) {
	byID := map[int64][]byte{}
	counts := make([]int, len(projects))
	for i, p := range projects {
		for _, file := range p.files {
			b, err := os.ReadFile(filepath.Join(data, "permissive", file))
			if err != nil {
				return nil, nil, err
			}
			records, err := split(b)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", file, err)
			}
			for _, record := range records {
				id, ok := identity(record)
				if !ok || byID[id] != nil {
					continue
				}
				if byID[id], err = oneLine(record); err != nil {
					return nil, nil, fmt.Errorf("%s: tweet %d: %w", file, id, err)
				}
				counts[i]++
			}
		}
	}
	var ids []int64
	for id := range byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var lines [][]byte
	for _, id := range ids {
		lines = append(lines, byID[id])
	}
	return lines, counts, nil
}

// split takes a file apart: JSON lines, a list, or an envelope with one.
func split(b []byte) ([]json.RawMessage, error) {
	var records []json.RawMessage
	for d := json.NewDecoder(bytes.NewReader(b)); ; {
		var value json.RawMessage
		err := d.Decode(&value)
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		var envelope struct{ Statuses, Results []json.RawMessage }
		var list []json.RawMessage
		switch {
		case json.Unmarshal(value, &list) == nil:
			records = append(records, list...)
		case json.Unmarshal(value, &envelope) == nil && envelope.Statuses != nil:
			records = append(records, envelope.Statuses...)
		case envelope.Results != nil:
			records = append(records, envelope.Results...)
		default:
			records = append(records, value)
		}
	}
}

// identity is the id of a whole tweet whose id was not damaged on its way.
func identity(record []byte) (int64, bool) {
	var t struct {
		ID    json.Number `json:"id"`
		IDStr string      `json:"id_str"`
		User  *struct {
			ID json.Number `json:"id"`
		}
		CreatedAt string `json:"created_at"`
	}
	if json.Unmarshal(record, &t) != nil || t.User == nil || t.CreatedAt == "" || t.ID.String() != t.IDStr {
		return 0, false
	}
	id, err := strconv.ParseInt(t.IDStr, 10, 64)
	return id, err == nil && id > 0
}

// oneLine gives the record as it is; where it was printed over several lines, without the blanks
// between its tokens.
func oneLine(record []byte) ([]byte, error) {
	if !bytes.ContainsAny(record, "\r\n") {
		return record, nil
	}
	var b bytes.Buffer
	err := json.Compact(&b, record)
	return b.Bytes(), err
}
