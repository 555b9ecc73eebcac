package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// load gives what is kept of a name; nil when nothing is. c.mu is held.
func (c *connections) load(ctx context.Context, name string) (*connection, error) {
	b, err := c.state.State(ctx, connectionKey+name)
	if err != nil || b == nil {
		return nil, err
	}
	k := new(connection)
	return k, json.Unmarshal(b, k)
}

// forget: c.mu is held.
func (c *connections) forget(ctx context.Context, name string) error {
	if err := c.state.SetState(ctx, connectionKey+name, nil); err != nil {
		return err
	}
	delete(c.sizes, name)
	return nil
}

// set keeps k of a name, unless a bound is in the way. c.mu is held.
func (c *connections) set(ctx context.Context, name string, k *connection) error {
	if err := c.measure(ctx); err != nil {
		return err
	}
	k.At = c.now().Unix()
	b, err := encodeJSON(k)
	if err != nil {
		return err
	}
	if len(b) > connectionMost {
		return problem(http.StatusTooManyRequests, "The queries of this stream were replaced more often than can be kept. Open another one.")
	}
	before, known := c.sizes[name]
	total := len(b) - before
	for _, n := range c.sizes {
		total += n
	}
	if !known && len(c.sizes) >= connectionsMost || total > connectionsBytes {
		return problem(http.StatusServiceUnavailable, "The queries of too many streams were replaced. What is kept of those that do not come back is forgotten after %d days.",
			connectionAge/(24*time.Hour)).retryAfter(int(connectionSweep / time.Second))
	}
	if err := c.state.SetState(ctx, connectionKey+name, b); err != nil {
		return err
	}
	c.sizes[name] = len(b)
	return nil
}

// seen notes that a name is of use. c.mu is held.
func (c *connections) seen(ctx context.Context, name string, k *connection) error {
	_, _, k.Seen = c.hub.Reach()
	k.At = c.now().Unix()
	b, err := encodeJSON(k)
	if err != nil {
		return err
	}
	return c.state.SetState(ctx, connectionKey+name, b)
}

// measure reads once how much is kept. c.mu is held.
func (c *connections) measure(ctx context.Context) error {
	if c.sizes != nil {
		return nil
	}
	keys, err := c.state.States(ctx, connectionKey)
	if err != nil {
		return err
	}
	sizes := make(map[string]int, len(keys))
	for _, key := range keys {
		b, err := c.state.State(ctx, key)
		if err != nil {
			return err
		}
		sizes[key[len(connectionKey):]] = len(b)
	}
	c.sizes = sizes
	return nil
}

// run sweeps until ctx ends. It looks at the clock at every tick.
func (c *connections) run(ctx context.Context, tick time.Duration, failed func(error)) {
	every := time.NewTicker(tick)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			if err := c.sweep(ctx); err != nil && ctx.Err() == nil {
				failed(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// sweep forgets, now and then, connections that nobody can resume any more, since the journal does not reach to when they were last open,
// or that were not open for long.
func (c *connections) sweep(ctx context.Context) error {
	c.mu.Lock()
	due := c.now().Sub(c.swept) >= connectionSweep
	if due {
		c.swept = c.now()
	}
	c.mu.Unlock()
	if !due {
		return nil
	}
	keys, err := c.state.States(ctx, connectionKey)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := c.review(ctx, key[len(connectionKey):]); err != nil {
			return err
		}
	}
	return nil
}

// review looks whether what is kept of a name is of use still. Streams that open meanwhile wait for one name, not for all.
func (c *connections) review(ctx context.Context, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, err := c.load(ctx, name)
	if err != nil || k == nil {
		return err
	}
	epoch, first, _ := c.hub.Reach()
	switch open := len(c.open[name]) > 0; {
	case open:
		return c.seen(ctx, name, k)
	case k.Epoch != epoch, k.Seen < first, k.At != 0 && c.now().Sub(time.Unix(k.At, 0)) > connectionAge:
		return c.forget(ctx, name)
	case k.At == 0: // written by a program that kept no time
		return c.seen(ctx, name, k)
	}
	return nil
}
