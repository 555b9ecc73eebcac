package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"birdwatch/search/embedded/pack"
	"birdwatch/tweet"
)

// Bounds of blocks. More tweets in one make it smaller, and reading one of them slower.
const (
	blockMost  = 80
	blockLeast = 48       // fewer stay alone, until others come
	blockDregs = 16       // what a block that loses tweets must keep
	blockBytes = 1 << 20  // of all its tweets, unpacked
	largeTweet = 64 << 10 // a larger one stays alone
	looseMost  = 512      // so many may be alone before they are packed
)

// store is what of a transaction has to do with blocks.
type store struct {
	home    map[int64]int64 // the block of each document that was loaded or written; 0: none
	leaving map[int64][]int64
	batch   bool // enough is written at once to pack it right away
	loose   bool // some were written that are alone
	pending []*pendingBlock
	filling *pendingBlock // the one of them that takes more; nil: none
	number  int64         // of the last block that was begun; 0: not known yet
	sealing errgroup.Group
}

func (s *store) reset() {
	s.home, s.leaving = map[int64]int64{}, map[int64][]int64{}
	s.sealing.SetLimit(runtime.GOMAXPROCS(0))
}

// pendingBlock is a block that is being made.
type pendingBlock struct {
	n           int64
	tweets      []pack.Tweet
	docs        []*tweet.Document
	bytes       int
	front, back []byte
}

// takes says whether there is room for t.
func (b *pendingBlock) takes(t *pack.Tweet) bool {
	return len(b.tweets) < blockMost && b.bytes+sizeOf(t) <= blockBytes
}

func (b *pendingBlock) add(t pack.Tweet, d *tweet.Document) {
	b.tweets, b.docs, b.bytes = append(b.tweets, t), append(b.docs, d), b.bytes+sizeOf(&t)
}

// enough says whether it is worth being a block.
func (b *pendingBlock) enough() bool { return len(b.tweets) >= blockLeast || b.bytes > blockBytes/2 }

func sizeOf(t *pack.Tweet) int {
	return len(t.Payload) + len(t.Raw) + len(t.Figures) + len(t.Provenance)
}

// keep stores the content of a document and says in which block, 0 for none.
func (w *writer) keep(d *tweet.Document, r *ready) (block int64, err error) {
	id := int64(d.ID)
	if !w.batch || len(d.Payload)+len(d.Raw) > largeTweet {
		w.loose, w.home[id] = true, 0
		return 0, w.keepAlone(d, r.frame)
	}
	b := r.block
	if b == nil {
		t, err := contentOf(d)
		if err != nil {
			return 0, err
		}
		if b, err = w.room(&t); err != nil {
			return 0, err
		}
		b.add(t, d)
	} else if err := w.begin(b); err != nil {
		return 0, err
	}
	if _, known := w.home[id]; known {
		err = w.exec("DELETE FROM bodies WHERE id = ?", id)
	}
	w.home[id] = b.n
	return b.n, err
}

func (w *writer) keepAlone(d *tweet.Document, frame []byte) error {
	if frame == nil {
		c := tweet.Content{Payload: d.Payload, Raw: d.Raw, Figures: d.Figures, Provenance: d.Provenance}
		var err error
		if frame, err = c.Pack(); err != nil {
			return err
		}
	}
	return w.exec("INSERT INTO bodies VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET frame = excluded.frame", int64(d.ID), frame)
}

// room is the block that takes the next tweet. A full one is sealed meanwhile.
func (w *writer) room(t *pack.Tweet) (*pendingBlock, error) {
	if w.filling != nil {
		if w.filling.takes(t) {
			return w.filling, nil
		}
		w.sealing.Go(w.filling.seal)
	}
	w.filling = &pendingBlock{}
	return w.filling, w.begin(w.filling)
}

// begin gives a block its number, once.
func (w *writer) begin(b *pendingBlock) error {
	if b.n != 0 {
		return nil
	}
	if w.number == 0 {
		if err := w.query("SELECT ifnull(max(n), 0) FROM blocks", nil, &w.number); err != nil {
			return err
		}
	}
	w.number++
	b.n = w.number
	w.pending = append(w.pending, b)
	return nil
}

func (b *pendingBlock) seal() (err error) {
	b.front, b.back, err = pack.Seal(b.tweets)
	return err
}

