package journal

import (
	"context"
	"database/sql"
	"runtime"
)

// DoTogether runs pieces of work in one commit as appends that queued together, each a statement or an error, and gives their answers.
func (j *Journal) DoTogether(works []func() error) []error {
	started, gate := make(chan struct{}), make(chan struct{})
	go j.do(context.Background(), 0, func(*writer) error { close(started); <-gate; return nil })
	<-started
	answers := make([]chan error, len(works))
	for i, work := range works {
		answers[i] = make(chan error, 1)
		go func() {
			answers[i] <- j.do(context.Background(), 1, func(w *writer) error {
				if err := work(); err != nil {
					return err
				}
				return w.exec("INSERT INTO state VALUES (?, '') ON CONFLICT DO NOTHING", i)
			})
		}()
	}
	for len(j.tasks) < len(works) {
		runtime.Gosched()
	}
	close(gate)
	out := make([]error, len(works))
	for i := range out {
		out[i] = <-answers[i]
	}
	return out
}

// Hold keeps the writer busy until release is called.
func (j *Journal) Hold() (release func()) {
	started, gate := make(chan struct{}), make(chan struct{})
	go j.do(context.Background(), 0, func(*writer) error { close(started); <-gate; return nil })
	<-started
	return func() { close(gate) }
}

// Queued is how many pieces of work wait for the writer.
func (j *Journal) Queued() int { return len(j.tasks) }

// Pragma gives a number of the file's.
func (j *Journal) Pragma(name string) (n int, err error) {
	err = j.read.QueryRow("PRAGMA " + name).Scan(&n)
	return n, err
}

// WriterPragmas gives settings of the connection that writes.
func (j *Journal) WriterPragmas(names ...string) []string {
	out := make([]string, len(names))
	err := j.do(context.Background(), 0, func(w *writer) error {
		for i, name := range names {
			if err := w.query("PRAGMA "+name, nil, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return []string{err.Error()}
	}
	return out
}

// Edit changes a closed journal's file.
func Edit(path, statement string, args ...any) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statement, args...)
	return err
}

// Read begins a read of the file, which lasts until end is called.
func (j *Journal) Read() (end func() error, err error) {
	tx, err := j.read.Begin()
	if err != nil {
		return nil, err
	}
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM entries").Scan(&n); err != nil {
		return nil, err
	}
	return tx.Rollback, nil
}
