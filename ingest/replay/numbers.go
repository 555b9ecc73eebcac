package replay

import (
	"sync"
	"time"
)

// numbers makes snowflake ids of the present: unique in the server, each above the last. The worker part
// comes of the seed, so that two servers are unlikely to meet.
type numbers struct {
	now    func() time.Time
	worker int64

	mu   sync.Mutex // guards what follows
	last int64      // milliseconds since the epoch and sequence, 12 bits
}

func newNumbers(now func() time.Time, seed uint64) *numbers {
	// the first id is not below the first snowflake, whatever the clock says
	return &numbers{now: now, worker: int64((seed ^ seed>>32) & 1023), last: (firstSnowflake>>22 + 1) << 12}
}

func (n *numbers) next() int64 {
	ms := n.now().UnixMilli() - twitterEpoch
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = max(ms<<12, n.last+1)
	return n.last>>12<<22 | n.worker<<12 | n.last&4095
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
