package journal

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
)

// sqliteFull is SQLITE_FULL: https://sqlite.org/rescode.html#full
const sqliteFull = 13

// health is what hinders a journal.
type health struct {
	full  atomic.Bool // larger than MaxBytes, since a follower is slow
	fault atomic.Pointer[Fault]
}

// Fault says that the file takes nothing in.
type Fault struct {
	Since, Last time.Time // when it was tried the first time in vain, and the last time
	DiskFull    bool
}

// faultLasts is how long a fault holds that was not met again: nobody may have tried since.
const faultLasts = time.Minute

// Fault is why nothing can be taken in at the moment, nil when as far as one knows it can.
func (j *Journal) Fault() *Fault {
	f := j.fault.Load()
	if f == nil || j.o.Now().Sub(f.Last) > faultLasts {
		return nil
	}
	return f
}

// note remembers how a transaction ended. Only what was to take in records, or found the disk full, says that nothing can be taken in.
func (j *Journal) note(ts []*task, err error) {
	intake := slices.ContainsFunc(ts, func(t *task) bool { return t.size > 0 })
	if err == nil {
		if intake {
			j.fault.Store(nil)
		}
		return
	}
	file := new(sqlite.Error)
	if !errors.As(err, &file) {
		return
	}
	full := file.Code()&0xff == sqliteFull
	if !intake && !full {
		return
	}
	f := &Fault{Since: j.o.Now(), DiskFull: full}
	f.Last = f.Since
	if was := j.Fault(); was != nil {
		f.Since = was.Since
	}
	j.fault.Store(f)
}
