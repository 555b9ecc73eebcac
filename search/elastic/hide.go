package elastic

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"birdwatch/search"
	"birdwatch/tweet"
)

// hiddenField has the places in which a tweet is not shown.
const hiddenField = "hidden"

// shownIn finds what may be seen from some countries.
func shownIn(countries []string) clause {
	places := search.HiddenFrom(countries)
	for i, p := range places {
		places[i] = `"` + string(appendText(nil, p)) + `"`
	}
	return builder{}.Not(clause{kind: clauseLeaf, json: `{"terms":{"` + hiddenField + `":[` + strings.Join(places, ",") + `]}}`})
}

// takeNotice adds a notice to what is known.
func (k *known) takeNotice(r *tweet.Record) {
	k.scrubs.Take(r)
	k.hidings.Take(r)
}

// hiddenIn gives where a document is hidden.
func (w *writer) hiddenIn(d *tweet.Document) ([]string, error) {
	if d.Tombstone || len(w.hidings) == 0 && !bytes.Contains(d.Payload, []byte(`"withheld":`)) {
		return nil, nil
	}
	p, err := tweet.Decode(d.Payload)
	if err != nil {
		return nil, err
	}
	who := search.SubjectsOf(p)
	return who.Places(d.BodyAt, w.hidings.Of)
}

// hidePresent hides, or shows, the tweets that are here already of those whom entries are about. It does so whether a notice is new or not, since a
// process may have ended between taking and following it.
func (a *Archive) hidePresent(ctx context.Context, entries []tweet.Entry) error {
	done := map[search.Subject]bool{}
	for i := range entries {
		who := search.SubjectOf(&entries[i].Record)
		if who.ID == 0 || done[who] || a.writer.hidings[who].Silent() {
			continue
		}
		done[who] = true
		again := func(id tweet.ID) *group { return &group{id: id, again: true} }
		if !who.User {
			if err := a.mergeAll(ctx, []*group{again(who.ID)}); err != nil {
				return fmt.Errorf("hide %d: %w", who.ID, err)
			}
		}
		if err := a.mergeFound(ctx, who.HiddenWith(), again); err != nil {
			return fmt.Errorf("hide what is of %d: %w", who.ID, err)
		}
	}
	return nil
}

// Hidden gives those of the ids whose tweets notices hide.
func (a *Archive) Hidden(ctx context.Context, ids ...tweet.ID) (map[tweet.ID]bool, error) {
	hidden := map[tweet.ID]bool{}
	if len(ids) == 0 {
		return hidden, nil
	}
	err := a.settle(ctx)
	var ps []period
	if err == nil {
		ps, err = a.periods(ctx)
	}
	if err != nil || len(ps) == 0 {
		return hidden, fault("hidden", err)
	}
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = id.String()
	}
	not := a.shown
	not.not = false
	found, err := a.ask(ctx, ps, `{"size":`+strconv.Itoa(len(ids))+`,"track_total_hits":false,"_source":["id"],"query":{"bool":{"filter":[`+
		not.json+`,{"terms":{"id":[`+strings.Join(list, ",")+`]}}]}}}`)
	if err != nil {
		return nil, fault("hidden", err)
	}
	for i := range found.Hits.Hits {
		hidden[found.Hits.Hits[i].Source.ID] = true
	}
	return hidden, nil
}
