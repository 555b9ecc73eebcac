package journal

import (
	"sync"

	"birdwatch/tweet"
)

// The newest entries are kept in memory, so that those who follow at the end read no file.
const (
	recentMost  = 4096
	recentBytes = 32 << 20
)

type recent struct {
	mu      sync.RWMutex // guards what follows
	entries []tweet.Entry
	bytes   int
}

func size(e *tweet.Entry) int { return len(e.Payload) + len(e.Raw) + len(e.Frame) + 200 }

// add takes entries that were committed, in order.
func (r *recent) add(es []tweet.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range es {
		r.bytes += size(&es[i])
	}
	r.entries = append(r.entries, es...)
	drop := 0
	for ; drop < len(r.entries) && (r.bytes > recentBytes || len(r.entries)-drop > recentMost); drop++ {
		r.bytes -= size(&r.entries[drop])
		r.entries[drop] = tweet.Entry{}
	}
	r.entries = r.entries[drop:]
}

// since gives entries after the place, if all of those are here.
func (r *recent) since(after tweet.Seq, limit int) ([]tweet.Entry, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.entries) == 0 || after < r.entries[0].Seq-1 {
		return nil, false
	}
	n := int(after - (r.entries[0].Seq - 1))
	if n >= len(r.entries) {
		return nil, true
	}
	es := r.entries[n:min(len(r.entries), n+limit)]
	return append([]tweet.Entry(nil), es...), true
}

// forget empties it: content was stripped or purged, and the file tells what is left.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries, r.bytes = nil, 0
}
