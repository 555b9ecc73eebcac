package elastic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"birdwatch/tweet"
)

// fillingDoc says, in the state index, that an index is being filled beside a period's own, and how far that is.
type fillingDoc struct {
	Kind    string   `json:"kind"`
	Key     string   `json:"key"`
	Period  string   `json:"period"`
	Index   string   `json:"index"`
	Before  tweet.ID `json:"before"`  // documents from this id on are copied
	Refused int64    `json:"refused"` // documents that the new index does not take
}

// runDoc says that the index is being made again, and of which periods it still has to be.
type runDoc struct {
	Kind  string   `json:"kind"`
	Left  []string `json:"left"`
	Done  int64    `json:"done"`
	Total int64    `json:"total"`
}

const (
	// fillMost is how many documents are copied while others wait to write.
	fillMost = 500
	// fillNotes is after how many such steps it is noted how far the copy is.
	fillNotes = 20
	// fillGrace is how long an index stays that nobody is sent to any more: searches under way end first.
	fillGrace = 2 * time.Second
)

// Reindex makes the index again, a period at a time and the newest first: a new index is filled beside the old from the old's own documents, step by step
// while others read and write; what is written meanwhile goes to both; then the alias moves. Broken off, it goes on where it
// was.
func (a *Archive) Reindex(ctx context.Context, progress func(done, total int64)) error {
	r := reindex{Archive: a, progress: progress}
	if err := r.begin(ctx); err != nil {
		return err
	}
	for len(r.run.Left) > 0 {
		p, ok := parsePeriod(r.run.Left[len(r.run.Left)-1])
		if !ok {
			return fault("reindex", fmt.Errorf("the state index names a period %q", r.run.Left[len(r.run.Left)-1]))
		}
		if err := r.period(ctx, p); err != nil {
			return fault("reindex "+p.String(), err)
		}
	}
	return r.end(ctx)
}

// reindex is one call of Reindex.
type reindex struct {
	*Archive
	progress func(done, total int64)
	run      runDoc
	at       version // of run
	old      []string
}

// begin takes up what was broken off, or begins anew.
func (r *reindex) begin(ctx context.Context) error {
	return r.persist(ctx, "reindex", func(ctx context.Context) error {
		var err error
		if r.at, err = r.readState(ctx, "reindex", &r.run); err != nil {
			return err
		}
		if r.at.absent {
			r.run = runDoc{Kind: "reindex"}
			ps, err := r.periods(ctx)
			if err != nil {
				return err
			}
			for _, p := range ps {
				n, err := r.size(ctx, r.schema.alias(p))
				if err != nil {
					return err
				}
				r.run.Left, r.run.Total = append(r.run.Left, p.String()), r.run.Total+n
			}
			if r.at, err = r.writeState(ctx, "reindex", r.run, r.at); err != nil {
				return err
			}
		}
		r.old, err = r.leftover(ctx)
		return err
	})
}

// end removes what is no longer needed.
func (r *reindex) end(ctx context.Context) error {
	if len(r.old) > 0 {
		select {
		case <-time.After(fillGrace):
		case <-ctx.Done():
			return fault("reindex", lost(ctx, ctx.Err()))
		}
	}
	return r.persist(ctx, "reindex", func(ctx context.Context) error {
		if err := r.drop(ctx, r.old); err != nil {
			return err
		}
		_, err := r.call(ctx, http.MethodDelete, "/"+r.schema.state()+"/_doc/reindex", nil)
		if isMissing(err) {
			return nil
		}
		return err
	})
}

// period makes one period's index again.
func (r *reindex) period(ctx context.Context, p period) error {
	var f fillingDoc
	err := r.persist(ctx, "begin", func(ctx context.Context) error { return r.beginFilling(ctx, p, &f) })
	if err != nil {
		return err
	}
	for steps := 1; f.Before > 0; steps++ {
		err := r.persist(ctx, "copy", func(ctx context.Context) error {
			if r.writer.filling[p] != f.Index {
				return fmt.Errorf("the index %s is gone: begin again", f.Index)
			}
			if err := r.fill(ctx, p, &f); err != nil {
				return err
			}
			if f.Before > 0 && steps%fillNotes != 0 {
				return nil
			}
			return r.noteFilling(ctx, &f)
		})
		if err != nil {
			return err
		}
	}
	return r.persist(ctx, "swap", func(ctx context.Context) error { return r.swap(ctx, p, &f) })
}

// swap moves the aliases, in one step, once the new index has all that the old one has.
func (r *reindex) swap(ctx context.Context, p period, f *fillingDoc) error {
	known, err := r.indices(ctx)
	if err != nil {
		return err
	}
	old := known.names[p]
	if old != f.Index {
		if err := r.same(ctx, old, f); err != nil {
			return err
		}
		alias := func(do, index, name string) string {
			return fmt.Sprintf(`{%q:{"index":%q,"alias":%q}}`, do, index, name)
		}
		body := `{"actions":[` + strings.Join([]string{alias("remove", old, r.schema.all()), alias("remove", old, r.schema.alias(p)),
			alias("add", f.Index, r.schema.all()), alias("add", f.Index, r.schema.alias(p))}, ",") + `]}`
		if _, err := r.call(ctx, http.MethodPost, "/_aliases", []byte(body)); err != nil {
			return err
		}
		r.schema.forgetPeriods()
		r.o.Logger.Info("the alias moved", "from", old, "to", f.Index)
	}
	delete(r.writer.filling, p)
	var b bulkLines
	b.remove(f.Key)
	if err := r.sendLines(ctx, r.schema.state(), &b); err != nil {
		return err
	}
	next := r.run
	next.Left = next.Left[:len(next.Left)-1]
	if r.at, err = r.writeState(ctx, "reindex", next, r.at); err != nil {
		return err
	}
	r.run = next
	// Searches that began with the index before this one have ended by now.
	if err := r.drop(ctx, r.old); err != nil {
		return err
	}
	if r.old = nil; old != f.Index {
		r.old = []string{old}
	}
	return nil
}

// same is an error when the new index lacks documents of the old; then the copy begins anew with the next call.
func (r *reindex) same(ctx context.Context, old string, f *fillingDoc) error {
	if err := r.refreshIndex(ctx, old+","+f.Index); err != nil {
		return err
	}
	was, err := r.size(ctx, old)
	if err != nil {
		return err
	}
	is, err := r.size(ctx, f.Index)
	if err != nil {
		return err
	}
	if is+f.Refused >= was {
		return nil
	}
	f.Before, f.Refused = math.MaxInt64, 0
	return errors.Join(fmt.Errorf("the new index %s has %d documents, the old %s has %d: somebody else changed one of them", f.Index, is, old, was), r.noteFilling(ctx, f))
}
