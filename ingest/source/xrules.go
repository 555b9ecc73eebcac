package source

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Rules are those that X is made to have.
func (x *X) Rules() []Rule {
	x.asking.Lock()
	defer x.asking.Unlock()
	return slices.Clone(x.rules)
}

func rulesText(rules []Rule) string {
	var values []string
	for _, r := range rules {
		values = append(values, r.Value)
	}
	return "rules=" + strings.Join(values, " | ")
}

// Change gives X other rules, while the stream stands: nothing is lost. Rules that X refuses are the error (RulesError within
// ErrRefused), and none is changed then.
func (x *X) Change(ctx context.Context, rules []Rule) error {
	if err := x.dryRun(ctx, rules); err != nil {
		return err
	}
	x.asking.Lock()
	x.rules, x.synced = rules, false
	x.asking.Unlock()
	if err := x.synchronise(ctx); err != nil {
		return err
	}
	if st := x.State(); st.Connected {
		x.tell(Event{Kind: Asking, Connection: st.Attempts, Asked: rulesText(rules)})
	}
	return nil
}

// dryRun asks X whether it would take the rules.
func (x *X) dryRun(ctx context.Context, rules []Rule) error {
	have, err := x.haveRules(ctx)
	if err != nil {
		return err
	}
	var add []Rule
	for _, r := range rules {
		if !slices.ContainsFunc(have, func(h xRule) bool { return h.Rule == r }) {
			add = append(add, r)
		}
	}
	refused, _, err := x.postRules(ctx, "?dry_run=true", map[string]any{"add": add}, len(add))
	if err == nil && len(refused) > 0 {
		err = fmt.Errorf("%w: %w", ErrRefused, &refused)
	}
	return err
}

type xRule struct {
	ID string `json:"id"`
	Rule
}

// synchronise makes X's rules those of the source, if they are not known to be. Rules that X refuses are reported and left.
func (x *X) synchronise(ctx context.Context) error {
	x.asking.Lock()
	want, synced := slices.Clone(x.rules), x.synced
	x.asking.Unlock()
	if synced {
		return nil
	}
	have, err := x.haveRules(ctx)
	if err != nil {
		return err
	}
	var add []Rule
	var remove, removed []string // the ids, and the values
	for _, r := range want {
		if !slices.ContainsFunc(have, func(h xRule) bool { return h.Rule == r }) {
			add = append(add, r)
		}
	}
	for _, h := range have {
		if !x.c.KeepOthers && !slices.Contains(want, h.Rule) {
			x.log.Warn("a rule of X's that is not configured is deleted", "source", x.name, "rule", h.Value, "tag", h.Tag)
			remove, removed = append(remove, h.ID), append(removed, h.Value)
		}
	}
	// What comes is added first, so that no tweet falls between the old rules and the new; what X refuses then may find room
	// when the others are gone. Two rules of one value X does not have: one with another tag can come only when the old one is gone.
	refused, there, err := x.postRules(ctx, "", map[string]any{"add": add}, len(add))
	if err != nil {
		return err
	}
	if _, _, err := x.postRules(ctx, "", map[string]any{"delete": map[string]any{"ids": remove}}, len(remove)); err != nil {
		return err
	}
	add = slices.DeleteFunc(add, func(r Rule) bool {
		return !slices.ContainsFunc(refused, func(e RuleError) bool { return e.Value == r.Value }) &&
			(!slices.Contains(there, r.Value) || !slices.Contains(removed, r.Value))
	})
	if len(add) > 0 && len(remove) > 0 {
		if refused, _, err = x.postRules(ctx, "", map[string]any{"add": add}, len(add)); err != nil {
			return err
		}
	}
	for _, r := range refused {
		x.log.Error("X refuses a rule", "source", x.name, "rule", r.Value, "reason", r.Reason)
	}
	x.change(func(s *State) { s.Rules = refused })
	x.asking.Lock()
	defer x.asking.Unlock()
	x.synced = slices.Equal(x.rules, want)
	return nil
}

