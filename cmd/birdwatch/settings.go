package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"birdwatch/api"
)

// check refuses what cannot be meant, before anything is opened: a server that starts all the same does not do what it was told to.
func (c *serveCommand) check() error {
	for _, code := range c.Country {
		if len(code) != 2 {
			return usage(fmt.Errorf("--country takes codes of two letters, such as DE, not %q", code))
		}
	}
	if c.PageWrites && !(api.Config{Addr: c.Listen}).OnLoopback() {
		return usage(fmt.Errorf("--page-writes holds on loopback only, and others can reach %s: whoever does would write without a token", c.Listen))
	}
	for _, err := range []error{c.checkNumbers(), c.Stream.check(), c.XStream.check(), c.checkElastic()} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *serveCommand) checkNumbers() error {
	const (
		some  = "a number above 0"
		orAny = "0, which is any, or a number above it"
	)
	for _, n := range []struct {
		flag    string
		right   bool
		allowed string
	}{
		{"max-streams", c.MaxStreams > 0, some},
		{"max-streams-address", c.MaxStreamsAddress >= 0, orAny},
		{"max-streams-token", c.MaxStreamsToken >= 0, orAny},
		{"max-queries", c.MaxQueries > 0, some},
		{"max-rules", c.MaxRules > 0, some},
		{"max-query-cost", c.MaxQueryCost >= 0, orAny}, // what is not a number is neither
		{"max-body", c.MaxBody > 0, "a number of bytes above 0"},
		{"journal-age", c.JournalAge > 0, "a time above 0, such as 72h"},
		{"journal-bytes", c.JournalBytes > 0, "a number of bytes above 0"},
		{"x-stream-budget", c.XStream.Budget >= 0, "0, which is no bound, or a number above it"},
	} {
		if !n.right {
			return usage(fmt.Errorf("--%s takes %s", n.flag, n.allowed))
		}
	}
	return nil
}

// check refuses what says how to take in a stream when there is none to take in.
func (f *streamFlags) check() error {
	set := func(s string) bool { return s != "" && s != streamDefault }
	return needsURL("stream-", f.URL, []given{{"track", says(f.Track)}, {"follow", says(f.Follow)}, {"locations", says(f.Locations)}, {"language", says(f.Language)},
		{"consumer-key", set(f.ConsumerKey)}, {"consumer-secret", set(f.ConsumerSecret)}, {"token", set(f.Token)}, {"token-secret", set(f.TokenSecret)}})
}

// check is as that of streamFlags.
func (f *xFlags) check() error {
	return needsURL("x-stream-", f.URL, []given{{"bearer", f.Bearer != ""}, {"rule", says(f.Rule)}, {"rules", f.Rules != ""}, {"keep-others", f.KeepOthers},
		{"backfill-minutes", f.BackfillMinutes != 0}, {"budget", f.Budget != 0}})
}

// given is a flag, and whether it or its environment variable says something: an empty variable does not.
type given struct {
	flag string
	is   bool
}

func says(values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) != "" })
}

func needsURL(prefix, url string, flags []given) error {
	if url != "" {
		return nil
	}
	var idle []string
	for _, f := range flags {
		if f.is {
			idle = append(idle, "--"+prefix+f.flag)
		}
	}
	if len(idle) == 0 {
		return nil
	}
	return usage(fmt.Errorf("no stream is taken in without --%surl, for which %s was given", prefix, strings.Join(idle, ", ")))
}

// checkElastic refuses flags that name no Elasticsearch, or two.
func (f *dataFlags) checkElastic() error {
	if len(f.Elastic) > 0 && f.With.CloudID != "" {
		return usage(errors.New("--elastic-cloud-id stands instead of --elastic: give one of them"))
	}
	for i, s := range f.Elastic { // what it says may hold a password
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return usage(fmt.Errorf("URL %d of --elastic is not of the form https://host:port", i+1))
		}
	}
	return nil
}
