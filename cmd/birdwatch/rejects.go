package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// rejectsMost bounds the file of what streams sent and nobody understood.
const rejectsMost = 1 << 30

// rejects keeps lines of streams that are not understood, for whoever reads them later. A nil one keeps nothing.
type rejects struct {
	log *slog.Logger

	mu   sync.Mutex // guards what follows
	file *os.File
	room int64 // bytes that may still be written; 0: none is any more
}

// openRejects goes on at the end of a file. The caller closes it.
func openRejects(path string, most int64, log *slog.Logger) (*rejects, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("rejects: %w", err)
	}
	size, err := wholeLines(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("rejects: %w", err), f.Close())
	}
	r := &rejects{log: log, file: f, room: most - size}
	if r.room <= 0 {
		r.end()
	}
	return r, nil
}

// wholeLines ends a last line that was cut off, so that the next one stands alone, and gives the size.
func wholeLines(f *os.File) (size int64, err error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return 0, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return info.Size(), err
	}
	_, err = f.Write([]byte("\n"))
	return info.Size() + 1, err
}

// end says that the file is full, once.
func (r *rejects) end() {
	r.room = 0
	r.log.Warn("lines of streams that are not understood are no longer kept: the file is full", "file", r.file.Name())
}

// keep writes a line. When that fails, or the file is as large as it may be, it is logged and no more are kept: the stream goes on.
func (r *rejects) keep(line []byte) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	need := int64(len(line)) + 1
	switch {
	case r.room == 0:
		return
	case need > r.room:
		r.end()
		return
	}
	r.room -= need
	if _, err := r.file.Write(append(append(make([]byte, 0, need), line...), '\n')); err != nil {
		r.room = 0
		r.log.Error("lines of streams that are not understood are no longer kept", "error", err)
	}
}

func (r *rejects) close() error {
	if r == nil {
		return nil
	}
	return r.file.Close()
}
