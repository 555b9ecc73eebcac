package querytest

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// Parse reads a script; name stands in errors.
func Parse(name, text string) (*Script, error) {
	r := &reader{script: &Script{Name: name}, users: map[string]*tweet.User{}, tweets: map[string]*draft{}}
	if err := r.read(text); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, r.line, err)
	}
	return r.script, nil
}

type reader struct {
	script  *Script
	line    int
	users   map[string]*tweet.User // by handle
	tweets  map[string]*draft      // by number
	order   []*draft
	numbers map[tweet.ID]string
}

// draft is a tweet as the script has it.
type draft struct {
	line       int
	number     string
	id         tweet.ID
	author     *tweet.User
	lang, text string
	attributes []attribute
	payload    string // of a payload line
}

type attribute struct {
	line        int
	name, value string
}

// read goes over the lines twice: ids are given first, as queries and attributes may name any of them.
func (r *reader) read(text string) error {
	var cases []attribute
	var setUser func(name, value string) error
	for line := range strings.Lines(text) {
		r.line++
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		var err error
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#' && !strings.Contains(line, "=>"):
		case line[0] == '\t':
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			a := attribute{r.line, name, strings.TrimSpace(value)}
			switch {
			case setUser != nil:
				err = setUser(a.name, a.value)
			case len(r.order) > 0:
				d := r.order[len(r.order)-1]
				d.attributes = append(d.attributes, a)
			}
		case word == "user" && !strings.Contains(line, " => "):
			setUser, err = r.user(rest)
		case word == "tweet" && !strings.Contains(line, " => "):
			setUser, err = nil, r.tweet(rest)
		case word == "payload" && !strings.Contains(line, " => "):
			setUser, err = nil, r.payload(rest)
		default:
			cases = append(cases, attribute{line: r.line, value: line})
		}
		if err != nil {
			return err
		}
	}
	if err := r.build(); err != nil {
		return err
	}
	for _, c := range cases {
		r.line = c.line
		if err := r.addCase(c.value); err != nil {
			return err
		}
	}
	return nil
}

// named finds a user by "@handle", or makes one.
func (r *reader) named(handle string) *tweet.User {
	handle = strings.TrimPrefix(handle, "@")
	u := r.users[handle]
	if u == nil {
		u = &tweet.User{ID: tweet.ID(1000 + len(r.users)), Username: handle}
		r.users[handle] = u
	}
	return u
}

func (r *reader) user(rest string) (set func(name, value string) error, err error) {
	handle, id, _ := strings.Cut(rest, " ")
	u := r.named(handle)
	if u.ID, err = tweet.ParseID(id); err != nil {
		return nil, err
	}
	return func(name, value string) error { return setUser(u, name, value) }, nil
}

func setUser(u *tweet.User, name, value string) (err error) {
	m := u.PublicMetrics
	if m == nil {
		m = new(tweet.UserMetrics)
	}
	counts := map[string]*int64{"followers": &m.FollowersCount, "following": &m.FollowingCount, "tweets": &m.TweetCount, "listed": &m.ListedCount}
	switch name {
	case "name":
		u.Name = value
	case "bio":
		u.Description = value
	case "location":
		u.Location = value
	case "verified":
		u.Verified = true
	default:
		if counts[name] == nil {
			return fmt.Errorf("a user has no %q", name)
		}
		u.PublicMetrics = m
		*counts[name], err = strconv.ParseInt(value, 10, 64)
	}
	return err
}

func (r *reader) tweet(rest string) error {
	parts := strings.SplitN(rest, " ", 4)
	if len(parts) < 3 {
		return errors.New("a tweet line is: tweet NUMBER @author lang text")
	}
	d := &draft{line: r.line, number: parts[0], author: r.named(parts[1]), lang: parts[2]}
	if len(parts) == 4 {
		d.text = parts[3]
	}
	if strings.HasPrefix(d.text, `"`) {
		var err error
		if d.text, err = strconv.Unquote(d.text); err != nil {
			return fmt.Errorf("text: %w", err)
		}
	}
	return r.add(d)
}

