package main

import (
	"bytes"
	"compress/bzip2"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-json"

	"birdwatch/ingest"
	"birdwatch/ingest/format"
	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// TestStreamGrabs imports real grabs of the stream (tar, zip, loose files), forwards, again, and backwards: the counts are known, a
// second import changes nothing, the order of the files changes nothing, raw is the line that came.
func TestStreamGrabs(t *testing.T) {
	root := os.Getenv("BIRDWATCH_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	grabs := filepath.Join(root, "data", "unlicensed", "ia-twitterstream")
	if _, err := os.Stat(grabs); err != nil {
		t.Skipf("SKIPPED LOUDLY: no real data at %s; BIRDWATCH_SHARED names the folder that has data/", grabs)
	}
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short")
	}
	forwards, backwards := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	first := importAll(t, forwards, grabs)
	if first.Read != 30747+1813+8290+14566 || first.Bad != 0 {
		t.Errorf("first import: %+v", first)
	}
	again := importAll(t, forwards, grabs)
	if again.New+again.Updated+again.Bad != 0 || again.Read != first.Read {
		t.Errorf("second import: %+v", again)
	}
	var files []string
	err := filepath.WalkDir(grabs, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(files)
	importAll(t, backwards, files...)
	a, b := documents(t, forwards), documents(t, backwards)
	tombstones, differ := 0, 0
	for id, d := range a {
		if strings.HasPrefix(d, "tombstone") {
			tombstones++
		}
		if d != b[id] {
			if differ++; differ < 4 {
				t.Errorf("tweet %d depends on the order of the files:\n%.300s\n%.300s", id, d, b[id])
			}
		}
	}
	if len(a) != 55181 || len(a)-tombstones != 54961 || tombstones != 220 || len(b) != len(a) {
		t.Errorf("%d documents, %d tombstones; backwards %d", len(a), tombstones, len(b))
	}
	sameRaw(t, forwards, filepath.Join(grabs, "2011", "09", "28", "02", "40.json.bz2"))
}

func importAll(t *testing.T, data string, paths ...string) (s ingest.Summary) {
	t.Helper()
	out, code := runCommand(t, append([]string{"import", "--data", data, "-q", "--json"}, paths...)...)
	if code != exitOK {
		t.Fatalf("import ended with %d", code)
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", s)
	return s
}

// documents gives every document with its raw. Files are named in provenance as they were given, so that is left out.
func documents(t *testing.T, data string) map[tweet.ID]string {
	t.Helper()
	n, err := openNode(t.Context(), dataFlags{Data: data}, journal.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	docs := map[tweet.ID]string{}
	for i, err := range n.archive.Identities(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		d, err := n.archive.Get(t.Context(), i.ID)
		if err != nil || len(d) != 1 {
			t.Fatal(i.ID, err)
		}
		if d[0].Tombstone {
			docs[i.ID] = fmt.Sprintf("tombstone %d", d[0].Version())
			continue
		}
		docs[i.ID] = fmt.Sprintf("%d %v %s %s %s", d[0].Version(), d[0].RawCut, d[0].Payload, d[0].Figures, d[0].Raw)
	}
	return docs
}

// sameRaw compares 100 tweets of a file with its lines.
func sameRaw(t *testing.T, data, file string) {
	t.Helper()
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	var lines bytes.Buffer
	if _, err := lines.ReadFrom(bzip2.NewReader(packed)); err != nil {
		t.Fatal(err)
	}
	n, err := openNode(t.Context(), dataFlags{Data: data}, journal.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	compared := 0
	for i, line := range bytes.Split(lines.Bytes(), []byte("\n")) {
		recs, _, err := format.Parse(bytes.TrimSuffix(line, []byte("\r")), tweet.Provenance{}, 0)
		if err != nil || len(recs) != 1 || recs[0].Kind != tweet.KindTweet || i%13 != 0 || compared == 100 {
			continue
		}
		d, err := n.archive.Get(t.Context(), recs[0].ID)
		if err != nil || len(d) != 1 {
			t.Fatalf("tweet %d: %v", recs[0].ID, err)
		}
		if d[0].Tombstone {
			continue
		}
		if compared++; !bytes.Equal(d[0].Raw, recs[0].Raw) && d[0].Provenance.File == filepath.ToSlash("2011/09/28/02/40.json.bz2") {
			t.Errorf("line %d: raw differs from the source", i+1)
		}
	}
	if compared != 100 {
		t.Errorf("only %d tweets compared", compared)
	}
}
