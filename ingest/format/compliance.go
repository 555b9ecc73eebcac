package format

import (
	"fmt"

	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// complianceEvent takes the data of a line of v2's compliance streams, as {"delete": {"tweet": {…}, "event_at": …}}.
func complianceEvent(data []byte, at int64) (tweet.Record, *Control, error) {
	r := tweet.Record{CapturedAt: at}
	var name string
	var e gjson.Result
	gjson.ParseBytes(data).ForEach(func(k, v gjson.Result) bool {
		if v.IsObject() {
			name, e = k.String(), v
		}
		return !v.IsObject()
	})
	if ms, ok := instant(e.Get("event_at").String()); ok {
		r.CapturedAt = ms
	}
	t, u := e.Get("tweet"), e.Get("user")
	r.ID, r.UserID = idIn(t, "id"), idIn(t, "author_id")
	if u.Exists() {
		r.UserID = idIn(u, "id")
	}
	switch name {
	case "delete", "drop":
		r.Kind = tweet.KindDelete
		if name == "drop" { // for now: "undrop" takes it back
			return withholdTweet(r, "tweet_drop")
		}
		if r.ID == 0 {
			return r, nil, fmt.Errorf("%q names no tweet", name)
		}
		return r, nil, nil
	case "undrop":
		return withholdTweet(r, "tweet_undrop")
	case "withheld":
		w := &withheld{IDStr: ident(r.ID), UserIDStr: ident(r.UserID), Countries: countries(e)}
		return withholding(r, tweet.KindWithheld, "status_withheld", w)
	case "scrub_geo":
		if r.Kind, r.ID = tweet.KindGeo, idIn(e, "up_to_tweet_id"); r.ID == 0 || r.UserID == 0 {
			return r, nil, fmt.Errorf("%q names no user or no tweet", name)
		}
		return r, nil, nil
	case "user_withheld", "user_delete", "user_undelete", "user_protect", "user_unprotect", "user_suspend", "user_unsuspend":
		return withholding(r, tweet.KindUser, name, &withheld{IDStr: ident(r.UserID), Countries: countries(e)})
	case "":
		return r, &Control{Name: "data"}, nil
	}
	return r, &Control{Name: short(name, 40)}, nil // tweet_edit, user_profile_modification …
}

// withholdTweet is a notice that a tweet is hidden everywhere, or not any more.
func withholdTweet(r tweet.Record, event string) (tweet.Record, *Control, error) {
	return withholding(r, tweet.KindWithheld, event, &withheld{IDStr: ident(r.ID), UserIDStr: ident(r.UserID)})
}

func countries(e gjson.Result) (codes []string) {
	for _, c := range e.Get("withheld_in_countries").Array() {
		codes = append(codes, c.String())
	}
	return codes
}

func idIn(e gjson.Result, key string) tweet.ID {
	var id ident
	if v := e.Get(key); v.Raw != "" {
		_ = id.UnmarshalJSON([]byte(v.Raw)) // never fails
	}
	return tweet.ID(id)
}
