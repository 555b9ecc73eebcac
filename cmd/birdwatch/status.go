package main

import (
	"encoding/json"
	"fmt"
	"io"

	"birdwatch/api/client"
)

type statusCommand struct {
	dataFlags
	serverFlags
	JSON bool `name:"json" help:"As JSON."`
}

// Run prints what the folder holds, or what the server that has it says.
func (c *statusCommand) Run(env *environment) error {
	s := new(status)
	err := hereOrThere(env, &c.dataFlags, &c.serverFlags,
		func(n *node) (err error) { s, err = n.status(env.ctx); return err },
		func(server *client.Client) error {
			answer, err := server.Status(env.ctx)
			if err == nil {
				if err = json.Unmarshal(answer, s); err != nil {
					err = fmt.Errorf("server's status: %w", err)
				}
			}
			return err
		})
	if err != nil {
		return err
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
