package elastic

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"net/http"
	"slices"
	"strconv"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// Kinds of documents in the state index; they are stored.
const (
	kindGeo     = "geo"
	kindNotice  = "notice"
	kindFilling = "filling"
)

// geoDoc says that a user's tweets up to an id lose their place; without a user, that the tweet does.
type geoDoc struct {
	Kind   string   `json:"kind"`
	Key    string   `json:"key"`
	UserID tweet.ID `json:"user_id"`
	UpTo   tweet.ID `json:"up_to"`
}

// noticeDoc is a notice that hides tweets, or tells of a user.
type noticeDoc struct {
	Kind   string     `json:"kind"`
	Key    string     `json:"key"`
	Of     tweet.Kind `json:"of"`
	Seq    tweet.Seq  `json:"seq"`
	ID     tweet.ID   `json:"id"`
	UserID tweet.ID   `json:"user_id"`
	At     int64      `json:"at"`
	Detail []byte     `json:"detail,omitempty"`
}

// notices records what entries say of users and of withheld tweets. Each notice is kept once, whatever journal brings it.
func (a *Archive) notices(ctx context.Context, entries []tweet.Entry) error {
	var b bulkLines
	scrubs, scrubbed := map[tweet.ID]tweet.ID{}, map[tweet.ID]bool{}
	for i := range entries {
		switch e := &entries[i]; e.Kind {
		case tweet.KindGeo:
			if e.UserID == 0 {
				scrubbed[e.ID] = true
			} else if e.ID > max(a.writer.scrubs.UpTo(e.UserID), scrubs[e.UserID]) {
				scrubs[e.UserID] = e.ID
			}
		case tweet.KindWithheld, tweet.KindUser:
			n := noticeOf(e)
			b.index(n.Key, n)
		}
	}
	for user, upTo := range scrubs {
		g := geoDoc{kindGeo, fmt.Sprintf("geo-%019d", user), user, upTo}
		b.index(g.Key, g)
	}
	for id := range scrubbed {
		g := geoDoc{kindGeo, fmt.Sprintf("geo-tweet-%019d", id), 0, id}
		b.index(g.Key, g)
	}
	if err := a.sendLines(ctx, a.schema.state(), &b); err != nil {
		return fmt.Errorf("notices: %w", err)
	}
	for i := range entries {
		a.writer.takeNotice(&entries[i].Record)
	}
	return nil
}

func noticeOf(e *tweet.Entry) noticeDoc {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %d %d %s", e.Kind, e.ID, e.UserID, e.CapturedAt, e.Payload))
	return noticeDoc{kindNotice, fmt.Sprintf("notice-%019d-%x", max(e.CapturedAt, 0), sum[:12]), e.Kind, e.Seq, e.ID, e.UserID, e.CapturedAt, e.Payload}
}

// Notices gives what is recorded of users and withheld tweets, as entries that Apply takes.
func (a *Archive) Notices(ctx context.Context) iter.Seq2[tweet.Entry, error] {
	return func(yield func(tweet.Entry, error) bool) {
		err := a.ready(ctx)
		if err == nil {
			err = a.eachState(ctx, []string{kindGeo, kindNotice}, func(kind string, doc json.RawMessage) error {
				e, err := entryOf(kind, doc)
				if err == nil && !yield(e, nil) {
					return errEnough
				}
				return err
			})
		}
		if err != nil && !(a.o.ReadOnly && isMissing(err)) {
			yield(tweet.Entry{}, fault("notices", err))
		}
	}
}

func entryOf(kind string, doc json.RawMessage) (tweet.Entry, error) {
	if kind == kindGeo {
		var g geoDoc
		err := json.Unmarshal(doc, &g)
		return tweet.Entry{Record: tweet.Record{Kind: tweet.KindGeo, ID: g.UpTo, UserID: g.UserID}}, err
	}
	var n noticeDoc
	err := json.Unmarshal(doc, &n)
	return tweet.Entry{Seq: n.Seq, Record: tweet.Record{Kind: n.Of, ID: n.ID, UserID: n.UserID, CapturedAt: n.At, Payload: n.Detail}}, err
}

