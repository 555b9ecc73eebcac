package tweet_test

import (
	"bytes"
	"testing"

	"birdwatch/tweet"

	"pgregory.net/rapid"
)

// permutations calls f with every order of ds.
func permutations(ds []*tweet.Document, f func([]*tweet.Document)) {
	var walk func(n int)
	walk = func(n int) {
		if n == 1 {
			f(ds)
			return
		}
		for i := range n {
			walk(n - 1)
			if n%2 == 0 {
				ds[i], ds[n-1] = ds[n-1], ds[i]
			} else {
				ds[0], ds[n-1] = ds[n-1], ds[0]
			}
		}
	}
	walk(len(ds))
}

// sightings are of one tweet; half of them differ from the one before in one thing only, or in nothing.
func sightings(t *rapid.T, n int) []*tweet.Document {
	ds := []*tweet.Document{sighting(t)}
	for len(ds) < n {
		d, last := sighting(t), ds[len(ds)-1]
		if rapid.Bool().Draw(t, "alike") && !d.Tombstone && !last.Tombstone {
			c := *last
			switch rapid.IntRange(0, 7).Draw(t, "but for") {
			case 0:
				c.Payload = d.Payload
			case 1:
				c.At, c.BodyAt = d.At, d.BodyAt
			case 2:
				c.Raw, c.RawCut = d.Raw, d.RawCut
			case 3:
				c.Provenance = d.Provenance
			case 4:
				c.Partial = d.Partial
			case 5:
				c.Revived = d.Revived
			case 6:
				c.Raw, c.RawCut = nil, !last.RawCut
			}
			d = &c
		}
		ds = append(ds, d)
	}
	return ds
}

func TestMergeDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := sightings(t, rapid.IntRange(2, 4).Draw(t, "count"))
		want := text(mergeAll(t, ds...))
		permutations(ds, func(order []*tweet.Document) {
			if got := text(mergeAll(t, order...)); got != want {
				t.Fatalf("another order gives\n%s\nnot\n%s", got, want)
			}
		})
	})
}

func TestMergeIsAssociative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := sightings(t, 4)
		left := text(mergeAll(t, ds...))
		if right := text(merge(t, ds[0], merge(t, ds[1], merge(t, ds[2], ds[3])))); left != right {
			t.Fatalf("from the right\n%s\nfrom the left\n%s", right, left)
		}
		if pairs := text(merge(t, merge(t, ds[0], ds[1]), merge(t, ds[2], ds[3]))); left != pairs {
			t.Fatalf("by pairs\n%s\nfrom the left\n%s", pairs, left)
		}
	})
}

func TestMergeIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := sightings(t, rapid.IntRange(1, 3).Draw(t, "count"))
		all := mergeAll(t, ds...)
		for _, d := range append(ds, all) {
			again, changed, err := all.Merge(d)
			if err != nil {
				t.Fatal(err)
			}
			if changed || text(again) != text(all) {
				t.Fatalf("merged once more (changed %t)\n%s\nbefore\n%s", changed, text(again), text(all))
			}
		}
	})
}

func TestMergeSaysWhetherItChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := sightings(t, 3)
		d := merge(t, ds[0], ds[1])
		before := text(d)
		m, changed, err := d.Merge(ds[2])
		if err != nil {
			t.Fatal(err)
		}
		if changed != (text(m) != before) {
			t.Fatalf("changed is %t\nbefore\n%s\nafter\n%s", changed, before, text(m))
		}
		if text(d) != before {
			t.Fatalf("the argument changed\nfrom\n%s\nto\n%s", before, text(d))
		}
		want := d.FirstSeq
		if d.Tombstone && !m.Tombstone {
			want = ds[2].FirstSeq
		}
		if m.FirstSeq != want {
			t.Fatalf("first seq %d, want %d", m.FirstSeq, want)
		}
	})
}

