package search

import (
	"cmp"

	"birdwatch/tweet"
)

// The bits of Flags. They are stored.
const (
	FlagPartial   = 1
	FlagTombstone = 2
	FlagRevived   = 4
	FlagRawCut    = 8
)

// Flags are a document's states as an archive stores them.
func Flags(d *tweet.Document) (flags int) {
	for i, set := range [...]bool{d.Partial, d.Tombstone, d.Revived, d.RawCut} {
		if set {
			flags |= 1 << i
		}
	}
	return flags
}

// SetFlags is the reverse of Flags.
func SetFlags(d *tweet.Document, flags int) {
	d.Partial, d.Tombstone, d.Revived, d.RawCut = flags&FlagPartial != 0, flags&FlagTombstone != 0, flags&FlagRevived != 0, flags&FlagRawCut != 0
}

// DocumentOf is what an entry merges into the archive under its own id; nil when that is nothing.
func DocumentOf(e *tweet.Entry) *tweet.Document {
	first := cmp.Or(e.FirstSeq, e.Seq)
	switch {
	case (e.Kind == tweet.KindTweet || e.Kind == tweet.KindUpdate) && !e.Stripped:
		return tweet.NewDocument(&e.Record, first)
	case e.Kind == tweet.KindDelete && !e.Unseen:
		d := tweet.NewTombstone(e.ID, first, e.CapturedAt)
		d.Revived = e.Revived
		return d
	}
	return nil
}

// Add counts one change.
func (o *Outcome) Add(c Change) {
	switch c {
	case Inserted:
		o.Inserted++
	case Updated:
		o.Updated++
	case Same:
		o.Same++
	case Deleted:
		o.Deleted++
	case Refused:
		o.Refused++
	}
}
