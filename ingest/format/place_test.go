package format_test

import (
	"slices"
	"strings"
	"testing"

	"birdwatch/ingest/format"
)

// TestPlace: bad records are named by their line, or by their number where one line has several, never one for the other.
func TestPlace(t *testing.T) {
	input := strings.Join([]string{
		t1(1),
		`[1, ` + t1(2) + `]`,
		`{"a":1}`,
		`{"statuses":[` + t1(3) + `,{"b":2}]}`,
		"[",
		`nothing]`,
		`{"cut":`,
	}, "\n")
	var got []string
	for it := range format.Read(t.Context(), strings.NewReader(input), format.Options{}) {
		if it.Err != nil {
			it.File = "f"
			got = append(got, it.Place())
		}
	}
	if want := []string{"f, record 1", "f:3", "f, record 4", "f, record 5", "f:7"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if place := (&format.Item{File: "f"}).Place(); place != "f" {
		t.Errorf("a whole file: %q", place)
	}
}
