package tweet

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
)

// Document is what an archive holds of one id: all its sightings merged.
//
// Merging takes the body (all but the figures) with its raw and provenance from the
// best sighting, by (full before partial, capture time, bytes of the tweet itself, raw
// cut before whole, body bytes, raw bytes, lesser provenance), and every figure from the newest sighting that had it, equal times by
// the greater bytes. So of one sighting the state from which something deleted was cut prevails. Each is a maximum in a total order, so that documents (all but
// FirstSeq) do not depend on the order in which sightings come.
type Document struct {
	ID       ID
	FirstSeq Seq
	At       int64 // newest capture time merged, of a tombstone's notice too; Unix milliseconds
	BodyAt   int64 // capture time of the sighting that gave the body
	Partial  bool
	// Tombstone: deleted; it has no content and takes none.
	Tombstone bool
	// Revived: of sightings from after a deletion that was taken back. It has nothing of those from before, and a tombstone that is
	// Revived too, of a second deletion, is for good.
	Revived    bool
	Payload    []byte
	Raw        []byte
	RawCut     bool // see Record.RawCut
	Provenance Provenance
	// Figures holds figures that Payload and BodyAt do not imply: newer than the body, or of
	// users and tweets that are not in it. Empty for a single sighting.
	Figures []byte
}

const (
	rankPartial   = 0
	rankFull      = 1
	rankTombstone = 2
	rankRevived   = 3
	// everTombstone is set in the version of what was ever deleted, above any time; goneForGood in that of what was deleted again.
	everTombstone = 1 << 60
	goneForGood   = 1 << 61
)

// Version orders the states of a document: (newest capture time in ms) × 4 + rank,
// with bit 60 from its first deletion on, and bit 61 from its second. Merging never lowers it.
func (d *Document) Version() int64 {
	v := min(max(d.At, 0), everTombstone>>2-1) << 2 // a time that cannot be must not reach bit 60
	switch d.life() {
	case lifeDeletedAgain:
		return v | rankTombstone | everTombstone | goneForGood
	case lifeRevived:
		return v | rankRevived | everTombstone
	case lifeDeleted:
		return v | rankTombstone | everTombstone
	}
	if d.Partial {
		return v | rankPartial
	}
	return v | rankFull
}

// The lives of a document: each has nothing of those before, so that merging documents of two gives the later one.
const (
	lifeFirst = iota
	lifeDeleted
	lifeRevived
	lifeDeletedAgain
)

func (d *Document) life() int {
	switch {
	case d.Tombstone && d.Revived:
		return lifeDeletedAgain
	case d.Revived:
		return lifeRevived
	case d.Tombstone:
		return lifeDeleted
	}
	return lifeFirst
}

// NewDocument is the document of a single sighting.
func NewDocument(r *Record, first Seq) *Document {
	return &Document{ID: r.ID, FirstSeq: first, At: r.CapturedAt, BodyAt: r.CapturedAt, Partial: r.Partial,
		Revived: r.Revived, Payload: r.Payload, Raw: r.Raw, RawCut: r.RawCut, Provenance: r.Provenance}
}

// NewTombstone is the document of a deleted tweet.
func NewTombstone(id ID, first Seq, at int64) *Document {
	return &Document{ID: id, FirstSeq: first, At: at, Tombstone: true}
}

// Merge gives the document of d's sightings and e's, and whether it differs from d. d and e
// are of one id and are not changed; d's FirstSeq is kept, unless e revives it.
func (d *Document) Merge(e *Document) (*Document, bool, error) {
	if d.ID != e.ID {
		panic("tweet: Merge of two ids")
	}
	m := &Document{ID: d.ID, FirstSeq: d.FirstSeq, At: max(d.At, e.At), Tombstone: d.Tombstone, Revived: d.Revived}
	switch was, is := d.life(), e.life(); {
	case was < is:
		*m = *e
		if m.At = max(d.At, e.At); m.Tombstone || was == lifeFirst {
			m.FirstSeq = d.FirstSeq
		}
		return m, true, nil
	case was > is:
		if m.At == d.At {
			return d, false, nil
		}
		*m = *d
		m.At = e.At
		return m, true, nil
	case d.Tombstone:
		return m, m.At != d.At, nil
	}
	if same(d, e) {
		if m.At = d.At; e.Provenance.compare(d.Provenance) >= 0 {
			return d, false, nil
		}
	}
	a, err := split(d)
	if err != nil {
		return nil, false, err
	}
	b, err := split(e)
	if err != nil {
		return nil, false, err
	}
	if d.Partial == e.Partial && d.BodyAt == e.BodyAt {
		for _, x := range []*parts{&a, &b} { // what is cut out of a body is not of it
			if x.own, err = Encode(&Payload{Data: x.payload.Data}); err != nil {
				return nil, false, err
			}
		}
	}
	win := a
	if compareBodies(a, b) < 0 {
		win = b
	}
	m.BodyAt, m.Partial, m.Raw, m.RawCut, m.Provenance = win.doc.BodyAt, win.doc.Partial, win.doc.Raw, win.doc.RawCut, win.doc.Provenance
	if err := m.compose(win.payload, mergeFigures(a.figures, b.figures)); err != nil {
		return nil, false, err
	}
	return m, !equal(m, d), nil
}

