package elastic

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/goccy/go-json"
	"golang.org/x/sync/errgroup"

	"birdwatch/search"
	"birdwatch/tweet"
)

// item is one document on its way to the server.
type item struct {
	id      tweet.ID
	period  period
	version int64
	doc     *tweet.Document // with content, what is written
	content []byte
	hidden  []string // where it is
	remove  bool     // instead

	state   itemState
	problem *serverError // why it is not written
}

type itemState uint8

const (
	waiting     itemState = iota
	written               // or removed, or not there to be removed
	conflicting           // there is a newer version
	refused               // the server cannot take its content
)

// size is about how many bytes it takes.
func (i *item) size() int { return len(i.content) + 200 }

// target says where items go.
type target struct {
	index map[period]string // nil: the periods' aliases
	// newer only takes the place of older versions; else it takes that of equal ones too.
	newer bool
}

// put writes items to the archive. When it gives no error, each is written, conflicting or refused.
func (a *Archive) put(ctx context.Context, items []*item) error {
	if len(items) == 0 {
		return nil
	}
	wanted, strays := map[period]bool{}, false
	for _, i := range items {
		wanted[i.period] = true
		if there := a.writer.present[i.period]; there != nil {
			there.add(i.id)
		}
		strays = strays || bytes.Contains(i.content, []byte(search.StrayTerm))
	}
	if err := a.ensure(ctx, wanted); err != nil {
		return err
	}
	// First to an index that is being filled: what fails after this is written to both when it is written again.
	if err := a.putFilling(ctx, items); err != nil {
		return err
	}
	err := a.send(ctx, items, target{})
	a.unseen.add(wanted, strays) // whatever came of it, some may be written
	return err
}

// sendTries is how often a request is tried again that did nothing, before the archive is called unavailable.
const sendTries = 4

// send sends items until each is written, conflicting or refused.
func (a *Archive) send(ctx context.Context, items []*item, to target) error {
	left := slices.Clone(items)
	for try := 0; len(left) > 0; try++ {
		if err := a.hold(ctx); err != nil {
			return err
		}
		if a.writer.forget.Load() { // the lease was lost for a while: what was read and merged is perhaps old
			return fmt.Errorf("%w: another process may have written meanwhile", search.ErrUnavailable)
		}
		last, err := a.sendOnce(ctx, left, to)
		if err != nil {
			return err
		}
		before := len(left)
		left = slices.DeleteFunc(left, func(i *item) bool { return i.state != waiting })
		if len(left) == 0 {
			break
		}
		if len(left) < before {
			try = 0
		}
		if last == nil && left[0].problem == nil {
			try = -1 // nothing is wrong but that the requests were too large; they are smaller now
			continue
		}
		if last == nil {
			last = left[0].problem
		}
		if try >= sendTries || !worthWaiting(last) || !wait(ctx, try, waitMost) {
			return fmt.Errorf("%d of %d documents are not written: %w", len(left), len(items), last)
		}
	}
	return nil
}

// requests is how many go on at once.
const requests = 2

// sendOnce sends each item once, no id in two requests at the same time. problem is the last one that passes by itself.
func (a *Archive) sendOnce(ctx context.Context, items []*item, to target) (problem, err error) {
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(requests)
	for _, i := range items {
		i.problem = nil
	}
	for _, part := range a.writer.pace.cut(items) {
		g.Go(func() error {
			err := a.request(ctx, part, to)
			if err != nil && (worthWaiting(err) || isTooLarge(err)) {
				mu.Lock()
				defer mu.Unlock()
				problem = err
				return nil
			}
			return err
		})
	}
	err = g.Wait()
	if isTooLarge(problem) {
		problem = nil // the parts are smaller from now on
	}
	return problem, err
}

func isTooLarge(err error) bool {
	e := asServerError(err)
	return e != nil && e.Status == http.StatusRequestEntityTooLarge
}

