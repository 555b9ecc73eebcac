package querytest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"birdwatch/query"
	"birdwatch/tweet"
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
	var target query.Target
	for _, p := range tweets {
		view := p.View()
		for _, w := range tweet.Words(view.Text) {
			add(&v.Words, w.Text)
		}
		target.Set(p)
		o := offers{figures: &target.Figures}
		o.of(&view)
		for _, value := range o.values {
			if _, err := query.Parse(value, Now); err == nil {
				add(&v.Values, value)
			}
		}
	}
	return v
}

// offers are operators with values, most of which find the tweet.
type offers struct {
	figures *[query.NumFigures]int64
	values  []string
}

// add offers an operator with a value in quotes, unless the value is empty.
func (o *offers) add(name, value string) {
	if value != "" {
		o.values = append(o.values, name+":"+quoted(value))
	}
}

func (o *offers) bare(format string, args ...any) {
	o.values = append(o.values, fmt.Sprintf(format, args...))
}

func (o *offers) id(name string, id tweet.ID) {
	if id != 0 {
		o.bare("%s:%d", name, id)
	}
}

func (o *offers) of(v *tweet.View) {
	d := &v.Payload.Data
	for _, name := range []string{"id", "max_id", "since_id"} {
		o.id(name, d.ID)
	}
	o.add("lang", d.Lang)
	o.add("source", d.Source)
	o.add("since", d.CreatedAt)
	o.add("until", d.CreatedAt)
	o.id("conversation_id", d.ConversationID)
	o.id("to", d.InReplyToUserID)
	o.id("from", d.AuthorID)
	o.id("retweets_of_tweet_id", v.Repeated)
	o.id("in_reply_to_tweet_id", d.Ref("replied_to"))
	o.id("quotes_of_tweet_id", d.Ref("quoted"))
	if quoted := v.Payload.Included(d.Ref("quoted")); quoted != nil {
		o.id("quotes_of", quoted.AuthorID)
	}
	o.entities(v)
	for _, c := range v.Subject.ContextAnnotations {
		o.bare("context:%s.%s", c.Domain.ID, c.Entity.ID)
		o.bare("context:%s.*", c.Domain.ID)
		o.bare("context:*.%s", c.Entity.ID)
		o.add("entity", c.Entity.Name)
	}
	o.users(v)
	o.places(v)
	for f, name := range map[query.Figure]string{query.Followers: "followers_count", query.Following: "following_count", query.Tweets: "tweets_count", query.Listed: "listed_count",
		query.Likes: "likes", query.Reposts: "reposts", query.Replies: "replies", query.Quotes: "quotes"} {
		if n := o.figures[f]; n >= 0 {
			o.bare("%s:%d", name, n)
			o.bare("%s:%d..%d", name, n/2, n)
		}
	}
	o.bare("sample:%d", o.figures[query.Sample]+1)
	o.bare("sample:%d", max(o.figures[query.Sample], 1))
}

func (o *offers) entities(v *tweet.View) {
	e := v.Entities
	if e == nil {
		e = &tweet.Entities{Hashtags: tweet.Hashtags(v.Text), Cashtags: tweet.Cashtags(v.Text), Mentions: tweet.Mentions(v.Text)}
	}
	for _, h := range e.Hashtags {
		o.bare("#%s", h.Tag)
	}
	for _, c := range e.Cashtags {
		o.bare("$%s", c.Tag)
	}
	for _, m := range e.Mentions {
		o.bare("@%s", m.Username)
		o.add("to", m.Username)
	}
	for i := range e.URLs {
		o.link(&e.URLs[i])
	}
	for _, a := range e.Annotations {
		o.add("entity", a.NormalizedText)
	}
}

// link offers an address as words, and parts of it of all the lengths that are looked for in another way.
func (o *offers) link(u *tweet.URL) {
	o.add("url_title", firstWords(u.Title))
	o.add("url_description", firstWords(u.Description))
	for _, address := range []string{u.ExpandedURL, u.UnwoundURL, u.URL} {
		o.add("url", address)
		runes := []rune(address)
		for i, n := range []int{1, 2, 3, 4, 9, 40} {
			if from := len(runes) * (i + 1) / 8; from+n <= len(runes) {
				o.add("url_contains", string(runes[from:from+n]))
			}
		}
		if n := len(runes); n > 0 { // its end
			o.add("url_contains", string(runes[n-1]))
			o.add("url_contains", string(runes[max(0, n-2):]))
			o.add("url_contains", strings.ToUpper(string(runes[max(0, n-5):])))
		}
	}
}

func (o *offers) users(v *tweet.View) {
	if v.RepeatedAuthor != nil {
		o.add("retweets_of", v.RepeatedAuthor.Username)
		o.bare("@%s", v.RepeatedAuthor.Username)
	}
	if u := v.Author; u != nil {
		o.add("from", u.Username)
		for name, text := range map[string]string{"bio": u.Description, "bio_name": u.Name, "bio_location": u.Location} {
			o.add(name, firstWord(text))
			o.add(name, firstWords(text))
		}
	}
}

// places offers circles and boxes around where the tweet was sent from, and such that just miss it.
func (o *offers) places(v *tweet.View) {
	if g := v.Payload.Data.Geo; g != nil && v.Payload.Includes != nil {
		o.add("place", g.PlaceID)
		for _, p := range v.Payload.Includes.Places {
			o.add("place", p.FullName)
			o.add("place_country", p.CountryCode)
		}
	}
	lon, lat := o.figures[query.Longitude], o.figures[query.Latitude]
	if lon == query.NoPlace {
		return
	}
	deg := func(n int64) string {
		return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.6f", float64(n)/1e6), "0"), ".")
	}
	box := func(west, south, east, north int64) {
		o.bare("bounding_box:[%s %s %s %s]", deg(west), deg(south), deg(east), deg(north))
	}
	box(lon, lat, lon, lat)
	box(max(lon-5e6, -180e6), max(lat-5e6, -90e6), lon, min(lat+5e6, 90e6))
	box(lon, min(lat+1, 90e6), lon, 90e6)
	box(min(lon+1, 180e6), -90e6, lon, 90e6)
	for _, km := range []string{"1km", "0.1mi", "30km", "700km", "3000mi", "19000km"} {
		o.bare("point_radius:[%s %s %s]", deg(max(lon-1e6, -180e6)), deg(lat), km)
		o.bare("geocode:%s,%s,%s", deg(lat), deg(lon), km)
	}
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return word
}

func firstWords(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[:min(3, len(words))], " ")
}

func quoted(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