// MergeWhole is Merge of a document that is not one sighting: of two first_seq the lesser is kept, but that of a tombstone for what came back after it.
func (d *Document) MergeWhole(e *Document) (*Document, bool, error) {
	m, differs, err := d.Merge(e)
	if err != nil || e.FirstSeq >= m.FirstSeq || e.Tombstone && !m.Tombstone {
		return m, differs, err
	}
	earlier := *m
	earlier.FirstSeq = e.FirstSeq
	return &earlier, true, nil
}

// same reports whether e says nothing that d does not, apart from its provenance.
func same(d, e *Document) bool {
	return d.BodyAt == e.BodyAt && d.At >= e.At && d.Partial == e.Partial && d.Revived == e.Revived && d.RawCut == e.RawCut &&
		len(e.Figures) == 0 && bytes.Equal(d.Payload, e.Payload) && bytes.Equal(d.Raw, e.Raw) && len(d.Figures) == 0
}

func equal(a, b *Document) bool {
	return a.At == b.At && a.BodyAt == b.BodyAt && a.Partial == b.Partial && a.Revived == b.Revived && a.RawCut == b.RawCut &&
		a.Provenance == b.Provenance && bytes.Equal(a.Payload, b.Payload) && bytes.Equal(a.Raw, b.Raw) && bytes.Equal(a.Figures, b.Figures)
}

// parts are a document taken apart for merging.
type parts struct {
	doc     *Document
	payload *Payload // without figures
	body    []byte   // payload's JSON
	own     []byte   // its tweet's alone, where that is needed
	figures []figure
}

func split(d *Document) (parts, error) {
	p, err := Decode(d.Payload)
	if err != nil {
		return parts{}, fmt.Errorf("merge %d: %w", d.ID, err)
	}
	fs, err := takeFigures(p, d.BodyAt)
	if err != nil {
		return parts{}, err
	}
	if len(d.Figures) > 0 {
		if fs, err = overlayFigures(fs, d.Figures); err != nil {
			return parts{}, fmt.Errorf("merge %d: %w", d.ID, err)
		}
	}
	body, err := Encode(p)
	if err != nil {
		return parts{}, err
	}
	return parts{d, p, body, nil, fs}, nil
}

func compareBodies(a, b parts) int {
	return cmp.Or(
		compareBools(!a.doc.Partial, !b.doc.Partial),
		cmp.Compare(a.doc.BodyAt, b.doc.BodyAt),
		bytes.Compare(a.own, b.own),
		compareBools(a.doc.RawCut, b.doc.RawCut),
		bytes.Compare(a.body, b.body),
		bytes.Compare(a.doc.Raw, b.doc.Raw),
		b.doc.Provenance.compare(a.doc.Provenance),
	)
}

// compareBools holds true to be the greater.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (p Provenance) compare(q Provenance) int {
	return cmp.Or(strings.Compare(p.From, q.From), strings.Compare(p.File, q.File), cmp.Compare(p.Pos, q.Pos))
}

// compose puts figures into the body and keeps what the result does not imply.
func (m *Document) compose(p *Payload, fs []figure) error {
	placed, err := putFigures(p, fs)
	if err != nil {
		return fmt.Errorf("merge %d: %w", m.ID, err)
	}
	if m.Payload, err = Encode(p); err != nil {
		return err
	}
	rest := fs[:0:0]
	for i, f := range fs {
		if !placed[i] || f.At != m.BodyAt {
			rest = append(rest, f)
		}
	}
	m.Figures, err = encodeFigures(rest)
	return err
}