// flush writes the blocks that are pending.
func (w *writer) flush() error {
	if last := w.filling; last != nil {
		if last.enough() {
			w.sealing.Go(last.seal)
		} else {
			w.pending, w.loose = slices.DeleteFunc(w.pending, func(b *pendingBlock) bool { return b == last }), true
			for _, d := range last.docs {
				if err := w.moveOut(d); err != nil {
					return err
				}
			}
		}
		w.filling = nil
	}
	if err := w.sealing.Wait(); err != nil {
		return err
	}
	for _, b := range w.pending {
		if err := w.exec("INSERT INTO blocks VALUES (?, ?, ?)", b.n, b.front, b.back); err != nil {
			return err
		}
	}
	if len(w.pending) > 0 {
		if err := w.written(w.pending[0].n); err != nil {
			return err
		}
	}
	w.pending = nil
	return nil
}

// moveOut makes a document be alone.
func (w *writer) moveOut(d *tweet.Document) error {
	w.home[int64(d.ID)] = 0
	if err := w.exec("UPDATE docs SET block = NULL WHERE id = ?", int64(d.ID)); err != nil {
		return err
	}
	return w.keepAlone(d, nil)
}

// leave takes a tweet out of its block when the transaction ends.
func (w *writer) leave(id int64) {
	if n := w.home[id]; n != 0 {
		w.leaving[n] = append(w.leaving[n], id)
		w.home[id] = 0
	}
}

// settle brings the blocks in order before the transaction ends: of what left one, nothing stays in it.
func (w *writer) settle() error {
	if err := w.flush(); err != nil {
		return err
	}
	for n, ids := range w.leaving {
		if err := w.rewrite(n, ids); err != nil {
			return fmt.Errorf("block %d: %w", n, err)
		}
	}
	if !w.loose {
		return nil
	}
	return w.compact()
}

// rewrite writes a block without some of its tweets.
func (w *writer) rewrite(n int64, without []int64) error {
	front, back, err := readBlock(context.Background(), w.conn, n)
	if err != nil {
		return err
	}
	tweets, err := pack.Open(front, back, nil)
	if err != nil {
		return err
	}
	tweets = slices.DeleteFunc(tweets, func(t pack.Tweet) bool { return slices.Contains(without, t.ID) })
	if len(tweets) >= blockDregs {
		if front, back, err = pack.Seal(tweets); err != nil {
			return err
		}
		return errors.Join(w.exec("UPDATE blocks SET front = ?, back = ? WHERE n = ?", front, back, n), w.written(n))
	}
	for i := range tweets {
		d := &tweet.Document{ID: tweet.ID(tweets[i].ID)}
		if err := setContent(d, &tweets[i]); err != nil {
			return err
		}
		if err := w.moveOut(d); err != nil {
			return err
		}
		w.loose = true
	}
	return w.exec("DELETE FROM blocks WHERE n = ?", n)
}

// compact packs tweets that are alone when they are many, the oldest first, and not all at once: it is part of a
// transaction that others wait for.
func (w *writer) compact() error {
	n := w.stuck + looseMost
	var there int
	if err := w.query("SELECT count(*) FROM (SELECT 1 FROM bodies LIMIT ?)", []any{n}, &there); err != nil || there < n {
		return err
	}
	_, err := w.packLoose(n)
	return err
}

// packLoose packs tweets that are alone, of the first n by id, and says how many it did.
func (w *writer) packLoose(n int) (done int, err error) {
	w.batch = true
	defer func() { w.batch = false }()
	readErr := documents(context.Background(), w.conn, "WHERE d.id IN (SELECT id FROM bodies ORDER BY id LIMIT ?) ORDER BY d.id", []any{n}, func(d *tweet.Document) bool {
		if len(d.Payload)+len(d.Raw) > largeTweet {
			return true
		}
		w.home[int64(d.ID)] = 0
		var block int64
		if block, err = w.keep(d, &ready{}); err == nil {
			err = w.exec("UPDATE docs SET block = ? WHERE id = ?", block, int64(d.ID))
		}
		return err == nil
	})
	if err := errors.Join(readErr, err); err != nil {
		return 0, err
	}
	for _, b := range w.pending {
		done += len(b.tweets)
	}
	if w.filling != nil && !w.filling.enough() {
		done -= len(w.filling.tweets)
	}
	w.stuck = n - done
	return done, w.flush()
}

// packAll packs whatever is alone and can be packed.
func (a *Archive) packAll(ctx context.Context) error {
	for done := 1; done > 0; {
		err := a.write(ctx, func(w *writer) (err error) {
			done, err = w.packLoose(w.stuck + 8*looseMost)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
