package elastic

import (
	"sync"
	"time"
)

// pace is how much goes into one request: more while the server is fast, half when it has too much.
type pace struct {
	mu    *sync.Mutex // guards what follows
	bytes int
	most  int // the server takes no more
}

const (
	paceFirst = 4 << 20
	paceMost  = 16 << 20
	paceLeast = 64 << 10
	paceItems = 5000
	// pacePair is from where on a batch is worth two requests at once.
	pacePair = 256 << 10
)

func newPace() pace { return pace{mu: new(sync.Mutex), bytes: paceFirst, most: paceMost} }

// went notes a request that went well.
func (p *pace) went(bytes int, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case took > 5*time.Second:
		p.bytes = max(p.bytes/2, paceLeast)
	case took < time.Second && bytes > p.bytes/2:
		p.bytes = min(p.bytes*3/2, p.most)
	}
}

// tooMuch notes that the server has more to do than it can.
func (p *pace) tooMuch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes = max(p.bytes/2, min(paceLeast, p.most))
}

// tooLarge notes that so many bytes are more than the server, or a proxy before it, ever takes.
func (p *pace) tooLarge(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = max(min(bytes, p.most)/2, 1)
	p.bytes = min(p.bytes, p.most)
}

// cut parts items into requests.
func (p *pace) cut(items []*item) (parts [][]*item) {
	p.mu.Lock()
	limit := p.bytes
	p.mu.Unlock()
	total := 0
	for _, i := range items {
		total += i.size()
	}
	n := max((total+limit-1)/limit, (len(items)+paceItems-1)/paceItems, 1)
	if total > pacePair {
		n += n % requests // as many as go on at once, or a multiple
	}
	from, bytes := 0, 0
	for at, i := range items {
		if at > from && (bytes+i.size() > limit || bytes*n >= total) {
			parts = append(parts, items[from:at])
			from, bytes = at, 0
		}
		bytes += i.size()
	}
	return append(parts, items[from:])
}
