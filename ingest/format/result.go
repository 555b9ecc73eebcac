package format

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// complianceResult takes a line of a compliance job's result: {"id": …, "action": "delete", "reason": …, "redacted_at": …}. Jobs are about tweets or
// about users, and lines do not say which: where an id can be either, both are done. Its time is when the thing was seen to be gone, where it tells that.
func complianceResult(raw []byte, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	line := gjson.ParseBytes(raw)
	id := idIn(line, "id")
	if ms, ok := instant(line.Get("redacted_at").String()); ok {
		at = ms
	}
	action, reason := strings.ToLower(line.Get("action").String()), strings.ToLower(line.Get("reason").String())
	switch {
	case id == 0:
		return nil, nil, fmt.Errorf(`"id" gives no id`)
	case action == "scrub_geo":
		reason = action
	case action != "delete":
		return nil, nil, fmt.Errorf(`"action" is %q, not "delete"`, short(action, 40))
	}
	ofTweet, ofUser, err := subjects(&line, id)
	if err != nil {
		return nil, nil, err
	}
	var recs []tweet.Record
	if ofTweet {
		r := tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: at}
		if reason == "scrub_geo" {
			r.Kind = tweet.KindGeo
		}
		recs = append(recs, r)
	}
	if ofUser {
		r, err := userResult(id, reason, at)
		if err != nil {
			return nil, nil, err
		}
		recs = append(recs, r)
	}
	for i := range recs {
		recs[i].Raw, recs[i].Provenance = raw, from
	}
	return recs, nil, nil
}

// userResult is what a result says of a user.
func userResult(user tweet.ID, reason string, at int64) (tweet.Record, error) {
	r := tweet.Record{UserID: user, CapturedAt: at}
	event := "user_delete"
	switch reason {
	case "scrub_geo":
		// Without an instant it is about all there is.
		r.Kind, r.ID = tweet.KindGeo, math.MaxInt64
		if at > 0 {
			r.ID = cmp.Or(tweet.IDAt(time.UnixMilli(at)), tweet.FirstSnowflake)
		}
		return r, nil
	case "suspended":
		event = "user_suspend"
	case "protected":
		event = "user_protect"
	}
	r, _, err := withholding(r, tweet.KindUser, event, &withheld{IDStr: ident(user)})
	return r, err
}

// How users' ids and the ids of tweets before November 2010 were given out: one after the other.
const (
	mostSerialUser    tweet.ID = 5_000_000_000           // no user has an id between it and firstTimedUser
	firstTimedUser    tweet.ID = 640_000_000_000_000_000 // from 2015 on users' ids hold a time, as tweets' do
	mostUserOfTweets5 tweet.ID = 120_000_000             // users of the time before the tweet mostSerialUser
	mostUserIn2007    tweet.ID = 9_000_000               // users of the time before the tweet mostUserOfTweets5
)

// Until when tweets had ids below mostSerialUser, and below mostUserOfTweets5, with some months to spare.
var (
	endOfTweets5 = time.Date(2009, 12, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	endIn2007    = time.Date(2007, 8, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// subjects says what a result is about: as its "type" says, else by the id and when what it names was created.
func subjects(line *gjson.Result, id tweet.ID) (ofTweet, ofUser bool, err error) {
	switch kind := line.Get("type").String(); kind {
	case "tweets", "tweet":
		return true, false, nil
	case "users", "user":
		return false, true, nil
	}
	switch {
	case id >= firstTimedUser:
		return true, true, nil // no id is given out twice
	case id > mostSerialUser:
		return true, false, nil
	}
	created, ok := instant(line.Get("created_at").String())
	switch {
	case !ok:
	case created >= endOfTweets5, created >= endIn2007 && id <= mostUserOfTweets5:
		return false, true, nil
	case id > mostUserOfTweets5, created < endIn2007 && id > mostUserIn2007:
		return true, false, nil
	}
	return false, false, fmt.Errorf(`"id" may be a tweet's or a user's: add "type": "tweets" or "type": "users" to the line`)
}
