package journal

import (
	"fmt"

	"birdwatch/tweet"
)

// The bits of entries.flags; their numbers are stored.
const (
	flagPartial  = 1
	flagRawCut   = 2
	flagStripped = 4
	flagUnseen   = 8
	flagRevived  = 16
)

func flagsOf(e *tweet.Entry) (flags int) {
	if e.Partial {
		flags |= flagPartial
	}
	if e.RawCut {
		flags |= flagRawCut
	}
	if e.Stripped {
		flags |= flagStripped
	}
	if e.Unseen {
		flags |= flagUnseen
	}
	if e.Revived {
		flags |= flagRevived
	}
	return flags
}

// enter writes an entry behind the last one.
func (w *writer) enter(e tweet.Entry) error {
	e.Seq, e.Arrived = w.last+1, w.now
	if e.Kind == tweet.KindTweet {
		e.FirstSeq = e.Seq
	}
	source, err := w.sourceID(e.Provenance.From)
	if err != nil {
		return err
	}
	if e.Frame == nil && len(e.Payload)+len(e.Raw) > 0 {
		c := e.Content()
		if e.Frame, err = c.Pack(); err != nil {
			return err
		}
	}
	var cut []byte
	if len(e.Cut) > 0 {
		cut = encodeIDs(e.Cut)
	}
	err = w.exec("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", int64(e.Seq), int64(e.Kind), int64(e.ID), int64(e.UserID),
		int64(e.FirstSeq), e.Arrived, e.CapturedAt, flagsOf(&e), source, cut, e.Frame)
	if err != nil {
		return fmt.Errorf("enter %s of %d: %w", e.Kind, e.ID, err)
	}
	w.last++
	w.bytes += int64(len(e.Frame))
	w.added = append(w.added, e)
	return nil
}

// sourceID numbers the names of sources.
func (w *writer) sourceID(name string) (int64, error) {
	if id, ok := w.source[name]; ok {
		return id, nil
	}
	if err := w.exec("INSERT INTO sources (name) VALUES (?) ON CONFLICT DO NOTHING", name); err != nil {
		return 0, err
	}
	var id int64
	if err := w.query("SELECT id FROM sources WHERE name = ?", []any{name}, &id); err != nil {
		return 0, err
	}
	w.after = append(w.after, func() { w.source[name] = id })
	return id, nil
}
