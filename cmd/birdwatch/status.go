package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"birdwatch/api/client"
	"birdwatch/ingest/journal"
)

type statusCommand struct {
	dataFlags
	serverFlags
	JSON bool `name:"json" help:"As JSON."`
}

// Run prints what the folder holds, or what the server that has it says.
func (c *statusCommand) Run(env *environment) error {
	var s *status
	if c.Server == "" {
		if _, err := os.Stat(c.Data); err != nil {
			return usage(fmt.Errorf("status: %w", err))
		}
		n, err := openNode(env.ctx, c.dataFlags, journal.Options{}, env.log)
		if err == nil {
			s, err = n.status(env.ctx)
			err = errors.Join(err, n.close())
		}
		if err != nil && !errors.Is(err, journal.ErrLocked) {
			return err
		}
	}
	if s == nil {
		address, token, err := c.server(c.Data)
		if err != nil {
			return err
		}
		if address == "" {
			return errBusy(c.Data, journal.ErrLocked)
		}
		answer, err := client.New(address, token).Status(env.ctx)
		if err != nil {
			return err
		}
		s = new(status)
		if err := json.Unmarshal(answer, s); err != nil {
			return fmt.Errorf("server's status: %w", err)
		}
	}
	if c.JSON {
		return json.NewEncoder(env.stdout).Encode(s)
	}
	return s.print(env.stdout)
}

func (s *status) print(w io.Writer) error {
	at := s.Archive.Position.String()
	if s.Archive.Position.IsZero() {
		at = "no entry yet"
	}
	_, err := fmt.Fprintf(w, `tweets         %d
tombstones     %d
dead letters   %d
on disk        %s, %d bytes a tweet
journal        %d entries, seq %d to %d, epoch %s, %s
id table       %d ids, %d of them deleted
archive at     %s, %d behind
`, s.Archive.Tweets, s.Archive.Tombstones, s.Archive.DeadLetters, bytesText(s.Archive.Bytes), s.BytesATweet,
		s.Journal.Entries, s.Journal.First, s.Journal.Last, s.Journal.Epoch, bytesText(s.Journal.Bytes),
		s.Journal.IDs, s.Journal.Tombstones, at, s.Behind)
	return err
}