func TestVersionNeverDecreases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := sightings(t, 5)
		d, life := ds[0], lifeOf(ds[0])
		for _, e := range ds[1:] {
			m, changed, err := d.Merge(e)
			if err != nil {
				t.Fatal(err)
			}
			if m.Version() < d.Version() || m.Version() < e.Version() {
				t.Fatalf("version %d is below %d or %d", m.Version(), d.Version(), e.Version())
			}
			if !changed && m.Version() != d.Version() {
				t.Fatalf("unchanged, but version %d became %d", d.Version(), m.Version())
			}
			life = max(life, lifeOf(e))
			d = m
		}
		if got := lifeOf(d); got != life {
			t.Fatalf("life %d, want %d", got, life)
		}
		if d.Tombstone && len(d.Payload)+len(d.Raw)+len(d.Figures) > 0 {
			t.Fatalf("a tombstone with content: %s", text(d))
		}
	})
}

// lifeOf numbers what a document has been through: a sighting, a deletion, sightings from after it, another deletion.
func lifeOf(d *tweet.Document) int {
	switch {
	case d.Tombstone && d.Revived:
		return 3
	case d.Revived:
		return 2
	case d.Tombstone:
		return 1
	}
	return 0
}

// TestMergeByReading holds Merge against the promise as it is written: every part a maximum over all sightings.
func TestMergeByReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ds []*tweet.Document
		revived := rapid.Bool().Draw(t, "of revived ones") // those of one life
		for _, d := range sightings(t, 3) {
			if !d.Tombstone && d.Revived == revived {
				ds = append(ds, d)
			}
		}
		if len(ds) == 0 {
			t.Skip("none of this life")
		}
		m := mergeAll(t, ds...)
		var figuresAt int64 = -1
		for _, d := range ds {
			if d.At > m.At || m.Partial && !d.Partial || m.Partial == d.Partial && d.BodyAt > m.BodyAt {
				t.Fatalf("a better sighting is lost: %s\nmerged %s", text(d), text(m))
			}
			if decode(t, d.Payload).Data.PublicMetrics != nil {
				figuresAt = max(figuresAt, d.At)
			}
		}
		var want *tweet.TweetMetrics
		for _, d := range ds { // of equal times the greater JSON
			if f := decode(t, d.Payload).Data.PublicMetrics; f != nil && d.At == figuresAt && (want == nil || asJSON(t, f) > asJSON(t, want)) {
				want = f
			}
		}
		if got := decode(t, m.Payload).Data.PublicMetrics; asJSON(t, got) != asJSON(t, want) {
			t.Fatalf("figures %s, want %s", asJSON(t, got), asJSON(t, want))
		}
	})
}

func TestWithout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := mergeAll(t, sightings(t, rapid.IntRange(1, 3).Draw(t, "count"))...)
		before := text(d)
		const gone = 200
		cut, err := d.Without(gone)
		if err != nil {
			t.Fatal(err)
		}
		if text(d) != before {
			t.Fatalf("the argument changed to %s", text(d))
		}
		if d.Tombstone {
			if cut != d {
				t.Fatal("a tombstone was cut")
			}
			return
		}
		p := decode(t, d.Payload)
		carried := false
		for _, c := range p.Copies() {
			carried = carried || c.ID == gone
		}
		if !carried {
			if cut != d && !bytes.Contains(d.Figures, []byte(`"t200"`)) {
				t.Fatalf("nothing to cut, but\n%s\nbecame\n%s", before, text(cut))
			}
			if bytes.Contains(cut.Figures, []byte(`"t200"`)) || !bytes.Equal(cut.Payload, d.Payload) || !bytes.Equal(cut.Raw, d.Raw) {
				t.Fatalf("%s", text(cut))
			}
			return
		}
		q := decode(t, cut.Payload)
		switch {
		case q.Included(gone) != nil:
			t.Fatal("the copy is still there")
		case len(cut.Raw) > 0 || !cut.RawCut:
			t.Fatal("the raw was not cut")
		case bytes.Contains(cut.Figures, []byte(`"t200"`)):
			t.Fatalf("figures of the copy stayed: %s", cut.Figures)
		case len(q.Data.ReferencedTweets) != len(p.Data.ReferencedTweets):
			t.Fatal("a reference was lost")
		case cut.Version() < d.Version():
			t.Fatal("the version fell")
		}
		if again, err := cut.Without(gone); err != nil || text(again) != text(cut) {
			t.Fatalf("cut twice: %v\n%s\nonce\n%s", err, text(again), text(cut))
		}
	})
}
