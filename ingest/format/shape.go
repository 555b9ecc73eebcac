package format

// keys is a set of the keys by which a record's shape is told.
type keys uint32

const (
	keyID keys = 1 << iota
	keyIDStr
	keyText
	keyFullText
	keyUser
	keyData
	keyIncludes
	keyErrors
	keyMeta
	keyAuthor        // author_id, author
	keyV2            // what only a tweet of the v2 API has
	keyVerb          // an activity
	keyActivity      // actor, postedTime
	keyTweet         // an export's element
	keyNote          // an export's long text
	keyAction        // a compliance result
	keyStatuses      // a search envelope
	keyResults       // a premium one
	keyIncludedLists // users, places, media, polls, tweets: the lists of includes, on their own
	keyDelete        // any of the one-key notices of v1.1
	keyInfo          // what an activity stream says about itself
	keySound         // not a key: the object has been judged
)

// keyOf is 0 for a key that tells nothing.
func keyOf(name []byte) keys {
	switch string(name) {
	case "id":
		return keyID
	case "id_str":
		return keyIDStr
	case "text":
		return keyText
	case "full_text":
		return keyFullText
	case "user":
		return keyUser
	case "data":
		return keyData
	case "includes":
		return keyIncludes
	case "errors":
		return keyErrors
	case "meta":
		return keyMeta
	case "author_id", "author":
		return keyAuthor
	case "public_metrics", "conversation_id", "referenced_tweets", "edit_history_tweet_ids", "context_annotations":
		return keyV2
	case "verb":
		return keyVerb
	case "actor", "postedTime":
		return keyActivity
	case "tweet":
		return keyTweet
	case "noteTweet":
		return keyNote
	case "action":
		return keyAction
	case "statuses":
		return keyStatuses
	case "results":
		return keyResults
	case "users", "places", "media", "polls", "tweets":
		return keyIncludedLists
	case "delete":
		return keyDelete
	case "info":
		return keyInfo
	}
	return 0
}

// shape is what a record is.
type shape uint8

const (
	shapeV1       shape = iota // v1.1: a status, a notice, a control message; whatever is of no other shape
	shapeV2                    // a tweet of v2 on its own, as a page has them or twarc2 flattens them
	shapeV2Answer              // {"data": …}: a line of a v2 stream, an answer about one, a page
	shapeV2Result              // a line of a compliance job's result
	shapeActivity              // Gnip's activity streams
	shapeExport                // {"tweet": …}, as exports have them
	shapeEnvelope              // search answers of v1.1
	shapeIncludes              // includes on their own
)

// shape tells what an object with these keys is.
func (k keys) shape() shape {
	has := func(all keys) bool { return k&all == all }
	switch {
	case k&(keyIDStr|keyUser|keyFullText|keyDelete) != 0:
		return shapeV1
	case has(keyText | keyID):
		if k&(keyAuthor|keyV2) != 0 {
			return shapeV2
		}
		return shapeV1
	case has(keyData), has(keyErrors), has(keyMeta) && k&keyID == 0:
		return shapeV2Answer
	case has(keyVerb), has(keyActivity) && k&keyID != 0, has(keyInfo):
		return shapeActivity
	case has(keyTweet), has(keyNote):
		return shapeExport
	case has(keyAction | keyID):
		return shapeV2Result
	case k&keyID == 0 && k&(keyStatuses|keyResults) != 0:
		return shapeEnvelope
	case k&(keyID|keyText) == 0 && has(keyIncludedLists):
		return shapeIncludes
	}
	return shapeV1
}
