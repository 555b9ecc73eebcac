package api

import (
	"runtime/debug"
	"time"
)

// wave is how many streams, once they have come and no more do, are worth a collection.
const wave = 1000

// tidy gives memory back to the system when a wave of clients has come. What it took to let them in, 27 KB each, is garbage then; where
// little happens after it, it would stay for minutes.
func (c *courier) tidy(stop <-chan struct{}) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for tidied, before := 0, 0; ; {
		select {
		case <-every.C:
		case <-stop:
			return
		}
		c.mu.Lock()
		came := c.came
		c.mu.Unlock()
		if came == before && came-tidied >= wave {
			debug.FreeOSMemory()
			tidied = came
		}
		before = came
	}
}
