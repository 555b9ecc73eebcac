package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/query"
	"birdwatch/search"
)

const (
	// rulesBody bounds the body of a change of rules, in bytes.
	rulesBody = 4 << 20
	// backtestMost is how many rules of one dry run are tried over what the archive has.
	backtestMost = 25
	// samplesMost is how many tweets are shown of what a rule would have matched.
	samplesMost = 5
)

var (
	ruleParameters  = []string{"ids", "max_results", "pagination_token"}
	rulesParameters = []string{"dry_run"}
)

// shownRule is a rule as X shows it.
type shownRule struct {
	ID    string `json:"id"`
	Value string `json:"value"`
	Tag   string `json:"tag,omitempty"`
	// WouldHaveMatched is what a dry run says beside.
	WouldHaveMatched *backtest `json:"would_have_matched,omitempty"`
}

// backtest is what a rule would have matched, by created_at.
type backtest struct {
	Hour    int64             `json:"hour"`
	Day     int64             `json:"day"`
	Week    int64             `json:"week"`
	Samples []json.RawMessage `json:"samples"` // the newest of the week
}

// ruleError is one of X's errors in an answer that is none.
type ruleError struct {
	Value   string   `json:"value,omitempty"`
	ID      string   `json:"id,omitempty"`
	Details []string `json:"details,omitempty"`
	Title   string   `json:"title"`
	Type    string   `json:"type"`
	// Detail and Errors are of rules that are not there.
	Detail string         `json:"detail,omitempty"`
	Errors []ProblemError `json:"errors,omitempty"`
}

// rulesAnswer is X's answer.
type rulesAnswer struct {
	Data   []shownRule    `json:"data,omitempty"`
	Meta   map[string]any `json:"meta"`
	Errors []ruleError    `json:"errors,omitempty"`
}

func (s *Server) sent() string { return s.now().UTC().Format("2006-01-02T15:04:05.000Z") }

// listRules answers GET /2/tweets/search/stream/rules.
func (s *Server) listRules(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, ruleParameters...)
	if err != nil {
		return err
	}
	most, err := p.number("max_results", 1, 1000, 1000)
	if err != nil {
		return err
	}
	after, err := p.id("pagination_token")
	if err != nil {
		return err
	}
	a := rulesAnswer{Meta: map[string]any{"sent": s.sent()}}
	err = s.rules.locked(c.Request().Context(), func() error {
		for _, u := range s.rules.all {
			if p.has("ids") && !slices.Contains(list(p.get("ids")), u.ID) || after > 0 && !isAfter(u.ID, int64(after)) {
				continue
			}
			if len(a.Data) == most {
				a.Meta["next_token"] = a.Data[most-1].ID
				break
			}
			a.Data = append(a.Data, shownRule{ID: u.ID, Value: u.Value, Tag: u.Tag})
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.Meta["result_count"] = len(a.Data)
	return writeJSON(c, http.StatusOK, a)
}

func isAfter(id string, after int64) bool {
	n, err := strconv.ParseInt(id, 10, 64)
	return err == nil && n > after
}

// countRules answers GET /2/tweets/search/stream/rules/counts.
func (s *Server) countRules(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	return s.rules.locked(c.Request().Context(), func() error {
		return writeJSON(c, http.StatusOK, map[string]any{"data": map[string]int{
			"cap_per_client_app": s.rules.most, "cap_per_project": s.rules.most, "project_rules_count": len(s.rules.all)}, "meta": map[string]string{"sent": s.sent()}})
	})
}

// rulesChange is the body of a change: one of both.
type rulesChange struct {
	Add    []struct{ Value, Tag string }
	Delete *struct{ IDs, Values []string }
}

// changeRules answers POST /2/tweets/search/stream/rules.
func (s *Server) changeRules(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, rulesParameters...)
	if err != nil {
		return err
	}
	dry, err := p.flag("dry_run")
	if err != nil {
		return err
	}
	want := rightWrite
	if dry {
		want = rightRead
	}
	if p := s.admit(c.Request(), want); p != nil {
		return p
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, rulesBody))
	if err != nil {
		return err
	}
	var change rulesChange
	if err := json.Unmarshal(body, &change); err != nil || (len(change.Add) > 0) == (change.Delete != nil) {
		return invalid("", "", `The body must be {"add":[{"value":"…","tag":"…"}]} or {"delete":{"ids":["…"]}} (or "values").`)
	}
	ctx := c.Request().Context()
	var status int
	var a rulesAnswer
	err = s.rules.locked(ctx, func() (err error) {
		if change.Delete != nil {
			status = http.StatusOK
			a, err = s.deleteRules(ctx, change.Delete.IDs, change.Delete.Values, dry)
		} else {
			status, a, err = s.addRules(ctx, change.Add, dry)
		}
		return err
	})
	if err != nil {
		return err
	}
	if dry {
		if err := s.backtest(ctx, a.Data); err != nil {
			return err
		}
	}
	return writeJSON(c, status, a)
}