var bodies = sync.Pool{New: func() any { return new([]byte) }}

// request sends items in one request and notes in each what became of it.
func (a *Archive) request(ctx context.Context, items []*item, to target) error {
	kept := bodies.Get().(*[]byte)
	body := (*kept)[:0]
	for _, i := range items {
		body = a.appendItem(body, i, to)
	}
	path := "/_bulk?filter_path=errors,items.*.status,items.*.error"
	if to.index == nil {
		path += "&require_alias=true" // else an alias that is gone would be made an index
	}
	began := time.Now()
	answer, err := a.call(ctx, http.MethodPost, path, body)
	switch e := asServerError(err); {
	case isTooLarge(err):
		if len(items) == 1 {
			items[0].state = refused
			items[0].problem = &serverError{Status: e.Status, Type: "too_large", Reason: fmt.Sprintf("its %d bytes are more than the server takes in one request", len(body))}
			return nil
		}
		a.writer.pace.tooLarge(len(body))
		return err
	case e != nil && e.Status == http.StatusTooManyRequests:
		a.writer.pace.tooMuch()
		return err
	case err != nil:
		return err
	}
	a.writer.pace.went(len(body), time.Since(began))
	*kept = body
	bodies.Put(kept) // after an answer like this nobody reads the body any more
	return a.noteAnswer(items, answer)
}

func (a *Archive) appendItem(dst []byte, i *item, to target) []byte {
	action := `{"index":{"_index":"`
	if i.remove {
		action = `{"delete":{"_index":"`
	}
	dst = append(dst, action...)
	if to.index != nil {
		dst = append(dst, to.index[i.period]...)
	} else {
		dst = append(dst, a.schema.alias(i.period)...)
	}
	dst = appendNumber(append(dst, `","_id":"`...), int64(i.id))
	dst = appendNumber(append(dst, `","version":`...), i.version)
	if to.newer {
		dst = append(dst, `,"version_type":"external"}}`...)
	} else {
		dst = append(dst, `,"version_type":"external_gte"}}`...)
	}
	dst = append(dst, '\n')
	if i.remove {
		return dst
	}
	dst = appendHead(dst, i.doc, i.hidden)
	if i.doc.Tombstone {
		return append(dst, "}\n"...)
	}
	return append(append(dst, i.content...), '\n')
}

// bulkAnswer is what a bulk request is answered: by item, under its action.
type bulkAnswer struct {
	Items []map[string]struct {
		Status int    `json:"status"`
		Error  *cause `json:"error"`
	} `json:"items"`
}

// noteAnswer notes in each item what the answer says of it.
func (a *Archive) noteAnswer(items []*item, answer []byte) error {
	if bytes.HasPrefix(answer, []byte(`{"errors":false`)) {
		for _, i := range items {
			i.state = written
		}
		return nil
	}
	var found bulkAnswer
	if err := json.Unmarshal(answer, &found); err != nil {
		return fmt.Errorf("bulk: %w", err)
	}
	if len(found.Items) != len(items) {
		return fmt.Errorf("bulk: %d items were sent, %d answered", len(items), len(found.Items))
	}
	for n, one := range found.Items {
		for _, result := range one {
			items[n].note(result.Status, result.Error)
			if result.Error != nil && result.Error.Type == "index_not_found_exception" {
				a.schema.forgetPeriods()
			}
		}
	}
	for _, i := range items {
		if i.state == waiting {
			a.writer.pace.tooMuch()
			break
		}
	}
	return nil
}

// note notes what became of the item.
func (i *item) note(status int, c *cause) {
	if c == nil {
		i.state = written
		return
	}
	e := c.error(status)
	i.problem = e
	switch {
	case status == http.StatusConflict:
		i.state = conflicting
	case e.kind != nil || status >= http.StatusInternalServerError || e.has("index_not_found_exception"):
		i.state, e.kind = waiting, search.ErrUnavailable
	default:
		i.state = refused
	}
}
