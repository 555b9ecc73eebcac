package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"birdwatch/api/client"
)

type tailCommand struct {
	dataFlags
	serverFlags
	Query    []string `arg:"" optional:"" help:"The query; empty is every tweet. See docs/query.md."`
	Backfill int      `short:"n" default:"10" help:"How many tweets of history come first, 0 to 500."`
	JSON     bool     `name:"json" help:"One event a line: {\"event\", \"id\", \"data\"}."`
	From     string   `placeholder:"ID" help:"Go on after this event id instead."`
}

// Run follows a query at a server until it is interrupted, and resumes by itself.
func (c *tailCommand) Run(env *environment) error {
	if err := c.present(c.Data); err != nil {
		return err
	}
	address, token, err := c.server(c.Data)
	if err != nil {
		return err
	}
	if address == "" {
		return usage(fmt.Errorf("no server runs on %s: start birdwatch serve, or give --server", c.Data))
	}
	q := url.Values{"query": {strings.Join(c.Query, " ")}, "backfill": {strconv.Itoa(c.Backfill)}}
	if c.From != "" {
		q.Set("last_event_id", c.From)
	}
	note := func(s string) { fmt.Fprintln(env.stderr, "birdwatch:", s) }
	out := &printer{w: env.stdout}
	for e, err := range client.New(address, token).Tail(env.ctx, withFields(q), note) {
		var problem *client.Error
		if errors.As(err, &problem) {
			return usage(err)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			err = printEvent(out, e)
		} else {
			err = showEvent(out, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func printEvent(out *printer, e client.Event) error {
	line, err := json.Marshal(struct {
		Event string          `json:"event"`
		ID    string          `json:"id,omitempty"`
		Data  json.RawMessage `json:"data"`
	}{e.Name, e.ID, json.RawMessage(e.Data)})
	if err != nil {
		return fmt.Errorf("event %s: %w", e.ID, err)
	}
	_, err = out.w.Write(append(line, '\n'))
	return err
}

func showEvent(out *printer, e client.Event) error {
	var text string
	switch e.Name {
	case "message":
		return out.print([]byte(e.Data))
	case "live":
		text = "— live —"
	case "delete":
		var d struct{ ID string }
		if err := json.Unmarshal([]byte(e.Data), &d); err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
		text = "— deleted: " + d.ID + " —"
	case "gap":
		text = "— some tweets were missed: " + e.Data + " —"
	case "end":
		text = "— nothing can match any more —"
	default:
		return nil
	}
	_, err := fmt.Fprintf(out.w, "%s\n\n", text)
	return err
}
