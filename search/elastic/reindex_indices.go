package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/tidwall/gjson"
)

// size is how many documents an index has.
func (a *Archive) size(ctx context.Context, index string) (int64, error) {
	body, err := a.call(ctx, http.MethodGet, "/"+index+"/_count", nil)
	if err != nil {
		return 0, err
	}
	var found struct {
		Count  int64  `json:"count"`
		Shards shards `json:"_shards"`
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return 0, err
	}
	return found.Count, found.Shards.complete(false)
}

// leftover gives indices of ours that no alias names and nobody fills.
func (a *Archive) leftover(ctx context.Context) ([]string, error) {
	known, err := a.indices(ctx)
	if err != nil {
		return nil, err
	}
	body, err := a.call(ctx, http.MethodGet, "/"+a.schema.prefix+"-*-*/_settings?filter_path=*.settings.index.uuid", nil)
	if err != nil {
		return nil, err
	}
	var old []string
	gjson.ParseBytes(body).ForEach(func(name, _ gjson.Result) bool {
		p, generation, ok := a.schema.parseIndex(name.Str)
		_, current, there := a.schema.parseIndex(known.names[p])
		if ok && there && generation < current {
			old = append(old, name.Str)
		}
		return true
	})
	return old, nil
}

// drop removes indices. Those that are not there are no error.
func (a *Archive) drop(ctx context.Context, indices []string) error {
	for _, name := range indices {
		if _, err := a.call(ctx, http.MethodDelete, "/"+name, nil); err != nil && !isMissing(err) {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	return nil
}