// scrubMost is how many documents are looked at together for a place that was withdrawn.
const scrubMost = 500

// scrubPresent takes places from the tweets that are here already of the users whom entries name, and from copies of them inside others. Tweets that come
// lose theirs when they are merged.
func (a *Archive) scrubPresent(ctx context.Context, entries []tweet.Entry) error {
	for i := range entries {
		if e := &entries[i]; e.Kind == tweet.KindGeo && e.UserID != 0 {
			if err := a.scrubUser(ctx, e.UserID); err != nil {
				return fmt.Errorf("scrub geo of user %d: %w", e.UserID, err)
			}
		}
	}
	return nil
}

func (a *Archive) scrubUser(ctx context.Context, user tweet.ID) error {
	return a.mergeFound(ctx, search.CarriersOf(user), func(id tweet.ID) *group { return &group{id: id, scrub: true} })
}

// mergeFound merges what a query finds anew, hidden tweets among them, each as the group that is made of its id.
func (a *Archive) mergeFound(ctx context.Context, e query.Expr, of func(tweet.ID) *group) error {
	if err := a.settle(ctx); err != nil {
		return err
	}
	ps, err := a.periods(ctx)
	if err != nil || len(ps) == 0 {
		return err
	}
	ids := interval{1, math.MaxInt64}
	for {
		found, err := a.ask(ctx, ps, `{"size":`+strconv.Itoa(scrubMost)+`,"track_total_hits":false,"sort":[{"id":"desc"}],"_source":["id"],"query":`+compile(e).where(ids)+`}`)
		if err != nil {
			return err
		}
		var groups []*group
		for i := range found.Hits.Hits {
			id := found.Hits.Hits[i].Source.ID
			groups = append(groups, of(id))
			ids.hi = int64(id) - 1
		}
		slices.Reverse(groups)
		if err := a.mergeAll(ctx, groups); err != nil {
			return err
		}
		if len(groups) < scrubMost {
			return nil
		}
	}
}

// withoutGeo gives the document without the places that notices took; d itself when there are none.
func (w *writer) withoutGeo(d *tweet.Document) (*tweet.Document, error) {
	if w.scrubs.None() {
		return d, nil
	}
	return d.WithoutPlaces(w.scrubs.Withdrawn)
}

// bulkLines are small documents for one index.
type bulkLines struct {
	body []byte
	err  error
}

func (b *bulkLines) index(id string, doc any) { b.add("index", id, doc) }

// create leaves a document alone that is there.
func (b *bulkLines) create(id string, doc any) { b.add("create", id, doc) }

func (b *bulkLines) add(action, id string, doc any) {
	line, err := json.Marshal(doc)
	if err != nil {
		b.err = err
		return
	}
	b.body = append(append(append(b.body, `{"`...), action...), `":{"_id":"`...)
	b.body = append(appendText(b.body, id), `"}}`...)
	b.body = append(append(append(b.body, '\n'), line...), '\n')
}

func (b *bulkLines) remove(id string) {
	b.body = append(append(appendText(append(b.body, `{"delete":{"_id":"`...), id), `"}}`...), '\n')
}

// sendLines writes them and makes them searchable; all or an error, and then any of them.
func (a *Archive) sendLines(ctx context.Context, index string, b *bulkLines) error {
	if b.err != nil || len(b.body) == 0 {
		return b.err
	}
	if err := a.hold(ctx); err != nil {
		return err
	}
	answer, err := a.call(ctx, http.MethodPost, "/"+index+"/_bulk?refresh=true&filter_path=errors,items.*.status,items.*.error", b.body)
	if err != nil {
		return err
	}
	var found bulkAnswer
	if err := json.Unmarshal(answer, &found); err != nil {
		return fmt.Errorf("%s: %w", index, err)
	}
	for _, one := range found.Items {
		for action, result := range one {
			if result.Error == nil || action == "create" && result.Status == http.StatusConflict {
				continue
			}
			if e := result.Error.error(result.Status); e.kind != nil || result.Status < 500 {
				return e
			}
			return fmt.Errorf("%w: %w", search.ErrUnavailable, result.Error.error(result.Status))
		}
	}
	return nil
}
