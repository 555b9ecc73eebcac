package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"birdwatch/tweet"
)

// params are the parameters of one request, decoded and checked by name.
type params url.Values

// parseParams reads a raw query. Each name must be one of allowed, and come once, unless it is allowed with a
// "*" behind it.
func parseParams(raw string, allowed ...string) (params, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, invalid("", "", "The query string is not well formed: %s", clean(err.Error(), 200))
	}
	var p *Problem
	fault := func(name, value, message string) {
		if p == nil {
			p = invalid(name, value, "%s", message)
		} else if len(p.Errors) < 20 { // a stranger must not make us write a long answer
			p.add(name, value, message)
		}
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		vs := values[name]
		switch {
		case slices.Contains(allowed, name+"*"):
		case !slices.Contains(allowed, name):
			fault(name, vs[0], unknownParameter(name, allowed))
			continue
		case len(vs) > 1:
			fault(name, vs[1], "The parameter ["+name+"] may be given once only.")
		}
		for _, v := range vs {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				fault(name, v, "The value of ["+name+"] is not valid UTF-8, or has a NUL in it.")
			}
		}
	}
	if p != nil {
		return nil, p
	}
	return params(values), nil
}

func unknownParameter(name string, allowed []string) string {
	m := "The parameter [" + clean(name, 100) + "] is not known here. "
	if len(allowed) == 0 {
		return m + "There are none."
	}
	list := make([]string, len(allowed))
	for i, a := range allowed {
		list[i] = strings.TrimSuffix(a, "*")
	}
	return m + "Known are: " + strings.Join(list, ", ") + "."
}

func (p params) has(name string) bool { return len(p[name]) > 0 }

func (p params) get(name string) string { return url.Values(p).Get(name) }

// number reads a whole number of a range; without one it is absent.
func (p params) number(name string, low, high, absent int) (int, error) {
	if !p.has(name) {
		return absent, nil
	}
	n, err := strconv.Atoi(p.get(name))
	if err != nil || n < low || n > high {
		return 0, invalid(name, p.get(name), "The value of [%s] must be a whole number from %d to %d.", name, low, high)
	}
	return n, nil
}

// id reads a tweet's id; 0 when absent.
func (p params) id(name string) (tweet.ID, error) {
	if !p.has(name) {
		return 0, nil
	}
	return parseID(name, p.get(name))
}

func parseID(name, value string) (tweet.ID, error) {
	id, err := tweet.ParseID(value)
	if err != nil {
		return 0, invalid(name, value, "The value of [%s] is not a tweet id: a number from 1 to %d.", name, int64(1<<63-1))
	}
	return id, nil
}

// seq reads a place in the journal; nil when absent.
func (p params) seq(name string) (*tweet.Seq, error) {
	if !p.has(name) {
		return nil, nil
	}
	n, err := strconv.ParseInt(p.get(name), 10, 64)
	if err != nil || n < 0 {
		return nil, invalid(name, p.get(name), "The value of [%s] must be a whole number, 0 or more.", name)
	}
	s := tweet.Seq(n)
	return &s, nil
}

// instant reads an RFC 3339 time; zero when absent.
func (p params) instant(name string) (time.Time, error) {
	if !p.has(name) {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, p.get(name))
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, invalid(name, p.get(name), "The value of [%s] must be an RFC 3339 time, such as 2024-01-31T12:00:00Z (a + is written %%2B).", name)
	}
	if t.IsZero() { // which stands for none
		t = t.Add(time.Millisecond)
	}
	return t.UTC(), nil
}

// span reads start_time and end_time.
func (p params) span() (start, end time.Time, err error) {
	if start, err = p.instant("start_time"); err != nil {
		return start, end, err
	}
	if end, err = p.instant("end_time"); err != nil {
		return start, end, err
	}
	if !start.IsZero() && !end.IsZero() && !start.Before(end) {
		return start, end, invalid("end_time", p.get("end_time"), "[end_time] must be later than [start_time].")
	}
	return start, end, nil
}

// flag reads true or false, in any case: clients in Python send True.
func (p params) flag(name string) (bool, error) {
	v := p.get(name)
	switch {
	case !p.has(name), strings.EqualFold(v, "false"):
		return false, nil
	case strings.EqualFold(v, "true"):
		return true, nil
	}
	return false, invalid(name, v, "The value of [%s] must be one of: false, true.", name)
}

// choice reads one of a few words; the first is the default.
func (p params) choice(name string, of ...string) (string, error) {
	v := p.get(name)
	if !p.has(name) {
		return of[0], nil
	}
	if !slices.Contains(of, v) {
		return "", invalid(name, v, "The value of [%s] must be one of: %s.", name, strings.Join(of, ", "))
	}
	return v, nil
}
