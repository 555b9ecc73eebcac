package elastic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"birdwatch/search"
)

// Stats says what the archive holds. The server counts little for it, however large the archive.
func (a *Archive) Stats(ctx context.Context) (search.Stats, error) {
	s, err := a.stats(ctx)
	if err != nil {
		return search.Stats{}, fault("stats", err)
	}
	return s, nil
}

func (a *Archive) stats(ctx context.Context) (s search.Stats, err error) {
	// The position comes first: what it says is visible is then counted.
	place, _, err := a.place(ctx)
	if err != nil {
		return s, err
	}
	s.Position = place.position()
	s.HighestSeq = max(s.Position.Seq, place.Highest)
	if err := a.settle(ctx); err != nil {
		return s, err
	}
	ps, err := a.periods(ctx)
	if err != nil {
		return s, err
	}
	if len(ps) > 0 {
		if err := a.totals(ctx, ps, &s); err != nil {
			return s, err
		}
	}
	names := "/" + a.schema.all() + "," + a.schema.state() + "," + a.schema.letters()
	body, err := a.call(ctx, http.MethodGet, names+"/_stats/store?ignore_unavailable=true&filter_path=_all.total.store.size_in_bytes", nil)
	if err != nil {
		return s, err
	}
	s.Bytes = gjson.GetBytes(body, "_all.total.store.size_in_bytes").Int()
	body, err = a.call(ctx, http.MethodPost, "/"+a.schema.letters()+"/_count?ignore_unavailable=true", nil)
	if err != nil {
		return s, err
	}
	s.DeadLetters = gjson.GetBytes(body, "count").Int()
	stale, err := a.staleIndices(ctx)
	if err != nil {
		return s, err
	}
	s.Stale = len(stale) > 0
	s.Engine, s.Lacks, err = a.server.describe(ctx, a)
	return s, err
}

// tombstones finds deleted tweets, by all values of flags that say so.
var tombstones = func() string {
	var values []string
	for flags := range 2 * search.FlagRawCut {
		if flags&search.FlagTombstone != 0 {
			values = append(values, number(flags))
		}
	}
	return `{"terms":{"flags":[` + strings.Join(values, ",") + `]}}`
}()

// totals counts documents and finds the highest first_seq.
func (a *Archive) totals(ctx context.Context, ps []period, s *search.Stats) error {
	all, err := a.ask(ctx, ps, `{"size":0,"track_total_hits":true}`)
	if err != nil {
		return err
	}
	deleted, err := a.ask(ctx, ps, `{"size":0,"track_total_hits":true,"query":`+tombstones+`}`)
	if err != nil {
		return err
	}
	s.Tombstones = deleted.Hits.Total.Value
	s.Tweets = all.Hits.Total.Value - s.Tombstones
	highest, err := a.ask(ctx, ps, `{"size":1,"track_total_hits":false,"sort":[{"first_seq":"desc"}],"_source":["first_seq"]}`)
	if err != nil {
		return err
	}
	if len(highest.Hits.Hits) > 0 {
		s.HighestSeq = max(s.HighestSeq, highest.Hits.Hits[0].Source.FirstSeq)
	}
	return nil
}

// server is what is known of the one that answers: asked once, since it costs several questions.
type server struct {
	mu     sync.Mutex // guards what follows
	asked  bool
	engine string
	lacks  []string
}

// abilities are what other ways of doing our work would use, and what a server without it answers.
var abilities = []struct{ path, name string }{
	{"/", "GET /"},
	{"/_ilm/status", "index lifecycles"},
	{"/_slm/status", "snapshot lifecycles"},
}

// describe names the server and what it lacks. One that does not let us look is named without a version.
func (s *server) describe(ctx context.Context, a *Archive) (engine string, lacks []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked {
		return s.engine, slices.Clone(s.lacks), nil
	}
	for _, f := range []func(context.Context, *Archive) error{s.version, s.able, s.scripts} {
		if err := f(ctx, a); err != nil {
			s.lacks = nil
			return "", nil, err
		}
	}
	s.asked = true
	return s.engine, slices.Clone(s.lacks), nil
}

func (s *server) version(ctx context.Context, a *Archive) error {
	s.engine, s.lacks = "elasticsearch", nil
	body, _, err := a.try(ctx, "/_nodes/_local/plugins?filter_path=nodes.*.version,nodes.*.modules.name")
	if err != nil || body == nil {
		return err
	}
	gjson.GetBytes(body, "nodes").ForEach(func(_, node gjson.Result) bool {
		s.engine += " " + node.Get("version").Str
		if !slices.ContainsFunc(node.Get("modules.#.name").Array(), func(m gjson.Result) bool { return m.Str == "percolator" }) {
			s.lacks = append(s.lacks, "percolator")
		}
		return false
	})
	return nil
}

func (s *server) able(ctx context.Context, a *Archive) error {
	for _, able := range abilities {
		_, lacks, err := a.try(ctx, able.path)
		if err != nil {
			return err
		}
		if lacks {
			s.lacks = append(s.lacks, able.name)
		}
	}
	return nil
}

func (s *server) scripts(ctx context.Context, a *Archive) error {
	body, lacks, err := a.try(ctx, "/_script_language")
	if lacks || body != nil && len(gjson.GetBytes(body, "language_contexts").Array()) == 0 {
		s.lacks = append(s.lacks, "scripts")
	}
	return err
}

// try asks for what a server may not have, or not let us have: lacks says the former, and neither is an error.
func (a *Archive) try(ctx context.Context, path string) (body []byte, lacks bool, err error) {
	body, err = a.call(ctx, http.MethodGet, path, nil)
	e := asServerError(err)
	switch {
	case e == nil:
		return body, false, err
	case e.Status == http.StatusNotFound, e.Status == http.StatusMethodNotAllowed, e.Status == http.StatusBadRequest, e.Status == http.StatusNotImplemented, e.Status == http.StatusGone:
		return nil, true, nil
	case isForbidden(e.Status):
		return nil, false, nil
	case errors.Is(err, search.ErrUnavailable):
		return nil, false, err
	}
	return nil, false, fmt.Errorf("what the server can do: %w", err)
}
