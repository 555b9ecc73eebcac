package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
)

// Coverage reads a page of the account of coverage into page; q are the parameters of GET /2/coverage.
func (c *Client) Coverage(ctx context.Context, q url.Values, page any) error {
	return c.get(ctx, "/2/coverage", q, page)
}

// Imported tells the server what was imported through it.
func (c *Client) Imported(ctx context.Context, what any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("tell of an import: %w", err)
	}
	var answer any
	return c.post(ctx, "/2/coverage/imports", bytes.NewReader(body), &answer)
}
