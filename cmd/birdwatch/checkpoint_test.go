package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

type states map[string][]byte

func (s states) State(_ context.Context, key string) ([]byte, error) { return s[key], nil }

func (s states) SetState(_ context.Context, key string, value []byte) error {
	if s[key] = value; value == nil {
		delete(s, key)
	}
	return nil
}

// TestCheckpoint: an import that stops goes on behind what was written, and no further; one that ended, or whose files changed, begins anew.
func TestCheckpoint(t *testing.T) {
	folder := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(folder, "a.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	synctest.Test(t, func(t *testing.T) {
		kept := states{}
		begin := func(settings any) *checkpoint {
			c, err := openCheckpoint(t.Context(), kept, []string{folder}, settings)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		c := begin("")
		for i := range int64(2000) { // of every second item a record is handed on
			if !c.item(i+1, i%2) {
				t.Fatalf("item %d of a new import is passed over", i+1)
			}
		}
		if c.written(t.Context(), 700); len(kept) != 0 {
			t.Error("a place is noted at once")
		}
		time.Sleep(time.Minute)
		if err := c.written(t.Context(), 700); err != nil || len(kept) != 1 { // 1,400 items
			t.Fatalf("%v, %v", kept, err)
		}
		c = begin("")
		for items, wanted := range map[int64]bool{1: false, 1000: false, 1001: true, 2000: true} {
			if got := c.item(items, 1); got != wanted {
				t.Errorf("after 1,400 items were written, of which a place is known each 500: item %d wanted: %v", items, got)
			}
		}
		if c := begin("other settings"); c.skip != 0 {
			t.Error("another import goes on there")
		}
		if err := c.done(t.Context()); err != nil || len(kept) != 0 || begin("").skip != 0 {
			t.Errorf("an import that ended: %v, %v", kept, err)
		}
	})
	kept := states{}
	c, err := openCheckpoint(t.Context(), kept, []string{folder}, "")
	if err != nil {
		t.Fatal(err)
	}
	kept[c.key] = []byte("7")
	write("longer")
	if c, err = openCheckpoint(t.Context(), kept, []string{folder}, ""); err != nil || c.skip != 0 {
		t.Errorf("a file that changed is passed over: %+v, %v", c, err)
	}
	if c, err := openCheckpoint(t.Context(), kept, []string{"-"}, ""); c != nil || err != nil {
		t.Errorf("standard input: %v, %v", c, err)
	}
}
