package replay

import (
	"sync"
	"time"
)

// numbers makes snowflake ids of given moments, unique in the server. The worker part comes of the seed, so that two servers are
// unlikely to meet.
type numbers struct {
	now    func() time.Time
	worker int64

	mu   sync.Mutex    // guards what follows
	used recent[int64] // how many, by the millisecond
}

func newNumbers(now func() time.Time, seed uint64) *numbers {
	return &numbers{now: now, worker: int64((seed ^ seed>>32) & 1023)}
}

// perMillisecond is how many ids a millisecond holds, as there are 12 bits for them.
const perMillisecond = 1 << 12

func (n *numbers) next(at time.Time) int64 {
	// not below the first snowflake, whatever the clock says
	ms := max(at.UnixMilli()-twitterEpoch, firstSnowflake>>22+1)
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		if c, _ := n.used.get(ms); c < perMillisecond {
			n.used.put(ms, c+1)
			return ms<<22 | n.worker<<12 | c
		}
		ms++
	}
}

// recent remembers the newest of many keys: at least span, at most twice as many.
type recent[V any] struct {
	newer, older map[int64]V
}

// span holds a day of a busy stream's ids in some ten megabytes.
const span = 200_000

func (r *recent[V]) get(key int64) (V, bool) {
	v, ok := r.newer[key]
	if !ok {
		v, ok = r.older[key]
	}
	return v, ok
}

func (r *recent[V]) put(key int64, v V) {
	if r.newer == nil || len(r.newer) >= span {
		r.newer, r.older = map[int64]V{}, r.newer
	}
	r.newer[key] = v
}
