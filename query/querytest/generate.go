package querytest

import (
	"fmt"
	"strings"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"

	"pgregory.net/rapid"
)

// Vocabulary is what random queries are made of, so that they find something.
type Vocabulary struct {
	Words  []string // single words, as a query may have them
	Values []string // operators with their values, tags and names: from:ada, #go
}

// vocabularySize bounds each list of a Vocabulary.
const vocabularySize = 4000

// VocabularyOf takes words and values from tweets.
func VocabularyOf(tweets []*tweet.Payload) Vocabulary {
	v := Vocabulary{}
	seen := map[string]bool{}
	add := func(list *[]string, s string) {
		if s != "" && !seen[s] && len(*list) < vocabularySize {
			seen[s] = true
			*list = append(*list, s)
		}
	}
	for _, p := range tweets {
		view := p.View()
		for _, w := range tweet.Words(view.Text) {
			add(&v.Words, w.Text)
		}
		for _, value := range values(&view) {
			if _, err := query.Parse(value, Now); err == nil {
				add(&v.Values, value)
			}
		}
	}
	return v
}

// values are operators that find the tweet.
func values(v *tweet.View) []string {
	d := &v.Payload.Data
	vs := []string{"id:" + d.ID.String(), "max_id:" + d.ID.String(), "since_id:" + d.ID.String()}
	if d.Lang != "" {
		vs = append(vs, "lang:"+d.Lang)
	}
	if d.Source != "" {
		vs = append(vs, "source:"+quoted(d.Source))
	}
	if d.CreatedAt != "" {
		vs = append(vs, "since:"+d.CreatedAt, "until:"+d.CreatedAt)
	}
	for name, id := range map[string]tweet.ID{"conversation_id": d.ConversationID, "to": d.InReplyToUserID, "retweets_of_tweet_id": v.Repeated,
		"in_reply_to_tweet_id": d.Ref("replied_to"), "quotes_of_tweet_id": d.Ref("quoted"), "from": d.AuthorID} {
		if id != 0 {
			vs = append(vs, name+":"+id.String())
		}
	}
	if e := v.Entities; e != nil {
		for _, h := range e.Hashtags {
			vs = append(vs, "#"+h.Tag)
		}
		for _, c := range e.Cashtags {
			vs = append(vs, "$"+c.Tag)
		}
		for _, m := range e.Mentions {
			vs = append(vs, "@"+m.Username, "to:"+m.Username)
		}
		for _, u := range e.URLs {
			vs = append(vs, "url:"+quoted(u.ExpandedURL))
		}
	}
	if m := v.Subject.PublicMetrics; m != nil {
		vs = append(vs, fmt.Sprintf("likes:%d", m.LikeCount), fmt.Sprintf("reposts:0..%d", m.RetweetCount))
	}
	return append(vs, userValues(v)...)
}

func userValues(v *tweet.View) (vs []string) {
	if v.RepeatedAuthor != nil {
		vs = append(vs, "retweets_of:"+v.RepeatedAuthor.Username, "@"+v.RepeatedAuthor.Username)
	}
	u := v.Author
	if u == nil {
		return vs
	}
	vs = append(vs, "from:"+u.Username)
	for name, text := range map[string]string{"bio": u.Description, "bio_name": u.Name, "bio_location": u.Location} {
		if words := strings.Fields(text); len(words) > 0 {
			vs = append(vs, name+":"+quoted(words[0]), name+":"+quoted(strings.Join(words[:min(3, len(words))], " ")))
		}
	}
	if m := u.PublicMetrics; m != nil {
		vs = append(vs, fmt.Sprintf("followers_count:%d", m.FollowersCount), fmt.Sprintf("following_count:0..%d", m.FollowingCount))
	}
	return vs
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// Queries makes texts of queries out of the whole grammar. Nearly all parse; those that do not are too large.
func Queries(v Vocabulary) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return v.or(t, 3) })
}

// Exprs makes normal forms out of the whole grammar.
func Exprs(v Vocabulary) *rapid.Generator[query.Expr] {
	return rapid.Custom(func(t *rapid.T) query.Expr {
		text := v.or(t, 3)
		q, err := query.Parse(text, Now)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return q.Expr
	})
}

func (v Vocabulary) or(t *rapid.T, depth int) string {
	n := rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "alternatives")
	xs := make([]string, n)
	for i := range xs {
		xs[i] = v.and(t, depth)
	}
	return strings.Join(xs, rapid.SampledFrom([]string{" OR ", " | ", "|"}).Draw(t, "or"))
}

func (v Vocabulary) and(t *rapid.T, depth int) string {
	n := rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "parts")
	xs := make([]string, n)
	for i := range xs {
		xs[i] = rapid.SampledFrom([]string{"", "", "", "-", "NOT "}).Draw(t, "negation") + v.primary(t, depth)
	}
	return strings.Join(xs, rapid.SampledFrom([]string{" ", "  ", " AND "}).Draw(t, "and"))
}

