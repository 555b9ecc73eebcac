package querytest

import (
	"strings"
	"time"

	"birdwatch/tweet"

	"pgregory.net/rapid"
)

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

var links = []tweet.URL{
	{URL: "https://t.co/a", ExpandedURL: "https://Blog.Example.com/2013/news?id=7#Top", Title: "Good News", Description: "What is new"},
	{URL: "https://t.co/b", ExpandedURL: "http://bit.ly/xyz", UnwoundURL: "https://example.org/caf%C3%A9/a%20b/Über"},
	{URL: "https://t.co/c", ExpandedURL: "https://ja.wikipedia.org/wiki/日本語", Title: "日本語"},
	{URL: "https://t.co/d"},
	{URL: "https://t.co/m", ExpandedURL: "https://twitter.com/x/status/1/photo/1", DisplayURL: "pic.twitter.com/m", MediaKey: "3_1"},
}

var places = []tweet.Place{
	{ID: "00f0", FullName: "London, England", Name: "London", CountryCode: "GB", Geo: &tweet.PlaceGeo{Type: "Feature", BBox: [4]float64{-0.51, 51.28, 0.33, 51.69}}},
	{ID: "00f1", FullName: "Fiji", CountryCode: "FJ", Geo: &tweet.PlaceGeo{Type: "Feature", BBox: [4]float64{177, -20, -178, -12}}},
	{ID: "00f2", FullName: "Lyon, France", Name: "Lyon", CountryCode: "FR"},
	{ID: "00f3", FullName: "Antarctica", CountryCode: "AQ", Geo: &tweet.PlaceGeo{Type: "Feature", BBox: [4]float64{-180, -90, 180, -60}}},
}

var points = [][2]float64{{-0.1276, 51.5072}, {2.3522, 48.8566}, {-179.5, -17}, {179.5, -17}, {100, 89.9}, {180, 0}, {-180, 0}, {0, 0}}

var contexts = []tweet.Context{
	{Domain: tweet.ContextPart{ID: "46"}, Entity: tweet.ContextPart{ID: "1557697333571112960", Name: "Go"}},
	{Domain: tweet.ContextPart{ID: "10"}, Entity: tweet.ContextPart{ID: "799022225751871488", Name: "Ada Lovelace"}},
	{Domain: tweet.ContextPart{ID: "46"}, Entity: tweet.ContextPart{ID: "781974597218340864", Name: "Fashion"}},
}

func payload(t *rapid.T, at time.Time, before []*tweet.Payload) *tweet.Payload {
	words := rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 12).Draw(t, "text")
	author := rapid.SampledFrom(people).Draw(t, "author")
	p := &tweet.Payload{Includes: &tweet.Includes{Users: []tweet.User{author}}}
	p.Data = tweet.Tweet{ID: tweet.IDAt(at) + 1, Text: strings.Join(words, " "), AuthorID: author.ID, CreatedAt: at.UTC().Format(tweet.TimeLayout),
		Lang: rapid.SampledFrom([]string{"", "en", "ja", "iw", "und"}).Draw(t, "lang"), Source: rapid.SampledFrom([]string{"", "Twitter Web App", "tweet_bot"}).Draw(t, "source"),
		PossiblySensitive: rapid.Bool().Draw(t, "sensitive")}
	d := &p.Data
	if rapid.Bool().Draw(t, "figures") {
		d.PublicMetrics = &tweet.TweetMetrics{LikeCount: int64(rapid.IntRange(0, 20).Draw(t, "likes")), RetweetCount: 2, ReplyCount: int64(rapid.IntRange(0, 2).Draw(t, "replies"))}
	}
	locate(t, p)
	recognise(t, d)
	attach(t, p)
	if len(before) > 0 {
		refer(t, p, rapid.SampledFrom(before).Draw(t, "other"))
	}
	return p
}

// locate gives a point, a place, both, or neither.
func locate(t *rapid.T, p *tweet.Payload) {
	switch rapid.IntRange(0, 7).Draw(t, "geo") {
	case 0:
		p.Data.Geo = &tweet.Geo{Coordinates: &tweet.Point{Type: "Point", Coordinates: rapid.SampledFrom(points).Draw(t, "point")}}
	case 1:
		p.Data.Geo = &tweet.Geo{Coordinates: &tweet.Point{Type: "Point", Coordinates: rapid.SampledFrom(points).Draw(t, "point")}, PlaceID: places[0].ID}
		p.Includes.Places = []tweet.Place{places[0]}
	case 2, 3:
		place := rapid.SampledFrom(places).Draw(t, "place")
		p.Data.Geo = &tweet.Geo{PlaceID: place.ID}
		p.Includes.Places = []tweet.Place{place}
	}
}

// recognise adds links, tags and annotations; a text with entities is not looked through for others.
func recognise(t *rapid.T, d *tweet.Tweet) {
	if rapid.IntRange(0, 2).Draw(t, "annotated") == 0 {
		d.ContextAnnotations = rapid.SliceOfN(rapid.SampledFrom(contexts), 1, 3).Draw(t, "contexts")
	}
	if rapid.IntRange(0, 2).Draw(t, "entities") > 0 {
		return
	}
	e := &tweet.Entities{URLs: rapid.SliceOfN(rapid.SampledFrom(links), 0, 2).Draw(t, "links"), Hashtags: tweet.Hashtags(d.Text), Cashtags: tweet.Cashtags(d.Text), Mentions: tweet.Mentions(d.Text)}
	if rapid.Bool().Draw(t, "named") {
		e.Annotations = []tweet.Annotation{{NormalizedText: "Analytical Engine", Type: "Product"}}
	}
	d.Entities = e
}

func attach(t *rapid.T, p *tweet.Payload) {
	switch typ := rapid.SampledFrom([]string{"", "", "", "", "photo", "video", "animated_gif", "poll"}).Draw(t, "attached"); typ {
	case "":
	case "poll":
		p.Data.Attachments, p.Includes.Polls = &tweet.Attachments{PollIDs: []string{"900"}}, []tweet.Poll{{ID: "900"}}
	default:
		p.Data.Attachments, p.Includes.Media = &tweet.Attachments{MediaKeys: []string{"3_1"}}, []tweet.Media{{MediaKey: "3_1", Type: typ}}
	}
}

// refer makes p a reply, a quote or a retweet of another, or neither.
func refer(t *rapid.T, p, other *tweet.Payload) {
	typ := rapid.SampledFrom([]string{"", "", "", "replied_to", "quoted", "retweeted"}).Draw(t, "reference")
	if typ == "" {
		return
	}
	p.Data.ReferencedTweets = []tweet.Reference{{Type: typ, ID: other.Data.ID}}
	switch typ {
	case "replied_to":
		p.Data.InReplyToUserID = other.Data.AuthorID
		p.Data.ConversationID = other.Data.ID
	case "retweeted":
		p.Data.Text = "RT @" + other.Includes.Users[0].Username + ": " + other.Data.Text
		p.Data.Entities = nil // their places are those of another text
	}
	if rapid.Bool().Draw(t, "included") {
		p.Includes.Tweets = append(p.Includes.Tweets, other.Data)
		p.Includes.Media = append(p.Includes.Media, other.Includes.Media...)
		if u := other.Includes.Users[0]; u.ID != p.Data.AuthorID {
			p.Includes.Users = append(p.Includes.Users, u)
		}
	}
}
