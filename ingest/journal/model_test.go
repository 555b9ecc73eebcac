package journal_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// model is the journal's meaning, as plainly as it can be said.
type model struct {
	ids     map[tweet.ID]*identity
	carries map[tweet.ID]map[tweet.ID]bool // target, holder: whether it repeats the target
	entries []string
}

type identity struct {
	newest  tweet.Record
	at      int64
	first   int
	deleted bool
	seen    bool // was ever taken in itself
}

func (m *model) enter(format string, args ...any) int {
	n := len(m.entries) + 1
	line := fmt.Sprintf("%d ", n) + fmt.Sprintf(format, args...) + " "
	line = strings.Replace(line, fmt.Sprintf(" first %d ", n), " ", 1) // as dump does
	m.entries = append(m.entries, strings.TrimSpace(line))
	return n
}

func (m *model) take(r tweet.Record, enter bool) string {
	was := m.ids[r.ID]
	if r.Kind == tweet.KindDelete {
		return m.delete(r)
	}
	p, err := tweet.Decode(r.Payload)
	if err != nil {
		panic(err)
	}
	if was != nil && was.deleted {
		return m.refuse(r, was)
	}
	for _, c := range p.Copies() {
		switch d := m.ids[c.ID]; {
		case d == nil || !d.deleted:
			if m.carries[c.ID] == nil {
				m.carries[c.ID] = map[tweet.ID]bool{}
			}
			m.carries[c.ID][r.ID] = m.carries[c.ID][r.ID] || c.Repeats
		case c.Repeats:
			if was == nil {
				was = &identity{seen: true}
				m.ids[r.ID] = was
			}
			was.at = max(was.at, r.CapturedAt)
			m.remove(r.ID, was)
			return "deleted"
		default:
			p = p.Without(c.ID)
			r.Raw, r.RawCut = nil, true
		}
	}
	if r.Payload, err = tweet.Encode(p); err != nil {
		panic(err)
	}
	switch {
	case was == nil:
		first := max(len(m.entries), 1)
		if enter {
			first = len(m.entries) + 1
			m.enter("tweet %d%s", r.ID, rawCut(r))
		}
		m.ids[r.ID] = &identity{newest: r, at: r.CapturedAt, first: first, seen: true}
		return "new"
	case bytes.Equal(r.Payload, was.newest.Payload) && (r.CapturedAt < was.at || r.CapturedAt == was.at && bytes.Equal(r.Raw, was.newest.Raw)):
		return "same"
	}
	if enter {
		m.enter("update %d%s%s", r.ID, firstIs(was.first), rawCut(r))
	}
	if r.CapturedAt >= was.at {
		was.newest, was.at = r, r.CapturedAt
	}
	return "update"
}

func rawCut(r tweet.Record) string {
	if r.RawCut {
		return " rawcut"
	}
	return ""
}

func firstIs(first int) string { return fmt.Sprintf(" first %d", first) }

// refuse: nothing of a deleted tweet is kept; a newer time moves the tombstone.
func (m *model) refuse(r tweet.Record, was *identity) string {
	if was.seen && r.CapturedAt <= was.at {
		return "deleted"
	}
	was.deleted, was.seen, was.at = true, true, max(was.at, r.CapturedAt)
	m.enter("delete %d first 0", r.ID)
	return "deleted"
}

func (m *model) delete(r tweet.Record) string {
	was := m.ids[r.ID]
	switch {
	case was == nil:
		was = &identity{at: r.CapturedAt}
		m.ids[r.ID] = was
		if m.remove(r.ID, was) {
			return "honored"
		}
		return "noted"
	case !was.deleted:
		was.at = max(was.at, r.CapturedAt)
		m.remove(r.ID, was)
		return "honored"
	}
	newer := r.CapturedAt > was.at
	was.at = max(was.at, r.CapturedAt)
	if !was.seen {
		return "noted"
	}
	if newer {
		m.enter("delete %d first 0", r.ID)
	}
	return "honored"
}

// remove deletes a tweet, cuts the copies of it, and deletes what repeats it. It says whether there was anything to do.
func (m *model) remove(id tweet.ID, was *identity) (done bool) {
	was.deleted = true
	var cut, repeats []tweet.ID
	for _, h := range slices.Sorted(maps.Keys(m.carries[id])) {
		if d := m.ids[h]; d == nil || d.deleted {
			continue
		}
		if m.carries[id][h] {
			repeats = append(repeats, h)
		} else {
			cut = append(cut, h)
		}
	}
	line := fmt.Sprintf("delete %d first %d", id, was.first)
	if len(cut) > 0 {
		line += fmt.Sprintf(" cut %v", cut)
	}
	if !was.seen {
		line += " unseen"
	}
	if was.seen || len(cut) > 0 {
		m.enter("%s", line)
		done = true
	}
	for _, h := range repeats {
		if d := m.ids[h]; !d.deleted {
			m.remove(h, d)
			done = true
		}
	}
	return done
}

// TestModel: whatever comes, in whatever batches, through Append and Import, has the verdicts and the entries of the model.
func TestModel(t *testing.T) {
	records := rapid.Custom(func(t *rapid.T) tweet.Record {
		id, at := tweet.ID(rapid.IntRange(1, 5).Draw(t, "id")), int64(rapid.IntRange(0, 3).Draw(t, "at"))
		if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
			return deletion(id, at)
		}
		text := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "text")
		carries := map[tweet.ID][]tweet.ID{2: {1}, 3: {1}, 4: {2, 1}, 5: {3}}[id]
		r := sighting(id, at, text, id == 3 || id == 4, carries...)
		r.Raw = []byte(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "raw"))
		return r
	})
	rapid.Check(t, func(rt *rapid.T) {
		j := open(t, journal.Options{})
		defer j.Close()
		m := &model{ids: map[tweet.ID]*identity{}, carries: map[tweet.ID]map[tweet.ID]bool{}}
		for range rapid.IntRange(1, 6).Draw(rt, "batches") {
			batch, viaImport := rapid.SliceOfN(records, 1, 20).Draw(rt, "batch"), rapid.Bool().Draw(rt, "import")
			var want, got []string
			for _, r := range batch {
				want = append(want, m.take(r, !viaImport))
			}
			if viaImport {
				var b *journal.Batch
				b, got = claim(t, j, batch...)
				before := j.Last()
				confirm(t, j, b)
				for range j.Last() - before { // a copy whose tweet was deleted within the batch
					m.enter("again")
				}
			} else {
				got = appendAll(t, j, batch...)
			}
			if !slices.Equal(got, want) {
				rt.Fatalf("verdicts\n got %q\nwant %q", got, want)
			}
		}
		entries := dump(t, j)
		for i, e := range m.entries {
			if e == fmt.Sprintf("%d again", i+1) {
				m.entries[i] = entries[i]
			}
		}
		if !slices.Equal(entries, m.entries) {
			rt.Fatalf("entries\n got %q\nwant %q", entries, m.entries)
		}
	})
}
