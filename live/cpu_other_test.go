//go:build !unix

package live_test

import "time"

var begun = time.Now()

// cpuTime is the clock's, where the system tells no other.
func cpuTime() time.Duration { return time.Since(begun) }
