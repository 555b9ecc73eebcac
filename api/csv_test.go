package api_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"birdwatch/api"
	"birdwatch/tweet"
)

// hostileTexts are what a spreadsheet takes for a formula, and what takes a CSV apart.
var hostileTexts = []string{`=cmd|' /C calc'!A0`, `+1+1`, `-2+3`, `@SUM(A1)`, "\t=1", "\r=1", "\n=1", "'=1", "'", "＝1", "＋1", "－1", "＠a", "plain",
	`a "quoted" one`, "a,b;c", "two\nlines", " =1", "", `"`, "日本 🐦"}

// TestCSVIsGuarded: no cell begins a formula, and taking one apostrophe off gives what was written.
func TestCSVIsGuarded(t *testing.T) {
	s := serve(t, api.Config{})
	for i, text := range hostileTexts {
		s.add(&tweet.Payload{Data: tweet.Tweet{ID: tweet.ID(i + 1), Text: text, AuthorID: 11, Source: text, Lang: text, CreatedAt: text},
			Includes: &tweet.Includes{Users: []tweet.User{{ID: 11, Name: text, Username: text}}}})
	}
	a := s.get(t, "/2/tweets/search/export?query=&format=csv&columns=id,text,source,name,username,lang,created_at")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != len(hostileTexts)+1 {
		t.Fatalf("%v: %d rows of %q", err, len(rows), a.body)
	}
	for i, text := range hostileTexts {
		for _, cell := range rows[i+1][1:] {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r\n") || strings.HasPrefix(cell, "＝") || strings.HasPrefix(cell, "＋") || strings.HasPrefix(cell, "－") || strings.HasPrefix(cell, "＠") {
				t.Errorf("the cell %q begins a formula", cell)
			}
			if got := strings.TrimPrefix(cell, "'"); got != text {
				t.Errorf("%q comes back as %q", text, got)
			}
		}
	}
}

// TestColumnsAreDescribed: the page of the API has a row for each column.
func TestColumnsAreDescribed(t *testing.T) {
	docs, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(serve(t, api.Config{}).get(t, "/2/tweets/search/export?query=&format=csv").body, "\n")
	for name := range strings.SplitSeq(header, ",") {
		if !strings.Contains(string(docs), "`"+name+"`") {
			t.Errorf("docs/api.md does not describe the column %s", name)
		}
	}
}
