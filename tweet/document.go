package tweet

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Document is what an archive holds of one id: all its sightings merged.
//
// Merging takes the body (all but the figures) with its raw and provenance from the
// best sighting, by (full before partial, capture time, body bytes, raw bytes, raw
// cut, lesser provenance), and every figure from the newest sighting that had it, equal times by
// the greater bytes. Each is a maximum in a total order, so that documents (all but
// FirstSeq) do not depend on the order in which sightings come.
type Document struct {
	ID       ID
	FirstSeq Seq
	At       int64 // newest capture time merged, of a tombstone's notice too; Unix milliseconds
	BodyAt   int64 // capture time of the sighting that gave the body
	Partial  bool
	// Tombstone: deleted; it has no content and takes none.
	Tombstone bool
	// Revived: was once a tombstone. Version keeps bit 60.
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
	// everTombstone is set in the version of what was ever deleted, above any time.
	everTombstone = 1 << 60
)

// Version orders the states of a document: (newest capture time in ms) × 4 + rank,
// with bit 60 from its first deletion on. Merging never lowers it.
func (d *Document) Version() int64 {
	v := min(max(d.At, 0), everTombstone>>2-1) << 2 // a time that cannot be must not reach bit 60
	switch {
	case d.Tombstone:
		return v | rankTombstone | everTombstone
	case !d.Partial:
		v |= rankFull
	}
	if d.Revived {
		v |= everTombstone
	}
	return v
}

// NewDocument is the document of a single sighting.
func NewDocument(r *Record, first Seq) *Document {
	return &Document{ID: r.ID, FirstSeq: first, At: r.CapturedAt, BodyAt: r.CapturedAt, Partial: r.Partial,
		Payload: r.Payload, Raw: r.Raw, RawCut: r.RawCut, Provenance: r.Provenance}
}

// NewTombstone is the document of a deleted tweet.
func NewTombstone(id ID, first Seq, at int64) *Document {
	return &Document{ID: id, FirstSeq: first, At: at, Tombstone: true}
}

// Merge gives the document of d's sightings and e's, and whether it differs from d. d and e
// are of one id and are not changed; d's FirstSeq is kept.
func (d *Document) Merge(e *Document) (*Document, bool, error) {
	if d.ID != e.ID {
		panic("tweet: Merge of two ids")
	}
	m := &Document{ID: d.ID, FirstSeq: d.FirstSeq, At: max(d.At, e.At), Revived: d.Revived || e.Revived}
	if d.Tombstone || e.Tombstone {
		m.Tombstone = true
		return m, !d.Tombstone || m.At != d.At || m.Revived != d.Revived, nil
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
	return parts{d, p, body, fs}, nil
}

func compareBodies(a, b parts) int {
	return cmp.Or(
		compareBools(!a.doc.Partial, !b.doc.Partial),
		cmp.Compare(a.doc.BodyAt, b.doc.BodyAt),
		bytes.Compare(a.body, b.body),
		bytes.Compare(a.doc.Raw, b.doc.Raw),
		compareBools(a.doc.RawCut, b.doc.RawCut),
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

// Without gives the document without its copy of the deleted tweet id, its raw cut;
// d itself when it carries none.
func (d *Document) Without(id ID) (*Document, error) {
	if d.Tombstone {
		return d, nil
	}
	p, err := Decode(d.Payload)
	if err != nil {
		return nil, fmt.Errorf("cut %d from %d: %w", id, d.ID, err)
	}
	if !slices.ContainsFunc(p.Copies(), func(c Copy) bool { return c.ID == id }) {
		return d, nil
	}
	m := *d
	if m.Payload, err = Encode(p.Without(id)); err != nil {
		return nil, err
	}
	m.Raw, m.RawCut = nil, true
	if m.Figures, err = dropFigure(m.Figures, tweetFigure(id)); err != nil {
		return nil, err
	}
	return &m, nil
}

// WithoutPlaces gives the document without the places that were withdrawn, of its own tweet and of copies inside it, its raw cut; d itself
// when there are none. upTo says of a user up to which id their tweets lose their place; 0 for none.
func (d *Document) WithoutPlaces(upTo func(user ID) (ID, error)) (*Document, error) {
	if d.Tombstone || !bytes.Contains(d.Payload, []byte(`"geo":`)) {
		return d, nil
	}
	p, err := Decode(d.Payload)
	if err != nil {
		return nil, err
	}
	tweets := []*Tweet{&p.Data}
	if p.Includes != nil {
		for i := range p.Includes.Tweets {
			tweets = append(tweets, &p.Includes.Tweets[i])
		}
	}
	some := false
	kept := map[string]bool{}
	for _, t := range tweets {
		if t.Geo == nil {
			continue
		}
		end, err := upTo(t.AuthorID)
		switch {
		case err != nil:
			return nil, err
		case t.ID <= end:
			t.Geo, some = nil, true
		default:
			kept[t.Geo.PlaceID] = true
		}
	}
	if !some {
		return d, nil
	}
	if p.Includes != nil {
		p.Includes.Places = slices.DeleteFunc(p.Includes.Places, func(p Place) bool { return !kept[p.ID] })
	}
	m := *d
	m.Raw, m.RawCut = nil, true
	m.Payload, err = Encode(p)
	return &m, err
}
