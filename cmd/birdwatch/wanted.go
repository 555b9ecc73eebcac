package main

import (
	"bufio"
	"context"
	"fmt"

	"birdwatch/api/client"
	"birdwatch/tweet"
)

type wantedCommand struct {
	dataFlags
	serverFlags
}

// wantedPage is how many are asked for at once.
const wantedPage = 1000

// Run prints the ids of tweets that lists named and that have not come, one a line: a list for whoever fetches tweets by id.
func (c *wantedCommand) Run(env *environment) error {
	out := bufio.NewWriter(env.stdout)
	all := func(page func(ctx context.Context, after tweet.ID, n int) ([]tweet.ID, error)) error {
		for after := tweet.ID(0); ; {
			ids, err := page(env.ctx, after, wantedPage)
			if err != nil {
				return err
			}
			for _, id := range ids {
				fmt.Fprintln(out, id)
			}
			if len(ids) < wantedPage {
				return out.Flush()
			}
			after = ids[len(ids)-1]
		}
	}
	return hereOrThere(env, &c.dataFlags, &c.serverFlags,
		func(n *node) error { return all(n.journal.Wanted) },
		func(server *client.Client) error {
			return all(func(ctx context.Context, after tweet.ID, n int) ([]tweet.ID, error) {
				found, err := server.Wanted(ctx, after.String(), n)
				if err != nil {
					return nil, err
				}
				ids, err := parseIDs(found)
				if err != nil {
					return nil, fmt.Errorf("answer of the server: %w", err)
				}
				return ids, nil
			})
		})
}
