package main

import (
	"context"
	"time"

	"birdwatch/ingest"
)

// waitFor asks again and again, each time after a little longer, until it is so.
func waitFor(ctx context.Context, so func() (bool, error)) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		if ok, err := so(); ok || err != nil {
			return err
		}
		if err := ingest.Pause(ctx, wait); err != nil {
			return err
		}
	}
}
