package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"birdwatch/api/client"
	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

type deleteCommand struct {
	dataFlags
	serverFlags
	IDs    []string `arg:"" optional:"" name:"id" help:"Tweets to delete."`
	Query  string   `placeholder:"QUERY" help:"Delete all tweets that match, hidden ones too."`
	User   string   `placeholder:"ID" help:"Delete all tweets of this user, as a notice of the user's deletion does: copies of them in others go too, and what comes later is refused."`
	DryRun bool     `help:"Delete nothing; print what would be deleted."`
}

// deleter is how the command deletes, here or there.
type deleter interface {
	// one deletes a tweet.
	one(ctx context.Context, id tweet.ID) error
	// page deletes, or only finds, a page of what a query finds up to an id, exclusive; next is 0 at the end.
	page(ctx context.Context, text string, until tweet.ID, dry bool) (ids []tweet.ID, next tweet.ID, err error)
	// user deletes a user.
	user(ctx context.Context, id tweet.ID) error
}

// Run deletes in the folder, or through the server that has it. It prints the ids.
func (c *deleteCommand) Run(env *environment) error {
	ids, user, err := c.check()
	if err != nil {
		return usage(fmt.Errorf("delete: %w", err))
	}
	n := 0
	return hereOrThere(env, &c.dataFlags, &c.serverFlags,
		func(node *node) (err error) {
			ctx, cancel := context.WithCancel(env.ctx)
			var following errgroup.Group
			following.Go(func() error { return node.follow(ctx) })
			defer func() {
				cancel()
				err = errors.Join(err, following.Wait())
			}()
			if n, err = c.run(env, deletesHere{node}, ids, user); err != nil {
				return err
			}
			return errors.Join(node.sweepDue(ctx), node.caughtUp(ctx), c.tell(env, n))
		},
		func(server *client.Client) error {
			if n, err = c.run(env, deletesThere{server}, ids, user); err != nil {
				return err
			}
			return c.tell(env, n)
		})
}

func (c *deleteCommand) check() (ids []tweet.ID, user tweet.ID, err error) {
	given := 0
	for _, is := range []bool{len(c.IDs) > 0, c.Query != "", c.User != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, 0, errors.New("name tweets by their ids, or give one of --query and --user")
	}
	if ids, err = parseIDs(c.IDs); err != nil {
		return nil, 0, err
	}
	if c.User != "" {
		if user, err = tweet.ParseID(c.User); err != nil {
			return nil, 0, fmt.Errorf("--user takes a user's id: %w", err)
		}
	}
	if _, err := query.Parse(c.Query, time.Now()); err != nil {
		return nil, 0, err
	}
	return ids, user, nil
}

func (c *deleteCommand) run(env *environment, d deleter, ids []tweet.ID, user tweet.ID) (n int, err error) {
	for _, id := range ids {
		if !c.DryRun {
			if err := d.one(env.ctx, id); err != nil {
				return n, err
			}
		}
		n++
		fmt.Fprintln(env.stdout, id)
	}
	if len(ids) > 0 {
		return n, nil
	}
	text := c.Query
	if user != 0 {
		text = "from:" + user.String()
	}
	for until := tweet.ID(0); ; {
		page, next, err := d.page(env.ctx, text, until, c.DryRun)
		if err != nil {
			return n, err
		}
		for _, id := range page {
			fmt.Fprintln(env.stdout, id)
		}
		n += len(page)
		if until = next; until == 0 {
			break
		}
	}
	if user != 0 && !c.DryRun {
		return n, d.user(env.ctx, user)
	}
	return n, nil
}

func (c *deleteCommand) tell(env *environment, n int) error {
	what := "deleted"
	if c.DryRun {
		what = "would be deleted"
	}
	_, err := fmt.Fprintf(env.stderr, "%d tweets %s\n", n, what)
	return err
}

// deletesHere deletes in an open folder.
type deletesHere struct{ *node }

func (h deletesHere) one(ctx context.Context, id tweet.ID) error {
	_, err := intake(h).Delete(ctx, []tweet.ID{id}, "")
	return err
}

func (h deletesHere) page(ctx context.Context, text string, until tweet.ID, dry bool) (ids []tweet.ID, next tweet.ID, err error) {
	q, err := query.Parse(text, time.Now())
	if err != nil {
		return nil, 0, err
	}
	page, err := h.archive.Search(ctx, search.Request{Query: q.Expr, BeforeID: until, Limit: sweepMost, Hidden: true})
	if err != nil {
		return nil, 0, err
	}
	for _, hit := range page.Hits {
		ids = append(ids, hit.ID)
	}
	if page.More {
		next = ids[len(ids)-1]
	}
	if !dry && len(ids) > 0 {
		_, err = intake(h).Delete(ctx, ids, "query: "+text)
	}
	return ids, next, err
}

func (h deletesHere) user(ctx context.Context, id tweet.ID) error {
	return intake(h).DeleteUser(ctx, id)
}

// deletesThere deletes through a server.
type deletesThere struct{ server *client.Client }

func (t deletesThere) one(ctx context.Context, id tweet.ID) error {
	return t.server.Delete(ctx, id.String())
}

func (t deletesThere) page(ctx context.Context, text string, until tweet.ID, dry bool) (ids []tweet.ID, next tweet.ID, err error) {
	return t.all(ctx, url.Values{"query": {text}, "dry_run": {fmt.Sprint(dry)}}, until)
}

func (t deletesThere) all(ctx context.Context, q url.Values, until tweet.ID) (ids []tweet.ID, next tweet.ID, err error) {
	if until != 0 {
		q.Set("until_id", until.String())
	}
	texts, more, err := t.server.DeleteAll(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	if ids, err = parseIDs(texts); err != nil {
		return nil, 0, fmt.Errorf("answer of the server: %w", err)
	}
	if more != "" {
		next, err = tweet.ParseID(more)
	}
	return ids, next, err
}

func (t deletesThere) user(ctx context.Context, id tweet.ID) error {
	_, _, err := t.all(ctx, url.Values{"user_id": {id.String()}}, 0)
	return err
}
