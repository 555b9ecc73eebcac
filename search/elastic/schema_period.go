package elastic

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// period is a stretch of ids whose tweets are in one index: year × 100 + month, the month 0 where an index is a year's. Periods
// are in the order of their ids; 0 holds the ids that have no time in them.
type period int32

func (p period) String() string {
	switch {
	case p == 0:
		return "0"
	case p%100 == 0:
		return strconv.Itoa(int(p / 100))
	}
	return fmt.Sprintf("%d-%02d", p/100, p%100)
}

// parsePeriod reads what String wrote.
func parsePeriod(s string) (period, bool) {
	year, month, ofMonth := strings.Cut(s, "-")
	y, err := strconv.Atoi(year)
	m := 0
	if err == nil && ofMonth {
		m, err = strconv.Atoi(month)
	}
	p := period(y*100 + m)
	return p, err == nil && p.String() == s
}

// period is the one that an id falls in.
func (s *schema) period(id tweet.ID) period {
	at, ok := id.Time()
	if !ok {
		return 0
	}
	year, month, _ := at.Date()
	if s.monthly {
		return period(year*100 + int(month))
	}
	return period(year * 100)
}

// bounds gives the ids that a period holds: first ≤ id ≤ last.
func (p period) bounds() (first, last tweet.ID) {
	if p == 0 {
		return 1, tweet.FirstSnowflake - 1
	}
	from := time.Date(int(p/100), time.Month(max(p%100, 1)), 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(1, 0, 0)
	if p%100 > 0 {
		until = from.AddDate(0, 1, 0)
	}
	if last = tweet.IDAt(until); last < 1<<63-1 {
		last--
	}
	return max(tweet.IDAt(from), tweet.FirstSnowflake), last
}

// periods is what is known of the indices that there are.
type periods struct {
	list  []period          // ascending
	names map[period]string // of the index behind each alias
	at    time.Time         // when it was asked
}

// periodsFor is how long another process's new index may go unnoticed, except by those who ask for the position first.
const periodsFor = time.Second

// periods gives the periods that have an index, in the order of ids. The slice is not to be changed.
func (a *Archive) periods(ctx context.Context) ([]period, error) {
	known, err := a.indices(ctx)
	return known.list, err
}

// indices gives the periods with the names of their indices. What it gives is not to be changed.
func (a *Archive) indices(ctx context.Context) (periods, error) {
	if err := a.ready(ctx); err != nil {
		return periods{}, err
	}
	a.schema.mu.Lock()
	defer a.schema.mu.Unlock()
	if age := a.now().Sub(a.schema.periods.at); age >= 0 && age < periodsFor {
		return a.schema.periods, nil
	}
	err := a.askPeriods(ctx)
	return a.schema.periods, err
}

// askPeriods asks anew. a.schema.mu is held.
func (a *Archive) askPeriods(ctx context.Context) error {
	asked := a.now()
	body, err := a.call(ctx, http.MethodGet, "/_alias/"+a.schema.all()+"?filter_path=*.aliases", nil)
	if err != nil && !isMissing(err) {
		return fmt.Errorf("aliases: %w", err)
	}
	found := periods{names: map[period]string{}, at: asked}
	if err == nil {
		gjson.ParseBytes(body).ForEach(func(name, _ gjson.Result) bool {
			if p, _, ok := a.schema.parseIndex(name.Str); ok {
				found.list = append(found.list, p)
				found.names[p] = name.Str
			}
			return true
		})
	}
	slices.Sort(found.list)
	for p, name := range a.schema.periods.names {
		if found.names[p] == "" {
			a.o.Logger.Error("an index of the archive is gone from Elasticsearch, or from its alias", "index", name)
		}
	}
	a.schema.periods = found
	return nil
}

// forgetPeriods makes the next who needs them ask anew.
func (s *schema) forgetPeriods() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.periods.at = time.Time{}
}

// parseIndex takes the name of a period's index apart.
func (s *schema) parseIndex(name string) (p period, generation int, ok bool) {
	rest, ok := strings.CutPrefix(name, s.prefix+"-")
	i := strings.LastIndexByte(rest, '-')
	if !ok || i < 0 || len(rest)-i != len("-000001") {
		return 0, 0, false
	}
	p, ok = parsePeriod(rest[:i])
	generation, err := strconv.Atoi(rest[i+1:])
	return p, generation, ok && err == nil
}

// ensure makes the indices of those periods that have none. Each comes with its aliases, in one step.
func (a *Archive) ensure(ctx context.Context, wanted map[period]bool) error {
	a.schema.mu.Lock()
	defer a.schema.mu.Unlock()
	missing := func() (ps []period) {
		for p := range wanted {
			if a.schema.periods.names[p] == "" {
				ps = append(ps, p)
			}
		}
		slices.Sort(ps)
		return ps
	}
	if len(missing()) == 0 {
		return nil
	}
	if err := a.askPeriods(ctx); err != nil {
		return err
	}
	made := missing()
	for _, p := range made {
		name := a.schema.index(p, 1)
		if err := a.makeIndex(ctx, name, fmt.Sprintf(`{"aliases":{%q:{},%q:{}}}`, a.schema.all(), a.schema.alias(p))); err != nil {
			return err
		}
		a.o.Logger.Info("index made", "index", name)
	}
	if len(made) == 0 {
		return nil
	}
	if err := a.askPeriods(ctx); err != nil {
		return err
	}
	if left := missing(); len(left) > 0 {
		return gone(fmt.Sprintf("the alias %s of the index %s", a.schema.alias(left[0]), a.schema.index(left[0], 1)))
	}
	return nil
}
