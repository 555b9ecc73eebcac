package sample_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"birdwatch/ingest/sample"
)

var update = flag.Bool("update", false, "make sample.jsonl.gz and NOTICE again from the sources")

// TestLines holds what a user of the sample relies on.
func TestLines(t *testing.T) {
	const want = 425
	var last int64
	n := 0
	for line := range sample.Lines() {
		n++
		if bytes.ContainsAny(line, "\r\n") || !json.Valid(line) {
			t.Errorf("line %d is not one line of JSON: %.80q", n, line)
		}
		id, ok := identity(line)
		if !ok || id <= last {
			t.Errorf("line %d: id %d after %d", n, id, last)
		}
		last = id
	}
	if n != want || sample.Count() != want {
		t.Errorf("%d lines, Count %d, want %d", n, sample.Count(), want)
	}
	for range sample.Lines() { // an early end is allowed
		break
	}
}

func TestNoticeNamesEverySource(t *testing.T) {
	for _, p := range projects {
		if !strings.Contains(sample.Notice, p.name+" @"+p.commit) || !strings.Contains(sample.Notice, p.licence) {
			t.Errorf("NOTICE does not name %s", p.name)
		}
	}
	for _, text := range []string{"Apache License", "Permission is hereby granted"} {
		if !strings.Contains(sample.Notice, text) {
			t.Errorf("NOTICE lacks the text %q", text)
		}
	}
}

// TestMadeFromSources makes the sample again and compares; with -update it writes it.
func TestMadeFromSources(t *testing.T) {
	data, err := sharedData()
	if err != nil {
		t.Skip("SKIPPED LOUDLY: no folder of sources beside the project: ", err)
	}
	want, counts, err := collect(data)
	if err != nil {
		t.Fatal(err)
	}
	notice, err := makeNotice(data, counts)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := write(want, notice); err != nil {
			t.Fatal(err)
		}
		t.Skip("written: ", len(want), " tweets; run again without -update")
	}
	got := slices.Collect(sample.Lines())
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("sample.jsonl.gz is not what the sources give (%d lines, want %d): run with -update", len(got), len(want))
	}
	if sample.Notice != notice {
		t.Error("NOTICE is not what the sources give: run with -update")
	}
}

func write(lines [][]byte, notice string) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if _, err := z.Write(append(slices.Clone(line), '\n')); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := os.WriteFile("sample.jsonl.gz", b.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile("NOTICE", []byte(notice), 0o644)
}

func makeNotice(data string, counts []int) (string, error) {
	var b strings.Builder
	b.WriteString("sample.jsonl.gz holds tweets recorded from Twitter's v1.1 API by the projects named here, in whose test data\n" +
		"they are published. Each record is as it was published; records printed over several lines there are on one\n" +
		"line here, without the blanks between their tokens. The texts remain their authors'.\n\n")
	for i, p := range projects {
		fmt.Fprintf(&b, "%s @%s, %s: %d tweets\n", p.name, p.commit, p.licence, counts[i])
		if p.note != "" {
			fmt.Fprintf(&b, "    %s\n", p.note)
		}
		for _, file := range p.files {
			fmt.Fprintf(&b, "    %s\n", filepath.Base(file))
		}
	}
	for _, p := range projects {
		if p.text == "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(data, "permissive", "LICENSES", p.text))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n%s\nLicence of %s (%s)\n\n%s\n", strings.Repeat("=", 80), p.name, p.licence, bytes.Trim(text, "\r\n"))
	}
	return b.String(), nil
}
