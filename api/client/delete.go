package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// DeleteAll deletes one page of what q asks for (query or user_id, dry_run, until_id), and gives the ids and what goes on with the next page; "" at the end.
func (c *Client) DeleteAll(ctx context.Context, q url.Values) (ids []string, next string, err error) {
	answer, err := c.do(ctx, http.MethodDelete, "/2/tweets", q, nil, nil)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	var page struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
		Meta struct {
			Next string `json:"next_until_id"`
		} `json:"meta"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&page); err != nil {
		return nil, "", fmt.Errorf("answer of a deletion: %w", err)
	}
	for _, t := range page.Data {
		ids = append(ids, t.ID)
	}
	return ids, page.Meta.Next, nil
}