// addRules: s.rules.mu is held.
func (s *Server) addRules(ctx context.Context, add []struct{ Value, Tag string }, dry bool) (int, rulesAnswer, error) {
	var a rulesAnswer
	now := s.now().Truncate(time.Second)
	all, invalid := slices.Clone(s.rules.all), 0
	for _, r := range add {
		u, err := newRule(r.Value, r.Tag, now)
		if err != nil {
			var syntax *query.SyntaxError
			if !errors.As(err, &syntax) {
				return 0, a, err
			}
			invalid++
			a.Errors = append(a.Errors, ruleError{Value: clean(r.Value, 500), Details: []string{fmt.Sprintf("%s (at position %d)", clean(syntax.Message, 500), syntax.Pos+1)},
				Title: "UnprocessableEntity", Type: problemTypes + "invalid-rules"})
			continue
		}
		if err := s.Hub.Afford(u.query.Expr); err != nil {
			invalid++
			p := toProblem(s.afford("value", 0, u.Value, u.query.Expr))
			a.Errors = append(a.Errors, ruleError{Value: clean(u.Value, 500), Details: []string{p.Detail}, Title: "UnprocessableEntity", Type: problemTypes + "invalid-rules"})
			continue
		}
		if i := slices.IndexFunc(all, func(o *rule) bool { return o.Value == u.Value }); i >= 0 {
			a.Errors = append(a.Errors, ruleError{Value: clean(u.Value, 500), ID: all[i].ID, Title: "DuplicateRule", Type: problemTypes + "duplicate-rules"})
			continue
		}
		if len(all) >= s.rules.most {
			return 0, a, &Problem{Title: "RulesCapExceeded", Detail: fmt.Sprintf("There can be at most %d rules.", s.rules.most),
				Type: problemTypes + "rule-cap", Status: http.StatusUnprocessableEntity}
		}
		u.ID = s.rules.nextID(now)
		u.query.ID = u.ID
		all = append(all, u)
		a.Data = append(a.Data, shownRule{ID: u.ID, Value: u.Value, Tag: u.Tag})
	}
	created := len(a.Data)
	a.Meta = map[string]any{"sent": s.sent(), "summary": map[string]int{"created": created, "not_created": len(add) - created, "valid": len(add) - invalid, "invalid": invalid}}
	if created == 0 {
		return http.StatusOK, a, nil
	}
	if dry {
		return http.StatusCreated, a, nil
	}
	return http.StatusCreated, a, s.rules.keep(ctx, all)
}

// deleteRules: s.rules.mu is held.
func (s *Server) deleteRules(ctx context.Context, ids, values []string, dry bool) (rulesAnswer, error) {
	var a rulesAnswer
	gone := map[*rule]bool{}
	missing := func(parameter, value string) {
		a.Errors = append(a.Errors, ruleError{Title: "Invalid Request", Detail: "One or more parameters to your request was invalid.", Type: problemTypes + "invalid-request",
			Errors: []ProblemError{{Message: "Rule does not exist", Parameters: map[string][]string{parameter: {clean(value, 200)}}}}})
	}
	for _, id := range ids {
		i := slices.IndexFunc(s.rules.all, func(u *rule) bool { return u.ID == id })
		if i < 0 {
			missing("ids", id)
			continue
		}
		gone[s.rules.all[i]] = true
	}
	for _, value := range values {
		if u := s.rules.find(value); u != nil {
			gone[u] = true
			continue
		}
		missing("values", value)
	}
	a.Meta = map[string]any{"sent": s.sent(), "summary": map[string]int{"deleted": len(gone), "not_deleted": len(a.Errors)}}
	if len(gone) == 0 || dry {
		return a, nil
	}
	return a, s.rules.keep(ctx, slices.DeleteFunc(slices.Clone(s.rules.all), func(u *rule) bool { return gone[u] }))
}

// backtest says of rules that would be added what they would have matched.
func (s *Server) backtest(ctx context.Context, shown []shownRule) error {
	sel, err := selectFields(nil)
	if err != nil {
		return err
	}
	now := s.now()
	hour, day, week := now.Add(-time.Hour), now.AddDate(0, 0, -1), now.AddDate(0, 0, -7)
	for i := range shown[:min(len(shown), backtestMost)] {
		q, err := query.Parse(shown[i].Value, now.Truncate(time.Second))
		if err != nil {
			return err
		}
		counts, err := s.Searcher.Count(ctx, search.Request{Query: q.Expr}, []time.Time{week, day, hour, now})
		if err != nil {
			return err
		}
		page, err := s.Searcher.Search(ctx, search.Request{Query: q.Expr, Start: week, End: now, Limit: samplesMost})
		if err != nil {
			return err
		}
		b := &backtest{Hour: counts[2], Day: counts[1] + counts[2], Week: counts[0] + counts[1] + counts[2], Samples: []json.RawMessage{}}
		for _, h := range page.Hits {
			var in includes
			b.Samples = append(b.Samples, sel.tweet(nil, h.Payload, q.Expr, &in))
		}
		shown[i].WouldHaveMatched = b
	}
	return nil
}