func (v Vocabulary) primary(t *rapid.T, depth int) string {
	kinds := []string{"word", "word", "word", "value", "value", "choice", "phrase", "near", "prefix"}
	if depth > 0 {
		kinds = append(kinds, "group", "group")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "group":
		return "(" + v.or(t, depth-1) + ")"
	case "value":
		if len(v.Values) > 0 {
			return rapid.SampledFrom(v.Values).Draw(t, "value")
		}
	case "choice":
		return choice().Draw(t, "choice")
	case "phrase":
		return v.phrase(t, 1)
	case "near":
		text := v.phrase(t, 2) + fmt.Sprintf("~%d", rapid.IntRange(1, query.MaxApart).Draw(t, "apart"))
		if _, err := query.Parse(text, Now); err == nil {
			return text
		}
	case "prefix":
		runes := []rune(v.word(t))
		text := string(runes[:rapid.IntRange(min(2, len(runes)), len(runes)).Draw(t, "length")]) + "*"
		if _, err := query.Parse(text, Now); err == nil {
			return text
		}
	}
	return quoted(v.word(t))
}

// word falls back on one that every vocabulary has.
func (v Vocabulary) word(t *rapid.T) string {
	if len(v.Words) == 0 {
		return "go"
	}
	return rapid.SampledFrom(v.Words).Draw(t, "word")
}

// phrase takes neighbours of the vocabulary, which often were neighbours in a text, or any words.
func (v Vocabulary) phrase(t *rapid.T, least int) string {
	n := rapid.IntRange(least, 4).Draw(t, "words")
	words := make([]string, n)
	neighbours := len(v.Words) > n && rapid.Bool().Draw(t, "neighbours")
	from := 0
	if neighbours {
		from = rapid.IntRange(0, len(v.Words)-n).Draw(t, "from")
	}
	for i := range words {
		if words[i] = v.word(t); neighbours {
			words[i] = v.Words[from+i]
		}
	}
	return quoted(strings.Join(words, " "))
}

// choice is one of the values that is:, has: and filter: take, or an instant.
func choice() *rapid.Generator[string] {
	var all []string
	for _, o := range query.Operators() {
		for _, v := range o.Values {
			all = append(all, o.Name+":"+v)
		}
	}
	for _, s := range []string{"1s", "90m", "7d"} {
		all = append(all, "since:"+s, "until:"+s, "within_time:"+s)
	}
	return rapid.SampledFrom(all)
}

// Tweets makes payloads with few words and few people, so that random queries often match. Ids are
// unique in the slice and ascend.
func Tweets() *rapid.Generator[[]*tweet.Payload] {
	return rapid.Custom(func(t *rapid.T) []*tweet.Payload {
		n := rapid.IntRange(1, 20).Draw(t, "tweets")
		tweets := make([]*tweet.Payload, n)
		for i := range tweets {
			tweets[i] = payload(t, Start.Add(time.Duration(i)*time.Hour), tweets[:i])
		}
		return tweets
	})
}

var people = []tweet.User{
	{ID: 7, Username: "ada", Name: "Ada Lovelace", Description: "analyst of engines", Location: "London", Verified: true, PublicMetrics: &tweet.UserMetrics{FollowersCount: 1000, ListedCount: 3}},
	{ID: 8, Username: "Bob", Name: "Bob 日本", Description: "engines and tea", PublicMetrics: &tweet.UserMetrics{FollowersCount: 10, FollowingCount: 20, TweetCount: 30}},
	{ID: 123, Username: "cy_99"},
	{ID: 9, Username: "123", Location: "New York"},
}

var pieces = []string{"go", "Go", "is", "fast", "slow", "Café", "never", "never", "👍🏽", "👍", "日本語", "日本", "本", "สวัสดี", "#Golang", "@ada", "$TSLA", "&amp;", "12:30", "coca-cola", "\n", "!", "can't",
	"https://example.com/news", "İstanbul", "한국어", "السلام", "🇯🇵", "3.14"}

func payload(t *rapid.T, at time.Time, before []*tweet.Payload) *tweet.Payload {
	words := rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 12).Draw(t, "text")
	author := rapid.SampledFrom(people).Draw(t, "author")
	p := &tweet.Payload{Includes: &tweet.Includes{Users: []tweet.User{author}}}
	p.Data = tweet.Tweet{ID: tweet.IDAt(at) + 1, Text: strings.Join(words, " "), AuthorID: author.ID, CreatedAt: at.UTC().Format(tweet.TimeLayout),
		Lang: rapid.SampledFrom([]string{"", "en", "ja", "iw", "und"}).Draw(t, "lang"), Source: rapid.SampledFrom([]string{"", "Twitter Web App", "tweet_bot"}).Draw(t, "source"),
		PossiblySensitive: rapid.Bool().Draw(t, "sensitive")}
	if rapid.Bool().Draw(t, "figures") {
		p.Data.PublicMetrics = &tweet.TweetMetrics{LikeCount: int64(rapid.IntRange(0, 20).Draw(t, "likes")), RetweetCount: 2}
	}
	if len(before) == 0 {
		return p
	}
	other := rapid.SampledFrom(before).Draw(t, "other")
	typ := rapid.SampledFrom([]string{"", "", "", "replied_to", "quoted", "retweeted"}).Draw(t, "reference")
	if typ == "" {
		return p
	}
	p.Data.ReferencedTweets = []tweet.Reference{{Type: typ, ID: other.Data.ID}}
	switch typ {
	case "replied_to":
		p.Data.InReplyToUserID = other.Data.AuthorID
	case "retweeted":
		p.Data.Text = "RT @" + other.Includes.Users[0].Username + ": " + other.Data.Text
	}
	if rapid.Bool().Draw(t, "included") {
		p.Includes.Tweets = append(p.Includes.Tweets, other.Data)
		if u := other.Includes.Users[0]; u.ID != author.ID {
			p.Includes.Users = append(p.Includes.Users, u)
		}
	}
	return p
}
