package elastic

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"birdwatch/search"
	"birdwatch/tweet"
)

// letter is a dead letter as it is stored: what could not be taken, and all that taking it again needs.
type letter struct {
	Key      string    `json:"key"`
	Seq      tweet.Seq `json:"seq"`
	ID       tweet.ID  `json:"id"`
	Reason   string    `json:"reason"`
	FirstSeq tweet.Seq `json:"first_seq"`
	At       int64     `json:"at"`
	BodyAt   int64     `json:"body_at"`
	Flags    int       `json:"flags"`
	Whole    bool      `json:"whole,omitempty"` // a document, not one sighting
	Frame    []byte    `json:"frame"`
	err      error
}

// reasonMost is how much of a reason is kept.
const reasonMost = 1000

func reasonOf(problem error) string {
	reason := problem.Error()
	return reason[:min(len(reason), reasonMost)]
}

// letterOf makes the letter of what is refused. The same comes to the same key, however often it comes.
func letterOf(o *op) letter {
	d := o.doc
	l := letter{ID: d.ID, Reason: reasonOf(o.problem), FirstSeq: d.FirstSeq, At: d.At, BodyAt: d.BodyAt, Flags: search.Flags(d), Whole: o.whole}
	if o.entry != nil {
		l.Seq, l.Frame = o.entry.Seq, o.entry.Frame
	}
	if l.Frame == nil {
		c := tweet.Content{Payload: d.Payload, Raw: d.Raw, Figures: d.Figures, Provenance: d.Provenance}
		l.Frame, l.err = c.Pack()
	}
	h := sha256.New()
	for _, part := range [][]byte{d.Payload, d.Raw, d.Figures} {
		h.Write(strconv.AppendInt(nil, int64(len(part)), 10)) // never fails
		h.Write(part)
	}
	l.Key = fmt.Sprintf("%019d-%019d-%x", l.Seq, l.ID, h.Sum(nil)[:8])
	return l
}

// bury puts what cannot be indexed where it can be looked at. One that is there already stays as it is: it may have lost a copy of a deleted tweet
// since.
func (a *Archive) bury(ctx context.Context, letters []letter) error {
	for part := range slices.Chunk(letters, 100) {
		var b bulkLines
		for i := range part {
			if part[i].err != nil {
				return part[i].err
			}
			b.create(part[i].Key, &part[i])
		}
		if err := a.sendLines(ctx, a.schema.letters(), &b); err != nil {
			return fmt.Errorf("dead letters: %w", err)
		}
	}
	return nil
}

