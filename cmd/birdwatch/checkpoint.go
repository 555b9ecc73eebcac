package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// stateKeeper keeps small values in the journal.
type stateKeeper interface {
	State(ctx context.Context, key string) ([]byte, error)
	SetState(ctx context.Context, key string, value []byte) error
}

// checkpointEvery is how often an import notes how far it is. What came since is gone through again, which does no harm.
const checkpointEvery = 2 * time.Second

// checkpoint notes how far an import is, so that the same one goes on there when it is interrupted. A nil one notes nothing.
type checkpoint struct {
	keep stateKeeper
	key  string
	skip int64 // items that are in since the interrupted run

	mu     sync.Mutex // guards what follows: one goroutine reads, another one writes
	marks  []mark
	handed int64 // records that were handed on
	saved  time.Time
}

// mark is a place in what is read: behind so many items, of which so many records were handed on.
type mark struct{ items, records int64 }

// markEvery is how many items lie between two marks.
const markEvery = 500

// openCheckpoint finds the place where the import of the same files, unchanged, was interrupted. Standard input has none.
func openCheckpoint(ctx context.Context, keep stateKeeper, paths []string, settings any) (*checkpoint, error) {
	sum := sha256.New()
	for _, root := range paths {
		if root == "-" {
			return nil, nil
		}
		abs, err := filepath.Abs(root)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(sum, "%q\n", abs)
		err = filepath.WalkDir(abs, func(path string, _ fs.DirEntry, err error) error {
			if info, statErr := os.Stat(path); err == nil && statErr == nil && !info.IsDir() {
				fmt.Fprintf(sum, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
			}
			return nil // what cannot be read is told when it is its turn
		})
		if err != nil {
			return nil, err
		}
	}
	if err := json.NewEncoder(sum).Encode(settings); err != nil {
		return nil, err
	}
	c := &checkpoint{keep: keep, key: "import:" + hex.EncodeToString(sum.Sum(nil)[:16]), saved: time.Now()}
	value, err := keep.State(ctx, c.key)
	if err == nil && value != nil {
		err = json.Unmarshal(value, &c.skip)
	}
	if err != nil {
		return nil, fmt.Errorf("read where the import was interrupted: %w", err)
	}
	return c, nil
}

// item notes that n records of the next item were handed on, and reports whether they are to be: those before the place are in.
func (c *checkpoint) item(items, records int64) (wanted bool) {
	if c == nil {
		return true
	}
	if items <= c.skip {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handed += records; items%markEvery == 0 {
		c.marks = append(c.marks, mark{items, c.handed})
	}
	return true
}

// written notes that so many of the records that were handed on, the first ones, are in.
func (c *checkpoint) written(ctx context.Context, records int64) error {
	if c == nil || time.Since(c.saved) < checkpointEvery {
		return nil
	}
	c.mu.Lock()
	place := int64(0)
	for len(c.marks) > 0 && c.marks[0].records <= records {
		place, c.marks = c.marks[0].items, c.marks[1:]
	}
	c.mu.Unlock()
	if place == 0 {
		return nil
	}
	c.saved = time.Now()
	value, err := json.Marshal(place)
	if err == nil {
		err = c.keep.SetState(ctx, c.key, value)
	}
	if err != nil {
		return fmt.Errorf("note how far the import is: %w", err)
	}
	return nil
}

// done forgets the place: the import came to its end.
func (c *checkpoint) done(ctx context.Context) error {
	if c == nil {
		return nil
	}
	return c.keep.SetState(ctx, c.key, nil)
}
