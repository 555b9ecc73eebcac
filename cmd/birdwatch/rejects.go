package main

import (
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
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("rejects: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("rejects: %w", err)
	}
	return &rejects{log: log, file: f, room: max(0, most-info.Size())}, nil
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
		r.room = 0
		r.log.Warn("lines of streams that are not understood are no longer kept: the file is full", "file", r.file.Name())
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
