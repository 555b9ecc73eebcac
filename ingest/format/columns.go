package format

import (
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// The fields of a table that others are told by.
const (
	fieldID   = "id"
	fieldURL  = "url"
	fieldText = "text"
	ignored   = "-"
)

// columns are the fields that a table may have, each with the names that known collections give it, in lower case and with "_" for
// blanks, points and dashes. Of several that a table has, the first counts. The collections: twarc, DocNow's hydrator, rtweet, TAGS,
// DMI-TCAT, twint, snscrape, GetOldTweets, Twitter's archives of information operations, FiveThirtyEight's, the Trump Twitter Archive's.
var columns = []struct {
	field string
	names []string
}{
	{fieldID, []string{"tweet_id", "tweetid", "id_str", "status_id", "statusid", "idstr", "tweet_id_str", "id"}},
	{fieldURL, []string{"tweet_url", "tweeturl", "permalink", "tweet_permalink", "status_url", "link", "tweet_link", "url"}},
	{fieldText, []string{"full_text", "tweet_text", "rawcontent", "renderedcontent", "text", "content", "tweet", "body", "tweet_content", "message"}},
	{"created_at", []string{"created_at", "tweet_time", "publish_date", "postedtime", "posted_time", "tweet_created_at", "datetime", "created", "timestamp", "date", "time"}},
	{"author_id", []string{"author_id", "userid", "user_id", "user_id_str", "from_user_id_str", "from_user_id", "external_author_id", "author_userid"}},
	{"username", []string{"screen_name", "user_screen_name", "author_username", "username", "from_user_name", "from_user", "fromuser", "user_username", "handle", "screenname",
		"author_handle", "author", "user"}},
	{"name", []string{"author_name", "user_display_name", "display_name", "displayname", "user_name", "from_user_realname", "fullname", "user_displayname", "name"}},
	{"lang", []string{"lang", "tweet_language", "language", "tweet_lang"}},
	{"source", []string{"source", "tweet_client_name", "sourcelabel", "source_label", "generator", "device", "client"}},
	{"retweet_count", []string{"retweet_count", "retweets", "retweets_count", "retweetcount", "public_metrics_retweet_count"}},
	{"like_count", []string{"like_count", "favorite_count", "favorites", "likes", "likes_count", "likecount", "favoritecount", "public_metrics_like_count"}},
	{"reply_count", []string{"reply_count", "replies", "replies_count", "replycount", "public_metrics_reply_count"}},
	{"quote_count", []string{"quote_count", "quotes", "quotecount", "public_metrics_quote_count"}},
	{"conversation_id", []string{"conversation_id", "conversationid"}},
	{"in_reply_to_tweet_id", []string{"in_reply_to_status_id_str", "in_reply_to_status_id", "in_reply_to_tweetid", "in_reply_to_tweet_id", "reply_to_status_id", "inreplytotweetid"}},
	{"in_reply_to_user_id", []string{"in_reply_to_user_id_str", "in_reply_to_user_id", "in_reply_to_userid", "reply_to_user_id"}},
	{"in_reply_to_username", []string{"in_reply_to_screen_name", "in_reply_to_username", "reply_to_screen_name", "to_user_name"}},
	{"retweeted_tweet_id", []string{"retweet_tweetid", "retweet_status_id", "retweeted_status_id", "retweeted_status_id_str", "retweet_id", "referenced_tweets_retweeted_id"}},
	{"quoted_tweet_id", []string{"quoted_tweet_tweetid", "quoted_status_id", "quoted_status_id_str", "quote_id", "referenced_tweets_quoted_id"}},
	{"longitude", []string{"longitude", "lng", "lon", "long"}},
	{"latitude", []string{"latitude", "lat"}},
	{"possibly_sensitive", []string{"possibly_sensitive"}},
	{"followers_count", []string{"followers_count", "follower_count", "user_followers_count", "from_user_followercount", "followers", "user_followerscount"}},
	{"following_count", []string{"following_count", "friends_count", "user_friends_count", "from_user_friendcount", "following", "user_friendscount"}},
	{"tweet_count", []string{"statuses_count", "user_statuses_count", "from_user_tweetcount", "user_statusescount", "updates"}},
	{"listed_count", []string{"listed_count", "user_listed_count", "from_user_listed", "user_listedcount"}},
	{"description", []string{"user_description", "user_profile_description", "from_user_description", "author_description", "description"}},
	{"location", []string{"user_location", "user_reported_location", "author_location", "location"}},
	{"profile_url", []string{"user_profile_url", "profile_url", "from_user_url", "author_url"}},
	{"profile_image_url", []string{"profile_image_url", "from_user_profile_image_url", "user_profile_image_url", "profile_image_url_https"}},
	{"verified", []string{"user_verified", "from_user_verified", "author_verified", "verified"}},
	{"user_created_at", []string{"user_created_at", "account_creation_date", "from_user_created_at", "account_created_at"}},
	{"captured_at", []string{"captured_at", "retrieved_at", "__twarc_retrieved_at", "harvested_date"}},
}

// Check says what of the options cannot be, before anything is read.
func (o *Options) Check() error {
	known := []string{"", formatJSON, formatCSV, formatIDs, formatExport}
	if !slices.Contains(known, o.Format) {
		return fmt.Errorf("format %q is none of %s", o.Format, strings.Join(known[1:], ", "))
	}
	fields := []string{ignored}
	for _, c := range columns {
		fields = append(fields, c.field)
	}
	for _, column := range slices.Sorted(maps.Keys(o.Map)) {
		if !slices.Contains(fields, o.Map[column]) {
			return fmt.Errorf("column %q cannot be %q: the fields are %s", column, o.Map[column], strings.Join(fields, ", "))
		}
	}
	if o.Charset != "" {
		if _, err := htmlindex.Get(o.Charset); err != nil {
			return fmt.Errorf("character set %q is not known; windows-1252, macintosh, shift_jis, gb18030 and others are", o.Charset)
		}
	}
	return nil
}

// table says what the columns of a table are.
type table struct {
	comma  byte
	names  []string       // as they stand in the first line
	at     map[string]int // column, by field
	plain  bool           // the first line is a row
	nested bool           // the names are paths into a v2 tweet
}

// newTable reads the first line of a table; nil when it is none.
func newTable(first []byte, o *Options) *table {
	var best *table
	for _, comma := range []byte{',', '\t', ';', '|'} {
		names, err := splitRow(string(first), comma)
		if err != nil {
			continue
		}
		t := &table{comma: comma, names: names, at: map[string]int{}}
		if t.find(o.Map); best == nil || len(t.at) > len(best.at) {
			best = t
		}
	}
	switch {
	case best == nil, o.Format != formatCSV && len(best.at) == 0:
		return nil
	case o.Format == formatCSV || len(o.Map) > 0:
		return best
	case len(best.names) == 1 && best.has(fieldID) || len(best.at) > 1:
		return best
	}
	return nil
}

func (t *table) has(field string) bool { _, ok := t.at[field]; return ok }

// find finds the columns. What the user says beats what the table of names says.
func (t *table) find(said map[string]string) {
	taken := map[int]bool{}
	numbered := len(said) > 0
	for column, field := range said {
		n, err := strconv.Atoi(column)
		if numbered = numbered && err == nil && n > 0 && !slices.Contains(t.names, column); numbered && n <= len(t.names) {
			t.at[field] = n - 1
		}
	}
	if numbered {
		t.plain = true
		delete(t.at, ignored)
		return
	}
	clear(t.at)
	for i, name := range t.names {
		if field, ok := said[name]; ok {
			t.at[field], taken[i] = i, true
		}
	}
	delete(t.at, ignored)
	normal := make([]string, len(t.names))
	for i, name := range t.names {
		normal[i] = normalName(name)
		t.nested = t.nested || name == "author.username" || name == "public_metrics.like_count"
	}
	for _, c := range columns {
		if t.has(c.field) {
			continue
		}
		for _, name := range c.names {
			if i := slices.Index(normal, name); i >= 0 && !taken[i] {
				t.at[c.field], taken[i] = i, true
				break
			}
		}
	}
}

func normalName(name string) string {
	name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\uFEFF")))
	return strings.NewReplacer(" ", "_", ".", "_", "-", "_").Replace(name)
}

// splitRow parts a row. A quote inside a value that is not quoted stands for itself.
func splitRow(row string, comma byte) ([]string, error) {
	r := csv.NewReader(strings.NewReader(row))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = rune(comma), true, -1
	return r.Read()
}