const rulesPath = "/2/tweets/search/stream/rules"

// haveRules gives all rules that X has.
func (x *X) haveRules(ctx context.Context) ([]xRule, error) {
	var all []xRule
	for token := ""; ; {
		path := rulesPath
		if token != "" {
			path += "?pagination_token=" + url.QueryEscape(token)
		}
		var page struct {
			Data []xRule
			Meta struct {
				NextToken string `json:"next_token"`
			}
		}
		resp, err := x.ask(ctx, http.MethodGet, path, nil)
		if err != nil {
			return nil, err
		}
		if err := readAnswer(resp, &page); err != nil {
			return nil, err
		}
		if all, token = append(all, page.Data...), page.Meta.NextToken; token == "" {
			return all, nil
		}
	}
}

// postRules adds or deletes; n is of how many, and nothing is asked for none. What X refuses of them is no error; there are the values of
// those that it has already, perhaps with another tag.
func (x *X) postRules(ctx context.Context, query string, body map[string]any, n int) (refused RulesError, there []string, err error) {
	if n == 0 {
		return nil, nil, nil
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, nil, err
	}
	resp, err := x.ask(ctx, http.MethodPost, rulesPath+query, b)
	if err != nil {
		return nil, nil, err
	}
	var answer struct {
		Errors []struct {
			Value, Title, Detail, Type string
			Details                    []string
		}
	}
	if resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusUnprocessableEntity { // it may be for the rules
		b, err := io.ReadAll(io.LimitReader(resp.Body, answerMost))
		resp.Body = io.NopCloser(bytes.NewReader(b))
		if err != nil || json.Unmarshal(b, &answer) != nil || len(answer.Errors) == 0 || answer.Errors[0].Value == "" {
			return nil, nil, statusError(resp)
		}
	} else if err := readAnswer(resp, &answer); err != nil {
		return nil, nil, err
	}
	for _, e := range answer.Errors {
		if strings.HasSuffix(e.Type, "/duplicate-rules") {
			there = append(there, e.Value)
			continue
		}
		refused = append(refused, RuleError{e.Value, cmp.Or(strings.Join(e.Details, "; "), e.Detail, e.Title)})
	}
	return refused, there, nil
}

// answerMost bounds an answer of X's about rules: a thousand of them at their longest.
const answerMost = 8 << 20

// readAnswer reads a JSON answer.
func readAnswer(resp *http.Response, to any) error {
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return statusError(resp)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerMost))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, to); err != nil {
		return fmt.Errorf("answer about rules: %w", err)
	}
	return nil
}

// everything are the parameters that ask for all fields and expansions that an app may have.
func everything() url.Values {
	return url.Values{
		"expansions": {"author_id,referenced_tweets.id,referenced_tweets.id.author_id,in_reply_to_user_id,entities.mentions.username,attachments.media_keys,attachments.media_source_tweet,attachments.poll_ids," +
			"edit_history_tweet_ids,geo.place_id"},
		"tweet.fields": {"article,attachments,author_id,card_uri,community_id,context_annotations,conversation_id,created_at,display_text_range,edit_controls,edit_history_tweet_ids,entities,geo,in_reply_to_user_id," +
			"lang,note_tweet,possibly_sensitive,public_metrics,referenced_tweets,reply_settings,source,text,withheld"},
		"user.fields":  {"created_at,description,entities,id,location,most_recent_tweet_id,name,pinned_tweet_id,profile_image_url,protected,public_metrics,url,username,verified,verified_type,withheld"},
		"media.fields": {"alt_text,duration_ms,height,media_key,preview_image_url,public_metrics,type,url,variants,width"},
		"place.fields": {"contained_within,country,country_code,full_name,geo,id,name,place_type"},
		"poll.fields":  {"duration_minutes,end_datetime,id,options,voting_status"},
	}
}
