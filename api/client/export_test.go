package client

import "time"

// Hurry makes the client wait hardly at all before it tries again.
func (c *Client) Hurry() { c.pause = time.Millisecond }
