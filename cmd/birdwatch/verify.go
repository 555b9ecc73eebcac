package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"birdwatch/ingest/format"
	"birdwatch/ingest/journal"
	"birdwatch/search"
	"birdwatch/tweet"
)

type verifyCommand struct {
	dataFlags
	Deleted bool     `required:"" help:"Look for traces of deleted tweets: all content is unpacked and looked through, and the index's words, free pages and logs."`
	Known   []string `type:"path" placeholder:"PATH" help:"Files of tweets as import takes them, each of which has to hold some. Of those that are deleted, text, payload and original bytes are looked for in all content and in all bytes of the folder."`
}

// verification is one look for traces.
type verification struct {
	gone    map[tweet.ID]bool
	needles needles
	traces  []string
	records int
	bytes   int64
	unread  int // records of the known files
	// carriers are kept records that hold the text of a deleted tweet themselves, by that tweet.
	carriers map[tweet.ID]map[tweet.ID]bool
}

// Run looks for traces; the folder must be free. It ends with 1 when there are any.
func (c *verifyCommand) Run(env *environment) error {
	if err := existing(c.Data); err != nil {
		return err
	}
	if err := checkPaths(c.Known, true); err != nil {
		return usage(fmt.Errorf("verify: --known: %w", err))
	}
	n, err := openFree(env, "verify", c.dataFlags, journal.Options{})
	if err != nil {
		return err
	}
	v := &verification{carriers: map[tweet.ID]map[tweet.ID]bool{}}
	err = v.run(env, n, c.Known)
	if err := errors.Join(err, n.close()); err != nil {
		return err
	}
	return v.tell(env.stdout)
}

// carriersShown is how many of the tweets that carry a deleted one's text are named: the verdict is not to drown in them.
const carriersShown = 3

// tell prints what was found; traces are an error.
func (v *verification) tell(w io.Writer) error {
	fmt.Fprintf(w, "%d deleted tweets; %d records unpacked, %d bytes of the folder's files read; %d texts, payloads and originals looked for\n", len(v.gone), v.records, v.bytes, v.needles.count)
	if v.unread > 0 {
		fmt.Fprintf(w, "%d records of the known files could not be read, and were not looked for\n", v.unread)
	}
	if v.needles.short > 0 {
		fmt.Fprintf(w, "%d texts are too short to be told from others\n", v.needles.short)
	}
	for _, id := range sortedKeys(v.carriers) {
		ids, more := sortedKeys(v.carriers[id]), ""
		if len(ids) > carriersShown {
			more = ", …"
		}
		fmt.Fprintf(w, "the text of %d is carried by %d tweets that are kept: %s%s\n", id, len(ids), joinIDs(ids[:min(len(ids), carriersShown)]), more)
	}
	for _, t := range v.traces {
		fmt.Fprintln(w, "trace:", t)
	}
	if len(v.traces) > 0 {
		return fmt.Errorf("%d traces of deleted tweets; birdwatch compact takes them out", len(v.traces))
	}
	_, err := fmt.Fprintln(w, "no trace of deleted tweets")
	return err
}

func joinIDs(ids []tweet.ID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return strings.Join(texts, ", ")
}

func sortedKeys[V any](m map[tweet.ID]V) []tweet.ID {
	var ids []tweet.ID
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (v *verification) run(env *environment, n *node, known []string) (err error) {
	ctx := env.ctx
	if v.gone, err = n.journal.Gone(ctx); err != nil {
		return err
	}
	for i, err := range n.archive.Identities(ctx) {
		if err != nil {
			return err
		}
		if i.Tombstone {
			v.gone[i.ID] = true
		}
	}
	if len(known) > 0 {
		if err := v.know(ctx, known, env.stdin); err != nil {
			return err
		}
	}
	if err := search.KeptIn(ctx, n.archive, v.look); err != nil {
		return err
	}
	if err := v.lookThroughJournal(ctx, n.journal); err != nil {
		return err
	}
	for _, where := range []interface {
		Traces(context.Context) ([]string, error)
	}{n.archive, n.journal} {
		found, err := where.Traces(ctx)
		if err != nil {
			return err
		}
		v.traces = append(v.traces, found...)
	}
	return v.lookThroughFiles(n.dir)
}

// look looks through content that is kept.
func (v *verification) look(k search.Kept) error {
	v.records++
	where := fmt.Sprintf("%s: tweet %d", k.Where, k.ID)
	if v.gone[k.ID] {
		v.traces = append(v.traces, where+" is deleted, and its content is there")
		return nil
	}
	if p, err := tweet.Decode(k.Content.Payload); err == nil {
		v.copies(where+"'s payload", p)
	}
	// Originals that hold more than the tweet (pages) are told by what they hold of it.
	if recs, _, err := format.Parse(k.Content.Raw, tweet.Provenance{}, 0); err == nil {
		for i := range recs {
			if p, err := recs[i].Decoded(); err == nil && recs[i].Kind == tweet.KindTweet {
				if v.gone[recs[i].ID] {
					v.traces = append(v.traces, fmt.Sprintf("%s's original bytes hold tweet %d, which is deleted", where, recs[i].ID))
				}
				v.copies(where+"'s original bytes", p)
			}
		}
	}
	for _, part := range [][]byte{k.Content.Payload, k.Content.Raw, k.Content.Figures} {
		v.needles.find(part, func(n *needle) {
			if n.kind != needleText {
				v.traces = append(v.traces, fmt.Sprintf("%s holds %s of %d, which is deleted", where, n.kind, n.id))
				return
			}
			if v.carriers[n.id] == nil {
				v.carriers[n.id] = map[tweet.ID]bool{}
			}
			v.carriers[n.id][k.ID] = true
		})
	}
	return nil
}

func (v *verification) copies(where string, p *tweet.Payload) {
	for _, c := range p.Copies() {
		if v.gone[c.ID] && (c.Repeats || p.Included(c.ID) != nil) {
			v.traces = append(v.traces, fmt.Sprintf("%s holds a copy of %d, which is deleted", where, c.ID))
		}
	}
}

// journalMost is how many entries are read at once.
const journalMost = 500

func (v *verification) lookThroughJournal(ctx context.Context, j *journal.Journal) error {
	for after := j.First() - 1; ; {
		es, err := j.Since(ctx, after, journalMost)
		if err != nil || len(es) == 0 {
			return err
		}
		for i := range es {
			e := &es[i]
			after = e.Seq
			if len(e.Payload)+len(e.Raw) == 0 || e.Kind != tweet.KindTweet && e.Kind != tweet.KindUpdate {
				continue
			}
			if err := v.look(search.Kept{Where: fmt.Sprintf("journal, entry %d", e.Seq), ID: e.ID, Content: e.Content()}); err != nil {
				return err
			}
		}
	}
}

// lookThroughFiles looks for what is known in all bytes of the folder, as they are.
func (v *verification) lookThroughFiles(dir string) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		found := map[*needle]bool{}
		n, err := v.needles.scan(f, func(n *needle) { found[n] = true })
		v.bytes += n
		for n := range found {
			if n.kind == needleText && v.carriers[n.id] != nil {
				continue // a kept record has it, and may lie there as it is
			}
			v.traces = append(v.traces, fmt.Sprintf("%s holds %s of %d, which is deleted", filepath.Base(name), n.kind, n.id))
		}
		return err
	})
}