// eachLetter gives the dead letters of tweets.
func (a *Archive) eachLetter(ctx context.Context, ids []tweet.ID, f func(*letter) error) error {
	for part := range slices.Chunk(ids, 1000) {
		query := []byte(`{"terms":{"id":[`)
		for i, id := range part {
			if i > 0 {
				query = append(query, ',')
			}
			query = appendNumber(query, int64(id))
		}
		err := a.eachOf(ctx, a.schema.letters(), string(append(query, `]}}`...)), "", func(_ string, doc json.RawMessage) error {
			var l letter
			if err := json.Unmarshal(doc, &l); err != nil {
				return err
			}
			return f(&l)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// burn removes the dead letters of tweets that are deleted.
func (a *Archive) burn(ctx context.Context, ids []tweet.ID) error {
	var b bulkLines
	err := a.eachLetter(ctx, ids, func(l *letter) error {
		b.remove(l.Key)
		return nil
	})
	if err == nil {
		err = a.sendLines(ctx, a.schema.letters(), &b)
	}
	if err != nil {
		return fmt.Errorf("dead letters of deleted tweets: %w", err)
	}
	return nil
}

// cutLetters takes copies of deleted tweets from the dead letters of those that carry them. What they have is gone with it where it cannot be cut.
func (a *Archive) cutLetters(ctx context.Context, cuts map[tweet.ID][]tweet.ID) error {
	var b bulkLines
	err := a.eachLetter(ctx, slices.Collect(maps.Keys(cuts)), func(l *letter) error {
		some, err := l.cut(cuts[l.ID])
		if some {
			b.index(l.Key, l)
		}
		return err
	})
	if err == nil {
		err = a.sendLines(ctx, a.schema.letters(), &b)
	}
	if err != nil {
		return fmt.Errorf("cut dead letters: %w", err)
	}
	return nil
}

// cut takes copies of tweets from the letter and says whether it had any.
func (l *letter) cut(ids []tweet.ID) (some bool, err error) {
	if len(l.Frame) == 0 {
		return false, nil
	}
	o := l.op()
	d, err := o.doc, o.problem
	for _, id := range ids {
		if err == nil {
			d, err = d.Without(id)
		}
	}
	if err == nil && d == o.doc {
		return false, nil
	}
	l.Flags |= search.FlagRawCut
	if l.Frame = nil; err != nil {
		return true, nil
	}
	c := tweet.Content{Payload: d.Payload, Figures: d.Figures, Provenance: d.Provenance}
	l.Frame, err = c.Pack()
	return true, err
}

// DeadLetters gives up to limit of what was refused, in the order of keys, after a key.
func (a *Archive) DeadLetters(ctx context.Context, after string, limit int) ([]search.DeadLetter, error) {
	if err := a.ready(ctx); err != nil || limit <= 0 {
		return nil, fault("dead letters", err)
	}
	var letters []search.DeadLetter
	err := a.eachOf(ctx, a.schema.letters(), `{"match_all":{}}`, after, func(_ string, doc json.RawMessage) error {
		var l letter
		if err := json.Unmarshal(doc, &l); err != nil {
			return err
		}
		one := search.DeadLetter{Key: l.Key, Seq: l.Seq, ID: l.ID, Reason: l.Reason, At: l.At}
		if len(l.Frame) > 0 {
			c, err := tweet.Unpack(l.Frame)
			if err != nil {
				return fmt.Errorf("dead letter %s: %w", l.Key, err)
			}
			one.Content = *c
		}
		if letters = append(letters, one); len(letters) == limit {
			return errEnough
		}
		return nil
	})
	if a.o.ReadOnly && isMissing(err) {
		return nil, nil // nobody wrote yet
	}
	return letters, fault("dead letters", err)
}

// letters reads those of keys that there are.
func (a *Archive) letters(ctx context.Context, keys []string) ([]letter, error) {
	var letters []letter
	for part := range slices.Chunk(keys, readMost) {
		body, err := json.Marshal(map[string]any{"ids": part})
		if err != nil {
			return nil, err
		}
		answer, err := a.call(ctx, http.MethodPost, "/"+a.schema.letters()+"/_mget", body)
		if err != nil {
			return nil, err
		}
		var found struct {
			Docs []struct {
				Source *letter `json:"_source"`
				Error  *cause  `json:"error"`
			} `json:"docs"`
		}
		if err := json.Unmarshal(answer, &found); err != nil {
			return nil, err
		}
		for _, d := range found.Docs {
			if d.Error != nil {
				return nil, d.Error.error(http.StatusServiceUnavailable)
			}
			if d.Source != nil {
				letters = append(letters, *d.Source)
			}
		}
	}
	return letters, nil
}

// op is the letter on its way into the archive again; it has no document where there is no content.
func (l *letter) op() op {
	o := op{whole: l.Whole, letter: l.Key, entry: &tweet.Entry{Seq: l.Seq, Record: tweet.Record{ID: l.ID, Frame: l.Frame}}}
	if len(l.Frame) == 0 {
		return o
	}
	s := source{ID: l.ID, FirstSeq: l.FirstSeq, At: l.At, BodyAt: l.BodyAt, Flags: l.Flags, Frame: l.Frame}
	d, err := s.document()
	if err != nil {
		d = &tweet.Document{ID: l.ID}
		o.problem = err
	}
	o.doc = d
	return o
}

// Retry takes dead letters once more. Those that are accepted leave, and those without content.
func (a *Archive) Retry(ctx context.Context, keys ...string) (search.Outcome, error) {
	var out search.Outcome
	err := a.write(ctx, "retry dead letters", func(ctx context.Context) error {
		letters, err := a.letters(ctx, keys)
		if err != nil {
			return err
		}
		ops := make([]op, len(letters))
		for i := range letters {
			if letters[i].Seq == 0 && !letters[i].Whole {
				letters[i].FirstSeq = a.writer.place.Seq
			}
			ops[i] = letters[i].op()
		}
		encode(ops)
		if err := a.merge(ctx, ops, nil); err != nil {
			return err
		}
		var b bulkLines
		for i := range letters {
			if ops[i].doc == nil || ops[i].change != search.Refused {
				b.remove(letters[i].Key)
				continue
			}
			letters[i].Reason = reasonOf(ops[i].problem)
			b.index(letters[i].Key, &letters[i])
		}
		out = outcome(ops)
		return errors.Join(a.sendLines(ctx, a.schema.letters(), &b), a.settle(ctx))
	})
	if err != nil {
		return search.Outcome{}, err
	}
	return out, nil
}

// Drop throws dead letters away and says how many there were.
func (a *Archive) Drop(ctx context.Context, keys ...string) (n int, err error) {
	err = a.write(ctx, "drop dead letters", func(ctx context.Context) error {
		letters, err := a.letters(ctx, keys)
		if err != nil {
			return err
		}
		var b bulkLines
		for i := range letters {
			b.remove(letters[i].Key)
		}
		n = len(letters)
		return a.sendLines(ctx, a.schema.letters(), &b)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
