package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"birdwatch/api/client"
	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

type searchCommand struct {
	dataFlags
	serverFlags
	Query []string `arg:"" optional:"" help:"The query; empty is every tweet. See docs/query.md."`
	Limit int      `short:"n" default:"20" help:"Most tweets to print; 0 is all."`
	JSON  bool     `name:"json" help:"One payload a line, for pipes."`
}

// Run searches the folder, or asks the server that has it.
func (c *searchCommand) Run(env *environment) error {
	text := strings.Join(c.Query, " ")
	q, err := query.Parse(text, time.Now())
	if err != nil {
		return usage(err)
	}
	out := &printer{w: env.stdout, json: c.JSON}
	return hereOrThere(env, &c.dataFlags, &c.serverFlags,
		func(n *node) error { return c.local(env.ctx, n, q.Expr, out) },
		func(server *client.Client) error { return c.remote(env.ctx, server, text, out) })
}

func (c *searchCommand) local(ctx context.Context, n *node, e query.Expr, out *printer) error {
	r := search.Request{Query: e}
	for printed := 0; c.Limit == 0 || printed < c.Limit; {
		r.Limit = 100
		if c.Limit > 0 {
			r.Limit = min(r.Limit, c.Limit-printed)
		}
		page, err := n.archive.Search(ctx, r)
		if err != nil {
			return err
		}
		for _, h := range page.Hits {
			if err := out.print(h.Payload); err != nil {
				return err
			}
			r.BeforeID = h.ID
		}
		printed += len(page.Hits)
		if !page.More {
			break
		}
	}
	return nil
}

func (c *searchCommand) remote(ctx context.Context, from *client.Client, text string, out *printer) error {
	params := withFields(url.Values{"query": {text}})
	for printed := 0; c.Limit == 0 || printed < c.Limit; {
		n := 100
		if c.Limit > 0 {
			n = min(n, c.Limit-printed)
		}
		params.Set("max_results", strconv.Itoa(max(n, 10))) // the API's least
		page, err := from.Search(ctx, params)
		var problem *client.Error
		if errors.As(err, &problem) && problem.Lasting() {
			return usage(err)
		}
		if err != nil {
			return err
		}
		for _, data := range page.Data[:min(n, len(page.Data))] {
			line, err := json.Marshal(map[string]any{"data": data, "includes": page.Includes})
			if err != nil {
				return fmt.Errorf("print tweet: %w", err)
			}
			if err := out.print(line); err != nil {
				return err
			}
			printed++
		}
		if page.Meta.NextToken == "" {
			break
		}
		params.Set("next_token", page.Meta.NextToken)
	}
	return nil
}

// withFields asks for all that the command line shows.
func withFields(q url.Values) url.Values {
	q.Set("tweet.fields", "author_id,created_at,entities,lang,note_tweet,public_metrics,referenced_tweets,source")
	q.Set("expansions", "author_id,referenced_tweets.id,referenced_tweets.id.author_id")
	q.Set("user.fields", "id,name,username")
	return q
}

// printer writes tweets for a person, or one a line for a program.
type printer struct {
	w interface {
		Write([]byte) (int, error)
	}
	json bool
}

func (p *printer) print(payload []byte) error {
	if p.json {
		_, err := p.w.Write(append(payload, '\n'))
		return err
	}
	t, err := tweet.Decode(payload)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(p.w, plainTweet(t))
	return err
}

// plainTweet shows a tweet in some lines of text. Control characters are taken out: a terminal would obey them.
func plainTweet(p *tweet.Payload) string {
	v := p.View()
	who := "unknown"
	if v.Author != nil {
		who = "@" + v.Author.Username
	}
	if v.Repeated != 0 {
		who += " ↻"
		if v.RepeatedAuthor != nil {
			who += " @" + v.RepeatedAuthor.Username
		}
	}
	when := "time unknown"
	if ms := p.Data.Time(); ms > 0 {
		when = time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05Z")
	}
	text := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7F || r >= 0x80 && r < 0xA0 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, unescape.Replace(v.Text))
	return fmt.Sprintf("%s  %s  %d\n  %s\n\n", when, who, p.Data.ID, strings.ReplaceAll(text, "\n", "\n  "))
}

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&amp;", "&")
