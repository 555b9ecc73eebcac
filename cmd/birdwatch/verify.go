package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tidwall/gjson"

	"birdwatch/ingest/format"
	"birdwatch/ingest/journal"
	"birdwatch/search"
	"birdwatch/tweet"
)

type verifyCommand struct {
	dataFlags
	Deleted bool     `required:"" help:"Look for traces of deleted tweets: all content is unpacked and looked through, and the index's words, free pages and logs."`
	Known   []string `type:"path" placeholder:"PATH" help:"Files of tweets as import takes them. Of those that are deleted, text, payload and original bytes are looked for in all content and in all bytes of the folder."`
}

// verification is one look for traces.
type verification struct {
	gone    map[tweet.ID]bool
	needles needles
	traces  []string
	records int
	bytes   int64
	// carriers are kept records that hold the text of a deleted tweet themselves, by that tweet.
	carriers map[tweet.ID]map[tweet.ID]bool
}

// Run looks for traces; the folder must be free. It ends with 1 when there are any.
func (c *verifyCommand) Run(env *environment) error {
	n, err := openNode(env.ctx, c.dataFlags, journal.Options{}, env.log)
	if errors.Is(err, journal.ErrLocked) {
		return usage(fmt.Errorf("verify: %s: %w: stop the server first", c.Data, err))
	}
	if err != nil {
		return err
	}
	v := &verification{carriers: map[tweet.ID]map[tweet.ID]bool{}}
	err = v.run(env.ctx, n, c.Known)
	if err := errors.Join(err, n.close()); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "%d deleted tweets; %d records unpacked, %d bytes of the folder's files read; %d texts, payloads and originals looked for\n", len(v.gone), v.records, v.bytes, v.needles.count)
	if v.needles.short > 0 {
		fmt.Fprintf(env.stdout, "%d texts are too short to be told from others\n", v.needles.short)
	}
	for _, id := range sortedKeys(v.carriers) {
		fmt.Fprintf(env.stdout, "the text of %d is carried by tweets that are kept: %v\n", id, sortedKeys(v.carriers[id]))
	}
	for _, t := range v.traces {
		fmt.Fprintln(env.stdout, "trace:", t)
	}
	if len(v.traces) > 0 {
		return fmt.Errorf("%d traces of deleted tweets; birdwatch compact takes them out", len(v.traces))
	}
	fmt.Fprintln(env.stdout, "no trace of deleted tweets")
	return nil
}

func sortedKeys[V any](m map[tweet.ID]V) []tweet.ID {
	var ids []tweet.ID
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (v *verification) run(ctx context.Context, n *node, known []string) (err error) {
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
		if err := v.know(ctx, known); err != nil {
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

// know reads what there is to look for.
func (v *verification) know(ctx context.Context, paths []string) error {
	for it := range format.Files(ctx, paths, format.Options{}) {
		for i := range it.Records {
			r := &it.Records[i]
			if r.Kind != tweet.KindTweet || !v.gone[r.ID] {
				continue
			}
			p, err := r.Decoded()
			if err != nil {
				return fmt.Errorf("%s: %w", it.File, err)
			}
			v.needles.add(r.ID, needlePayload, r.Payload)
			v.needles.add(r.ID, needleRaw, r.Raw)
			texts := []string{p.View().Text, p.Data.Text}
			for _, key := range []string{"data.text", "data.note_tweet.text"} {
				texts = append(texts, inner(gjson.GetBytes(r.Payload, key)))
			}
			for _, key := range []string{"text", "full_text", "extended_tweet.full_text", "retweeted_status.text", "data.text"} {
				texts = append(texts, inner(gjson.GetBytes(r.Raw, key)))
			}
			slices.Sort(texts)
			for _, t := range slices.Compact(texts) {
				v.needles.add(r.ID, needleText, []byte(t))
			}
		}
	}
	return ctx.Err()
}

// inner is a string of JSON as it stands there, without the quotes.
func inner(r gjson.Result) string {
	if r.Type != gjson.String || len(r.Raw) < 2 {
		return ""
	}
	return r.Raw[1 : len(r.Raw)-1]
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
