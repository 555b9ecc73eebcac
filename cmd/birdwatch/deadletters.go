package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"birdwatch/api"
	"birdwatch/api/client"
	"birdwatch/search"
)

type deadLettersCommand struct {
	List  deadLettersList  `cmd:"" default:"withargs" help:"List what the archive could not take, with the reason."`
	Retry deadLettersRetry `cmd:"" help:"Take dead letters once more, after what hindered them is mended."`
	Drop  deadLettersDrop  `cmd:"" help:"Throw dead letters away for good."`
}

type deadLettersList struct {
	dataFlags
	serverFlags
	JSON bool `name:"json" help:"One object a line, with payload and raw (base64)."`
}

type deadLettersRetry struct {
	dataFlags
	serverFlags
	keyFlags
}

type deadLettersDrop struct {
	dataFlags
	serverFlags
	keyFlags
}

// keyFlags say which dead letters.
type keyFlags struct {
	Keys []string `arg:"" optional:"" name:"key" help:"Keys that list shows."`
	All  bool     `help:"All of them."`
}

func (k *keyFlags) check() error {
	if k.All == (len(k.Keys) > 0) {
		return usage(errors.New("name keys that `birdwatch deadletters list` shows, or give --all"))
	}
	return nil
}

// letters is where dead letters are: an archive opened here, or a server.
type letters interface {
	page(ctx context.Context, after string) (ls []api.DeadLetter, next string, err error)
	retry(ctx context.Context, keys []string) (search.Outcome, error)
	drop(ctx context.Context, keys []string) (int, error)
}

// letterPage is how many are asked for at once.
const letterPage = 500

type localLetters struct{ archive search.Archive }

func (l localLetters) page(ctx context.Context, after string) ([]api.DeadLetter, string, error) {
	found, err := l.archive.DeadLetters(ctx, after, letterPage)
	if err != nil {
		return nil, "", err
	}
	var next string
	if len(found) == letterPage {
		next = found[letterPage-1].Key
	}
	ls := make([]api.DeadLetter, len(found))
	for i, d := range found {
		ls[i] = api.ShowDeadLetter(d)
	}
	return ls, next, nil
}

func (l localLetters) retry(ctx context.Context, keys []string) (search.Outcome, error) {
	return l.archive.Retry(ctx, keys...)
}

func (l localLetters) drop(ctx context.Context, keys []string) (int, error) {
	return l.archive.Drop(ctx, keys...)
}

type remoteLetters struct{ server *client.Client }

func (r remoteLetters) page(ctx context.Context, after string) ([]api.DeadLetter, string, error) {
	var p api.DeadLetterPage
	err := r.server.DeadLetters(ctx, after, letterPage, &p)
	return p.Data, p.Meta.Next, err
}

func (r remoteLetters) retry(ctx context.Context, keys []string) (search.Outcome, error) {
	var answer struct{ Data search.Outcome }
	err := r.server.Keys(ctx, "/2/dead_letters/retry", keys, &answer)
	return answer.Data, err
}

func (r remoteLetters) drop(ctx context.Context, keys []string) (int, error) {
	var answer struct{ Data struct{ Dropped int } }
	err := r.server.Keys(ctx, "/2/dead_letters/drop", keys, &answer)
	return answer.Data.Dropped, err
}

// withLetters finds the dead letters: in the folder, or at the server that has it.
func withLetters(env *environment, d *dataFlags, s *serverFlags, f func(letters) error) error {
	return hereOrThere(env, d, s,
		func(n *node) error { return f(localLetters{n.archive}) },
		func(c *client.Client) error { return f(remoteLetters{c}) })
}

// Run lists.
func (c *deadLettersList) Run(env *environment) error {
	return withLetters(env, &c.dataFlags, &c.serverFlags, func(l letters) error {
		return eachPage(env.ctx, l, func(page []api.DeadLetter) error {
			for _, d := range page {
				if err := c.print(env, d); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (c *deadLettersList) print(env *environment, d api.DeadLetter) error {
	if c.JSON {
		return json.NewEncoder(env.stdout).Encode(d)
	}
	_, err := fmt.Fprintf(env.stdout, "%s\ttweet %d\tseq %d\t%s\n", d.Key, d.ID, d.Seq, oneLine(d.Reason))
	return err
}

// oneLine keeps a reason, which may hold parts of a tweet, from writing to the terminal as it likes.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 {
			return ' '
		}
		return r
	}, s)
}

func eachPage(ctx context.Context, l letters, f func([]api.DeadLetter) error) error {
	for after := ""; ; {
		page, next, err := l.page(ctx, after)
		if err != nil {
			return err
		}
		if err := f(page); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// inBatches gives the keys asked for, or all that there are.
func (k *keyFlags) inBatches(ctx context.Context, l letters, f func([]string) error) error {
	if !k.All {
		for from := 0; from < len(k.Keys); from += letterPage {
			if err := f(k.Keys[from:min(from+letterPage, len(k.Keys))]); err != nil {
				return err
			}
		}
		return nil
	}
	return eachPage(ctx, l, func(page []api.DeadLetter) error {
		if len(page) == 0 {
			return nil
		}
		keys := make([]string, len(page))
		for i := range page {
			keys[i] = page[i].Key
		}
		return f(keys)
	})
}

// Run retries.
func (c *deadLettersRetry) Run(env *environment) error {
	if err := c.check(); err != nil {
		return err
	}
	return withLetters(env, &c.dataFlags, &c.serverFlags, func(l letters) error {
		var sum search.Outcome
		err := c.inBatches(env.ctx, l, func(keys []string) error {
			o, err := l.retry(env.ctx, keys)
			sum.Inserted, sum.Updated, sum.Same, sum.Deleted, sum.Refused = sum.Inserted+o.Inserted, sum.Updated+o.Updated, sum.Same+o.Same, sum.Deleted+o.Deleted, sum.Refused+o.Refused
			return err
		})
		fmt.Fprintf(env.stdout, "%d in, %d the same, %d of deleted tweets, %d refused again\n", sum.Inserted+sum.Updated, sum.Same, sum.Deleted, sum.Refused)
		if err == nil && sum.Refused > 0 {
			err = &codeError{exitBadLines, fmt.Errorf("%d were refused again: birdwatch deadletters list says why", sum.Refused)}
		}
		return err
	})
}

// Run drops.
func (c *deadLettersDrop) Run(env *environment) error {
	if err := c.check(); err != nil {
		return err
	}
	return withLetters(env, &c.dataFlags, &c.serverFlags, func(l letters) error {
		sum := 0
		err := c.inBatches(env.ctx, l, func(keys []string) error {
			n, err := l.drop(env.ctx, keys)
			sum += n
			return err
		})
		fmt.Fprintf(env.stdout, "%d dropped\n", sum)
		return err
	})
}
