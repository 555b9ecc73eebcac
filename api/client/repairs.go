package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// DeadLetters reads a page of what the archive could not take, behind a key ("": the first), into page.
func (c *Client) DeadLetters(ctx context.Context, after string, limit int, page any) error {
	q := url.Values{"max_results": {strconv.Itoa(limit)}}
	if after != "" {
		q.Set("after", after)
	}
	return c.get(ctx, "/2/dead_letters", q, page)
}

// Keys posts keys of dead letters to a path and reads the answer.
func (c *Client) Keys(ctx context.Context, path string, keys []string, answer any) error {
	body, err := json.Marshal(map[string][]string{"keys": keys})
	if err != nil {
		return fmt.Errorf("send keys: %w", err)
	}
	return c.post(ctx, path, bytes.NewReader(body), answer)
}

// Reindex has the server make its index again, and returns when that is done. When ctx ends the server stops; asked again it
// goes on where it was.
func (c *Client) Reindex(ctx context.Context, progress func(done, total int64)) error {
	answer, err := c.do(ctx, http.MethodPost, "/2/reindex", nil, nil, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		var line struct {
			Done, Total int64
			Finished    bool
			Error       string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("answer of reindex: %w", err)
		}
		switch {
		case line.Finished:
			return nil
		case line.Error != "":
			return errors.New(line.Error)
		}
		progress(line.Done, line.Total)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("answer of reindex: %w", err)
	}
	return errors.New("the server broke off before the index was done")
}