// payload takes a payload line; its number is that of "id":"{N}".
func (r *reader) payload(rest string) error {
	m := regexp.MustCompile(`"data":\s*\{\s*"id":\s*"\{(\d+)\}"`).FindStringSubmatch(rest)
	if m == nil {
		return errors.New(`a payload begins with {"data":{"id":"{NUMBER}"`)
	}
	return r.add(&draft{line: r.line, number: m[1], payload: rest})
}

func (r *reader) add(d *draft) error {
	if r.tweets[d.number] != nil {
		return fmt.Errorf("a second tweet %s", d.number)
	}
	r.tweets[d.number] = d
	r.order = append(r.order, d)
	return nil
}

// build gives every draft its id, then makes the payloads.
func (r *reader) build() error {
	r.numbers = map[tweet.ID]string{}
	for _, d := range r.order {
		r.line = d.line
		n, err := tweet.ParseID(d.number)
		if err != nil {
			return err
		}
		at, err := d.at(int64(n))
		if err != nil {
			return err
		}
		d.id = tweet.IDAt(at) + n
		r.numbers[d.id] = d.number
	}
	for _, d := range r.order {
		r.line = d.line
		p, err := r.payloadOf(d)
		if err != nil {
			return err
		}
		r.script.Tweets = append(r.script.Tweets, p)
	}
	return nil
}

func (d *draft) at(n int64) (time.Time, error) {
	for _, a := range d.attributes {
		if a.name == "at" {
			return time.Parse(time.RFC3339, a.value)
		}
	}
	return Start.Add(time.Duration(n) * time.Second), nil
}

var reference = regexp.MustCompile(`\{\d+\}`)

// resolve puts ids in the place of {N}.
func (r *reader) resolve(s string) string {
	return reference.ReplaceAllStringFunc(s, func(ref string) string {
		if d := r.tweets[ref[1:len(ref)-1]]; d != nil {
			return d.id.String()
		}
		return ref
	})
}

func (r *reader) addCase(line string) error {
	text, want, ok := cutLast(line, "=>")
	if !ok {
		return fmt.Errorf("neither tweet nor query: %s", line)
	}
	c := Case{Line: r.line, Query: r.resolve(strings.TrimSpace(text)), numbers: r.numbers}
	if quoted, ok := strings.CutPrefix(c.Query, "query "); ok {
		var err error
		if c.Query, err = strconv.Unquote(quoted); err != nil {
			return fmt.Errorf("query: %w", err)
		}
	}
	want = strings.TrimSpace(want)
	if rest, ok := strings.CutPrefix(want, "error at "); ok {
		at, text, _ := strings.Cut(rest, ": ")
		n, err := strconv.Atoi(at)
		if err != nil || n < 1 || text == "" {
			return fmt.Errorf("an error is: error at POSITION: text")
		}
		c.ErrorAt, c.Error = n, text
	} else if want != "none" {
		for n := range strings.FieldsSeq(want) {
			d := r.tweets[n]
			if d == nil {
				return fmt.Errorf("no tweet %s", n)
			}
			c.Want = append(c.Want, d.id)
		}
		if !slices.IsSortedFunc(c.Want, func(a, b tweet.ID) int { return cmp.Compare(b, a) }) || len(c.Want) == 0 {
			return fmt.Errorf("the tweets are not newest first: %s", want)
		}
	}
	r.script.Cases = append(r.script.Cases, c)
	return nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func (c *Case) checkError(t *testing.T, file string, err error) {
	t.Helper()
	var e *query.SyntaxError
	switch {
	case err == nil:
		t.Errorf("%s:%d: %s: parsed, want the error at %d: %s", file, c.Line, c.Query, c.ErrorAt, c.Error)
	case !errors.As(err, &e):
		t.Errorf("%s:%d: %s: %v, want a *query.SyntaxError", file, c.Line, c.Query, err)
	case e.Pos+1 != c.ErrorAt || !strings.Contains(e.Error(), c.Error):
		t.Errorf("%s:%d: %s\n got %v\nwant (at position %d) %s", file, c.Line, c.Query, e, c.ErrorAt, c.Error)
	}
}
