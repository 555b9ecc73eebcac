package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// Page is one page of a search, with its objects as they came.
type Page struct {
	Data     []json.RawMessage          `json:"data"`
	Includes map[string]json.RawMessage `json:"includes"`
	Meta     struct {
		ResultCount int    `json:"result_count"`
		NextToken   string `json:"next_token"`
	} `json:"meta"`
}

// Search gives one page of search/all.
func (c *Client) Search(ctx context.Context, q url.Values) (*Page, error) {
	p := new(Page)
	return p, c.get(ctx, "/2/tweets/search/all", q, p)
}

// All gives the tweets of a search, page after page, newest first, until they end or whoever ranges wants no more. An error is
// yielded once, at the end. q is as for Search and is not changed.
func (c *Client) All(ctx context.Context, q url.Values) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		asked := url.Values{}
		for name, v := range q {
			asked[name] = v
		}
		for {
			p, err := c.Search(ctx, asked)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, t := range p.Data {
				if !yield(t, nil) {
					return
				}
			}
			if p.Meta.NextToken == "" {
				return
			}
			asked.Del("pagination_token")
			asked.Set("next_token", p.Meta.NextToken)
		}
	}
}

// Tweet is the answer to the look-up of one tweet, its objects as they came.
type Tweet struct {
	Data     json.RawMessage            `json:"data"`
	Includes map[string]json.RawMessage `json:"includes"`
}

// Get gives one tweet; q selects its fields. An Error with status 404 or 410 says that it is not there, or deleted.
func (c *Client) Get(ctx context.Context, id string, q url.Values) (*Tweet, error) {
	t := new(Tweet)
	return t, c.get(ctx, "/2/tweets/"+url.PathEscape(id), q, t)
}

// Raw gives the bytes of a tweet as they were taken in; header says when and from where (X-Captured-At, X-Provenance-*).
func (c *Client) Raw(ctx context.Context, id string) (raw []byte, header http.Header, err error) {
	path := "/2/tweets/" + url.PathEscape(id) + "/raw"
	answer, err := c.do(ctx, http.MethodGet, path, nil, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	if raw, err = io.ReadAll(answer.Body); err != nil {
		return nil, nil, fmt.Errorf("answer of %s: %w", path, err)
	}
	return raw, answer.Header, nil
}

// Delete deletes a tweet. It needs a token for writing.
func (c *Client) Delete(ctx context.Context, id string) error {
	answer, err := c.do(ctx, http.MethodDelete, "/2/tweets/"+url.PathEscape(id), nil, nil, nil)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// Ingested says what became of the records that Ingest sent.
type Ingested struct {
	Data []struct {
		ID     string `json:"id"`
		Result string `json:"result"`
		Pos    int64  `json:"pos"`
		Error  string `json:"error"`
	} `json:"data"`
	Meta struct {
		ResultCount int            `json:"result_count"`
		Summary     map[string]int `json:"summary"`
	} `json:"meta"`
}

// Ingest sends a body of any known shape, as it is read, through the server's journal: when it returns, what is not refused is on the
// server's disk. Sending the same again changes nothing. It needs a token for writing.
func (c *Client) Ingest(ctx context.Context, body io.Reader) (*Ingested, error) {
	r := new(Ingested)
	return r, c.post(ctx, "/2/tweets/ingest", body, r)
}

// Import sends lines as POST /2/tweets/import takes them, and gives the summary as JSON.
func (c *Client) Import(ctx context.Context, lines []byte) (json.RawMessage, error) {
	var v struct{ Data json.RawMessage }
	err := c.post(ctx, "/2/tweets/import", bytes.NewReader(lines), &v)
	return v.Data, err
}

// post sends lines.
func (c *Client) post(ctx context.Context, path string, body io.Reader, to any) error {
	answer, err := c.do(ctx, http.MethodPost, path, nil, http.Header{"Content-Type": {"application/x-ndjson"}}, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(to); err != nil {
		return fmt.Errorf("answer of %s: %w", path, err)
	}
	return nil
}

// Wanted gives ids of tweets that are wanted still, at most n, above one.
func (c *Client) Wanted(ctx context.Context, after string, n int) (ids []string, err error) {
	q := url.Values{"max_results": {strconv.Itoa(n)}}
	if after != "0" {
		q.Set("after_id", after)
	}
	var v struct {
		Data []struct{ ID string }
	}
	err = c.get(ctx, "/2/tweets/wanted", q, &v)
	for _, d := range v.Data {
		ids = append(ids, d.ID)
	}
	return ids, err
}

// Status gives the server's status, as JSON.
func (c *Client) Status(ctx context.Context) (json.RawMessage, error) {
	var v struct{ Data json.RawMessage }
	err := c.get(ctx, "/2/status", nil, &v)
	return v.Data, err
}
