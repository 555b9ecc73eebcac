package elastic

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tidwall/gjson"

	"birdwatch/search"
)

// The server keeps deleted documents for copies of a shard that lag behind, and looks twice a minute whether any does.
const (
	compactWait = 3 * time.Second
	compactMost = 3 * time.Minute
)

// Compact merges each index into one segment, without documents that were deleted or replaced, and ends the transaction logs. It asks again until
// the server has let them go, which takes up to a minute after the last write, and longer where the server is busy.
func (a *Archive) Compact(ctx context.Context) error {
	if err := a.settle(ctx); err != nil {
		return fault("compact", err)
	}
	names := "/" + a.schema.all() + "," + a.schema.state() + "," + a.schema.letters()
	for begun := a.now(); ; {
		for _, path := range []string{names + "/_flush?force=true&ignore_unavailable=true", names + "/_forcemerge?max_num_segments=1&ignore_unavailable=true"} {
			if _, err := a.call(ctx, http.MethodPost, path, nil); err != nil {
				return fault("compact", err)
			}
		}
		left, err := a.Traces(ctx)
		switch {
		case err != nil || len(left) == 0:
			return err
		case a.now().Sub(begun) > compactMost:
			return fmt.Errorf("compact: %w: the server has not let go of all: %s", search.ErrUnavailable, left[0])
		}
		select {
		case <-time.After(compactWait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Traces asks the server whether documents that were deleted or replaced are still in its segments. Its files are its own: no more can be seen.
func (a *Archive) Traces(ctx context.Context) ([]string, error) {
	body, err := a.call(ctx, http.MethodGet, "/"+a.schema.all()+","+a.schema.letters()+"/_stats/docs,translog?ignore_unavailable=true", nil)
	if err != nil {
		return nil, fault("look for traces", err)
	}
	var traces []string
	gjson.GetBytes(body, "indices").ForEach(func(name, index gjson.Result) bool {
		if n := index.Get("total.docs.deleted").Int(); n > 0 {
			traces = append(traces, fmt.Sprintf("%s: %d documents that were deleted or replaced are in its segments", name.Str, n))
		}
		if n := index.Get("total.translog.uncommitted_operations").Int(); n > 0 {
			traces = append(traces, fmt.Sprintf("%s: %d operations are in its transaction log", name.Str, n))
		}
		return true
	})
	return traces, nil
}
