package query

import (
	"strings"

	"birdwatch/tweet"
)

// idRows go by tweet ids. id: itself is a range of one (timeRows has its kin).
var idRows = []Operator{
	{Name: "conversation_id", Kind: KindID, Prefix: prefixConversation, Example: "conversation_id:1334987486343299072",
		Doc: "in the conversation that the tweet began", parse: parseIDTerm,
		yield: func(t *Target, o *Operator) { t.addID(o.Prefix, t.view.Payload.Data.ConversationID) }},
	{Name: "in_reply_to_tweet_id", Aliases: []string{"in_reply_to_status_id"}, Kind: KindID, Prefix: prefixReplyTo, Example: "in_reply_to_tweet_id:1334987486343299072",
		Doc: "a direct reply to the tweet", parse: parseIDTerm,
		yield: func(t *Target, o *Operator) { t.addReference(o.Prefix, "replied_to") }},
	{Name: "retweets_of_tweet_id", Aliases: []string{"retweets_of_status_id"}, Kind: KindID, Prefix: prefixRetweetOf, Example: "retweets_of_tweet_id:1334987486343299072",
		Doc: "a retweet of the tweet", parse: parseIDTerm,
		yield: func(t *Target, o *Operator) { t.addID(o.Prefix, t.view.Repeated) }},
	{Name: "quotes_of_tweet_id", Aliases: []string{"quoted_tweet_id", "quotes_of_status_id"}, Kind: KindID, Prefix: prefixQuoteOf, Example: "quotes_of_tweet_id:1334987486343299072",
		Doc: "a quote of the tweet", parse: parseIDTerm,
		yield: func(t *Target, o *Operator) { t.addReference(o.Prefix, "quoted") }},
}

// wordRows are words of something else than the text.
var wordRows = []Operator{
	{Name: "url", Kind: KindURL, Prefix: prefixURL, Example: "url:example.com/news",
		Doc: "has a link whose address, as far as it is known unshortened, has these words side by side; a host finds its subdomains too", parse: parseURL, yield: yieldURLs},
	{Name: "url_title", Kind: KindWords, Prefix: prefixURLTitle, Example: `url_title:"climate report"`,
		Doc: "has a link to a page whose title has these words side by side", parse: parseWords,
		yield: func(t *Target, o *Operator) {
			for i := range t.urls {
				t.addText(o.Prefix, t.urls[i].Title)
			}
		}},
	{Name: "url_description", Kind: KindWords, Prefix: prefixURLDescription, Example: "url_description:recipe",
		Doc: "has a link to a page whose description has these words side by side", parse: parseWords,
		yield: func(t *Target, o *Operator) {
			for i := range t.urls {
				t.addText(o.Prefix, t.urls[i].Description)
			}
		}},
	{Name: "bio", Aliases: []string{"user_bio"}, Kind: KindWords, Prefix: prefixBio, Example: `bio:"data scientist"`,
		Doc: "the author's description of themselves has these words side by side", parse: parseWords,
		yield: authorText(func(u *tweet.User) string { return u.Description })},
	{Name: "bio_name", Kind: KindWords, Prefix: prefixBioName, Example: "bio_name:phd",
		Doc: "the author's name, not the handle, has these words side by side", parse: parseWords,
		yield: authorText(func(u *tweet.User) string { return u.Name })},
	{Name: "bio_location", Aliases: []string{"user_bio_location"}, Kind: KindWords, Prefix: prefixBioLocation, Example: "bio_location:lisbon",
		Doc: "the place that the author's profile names has these words side by side", parse: parseWords,
		yield: authorText(func(u *tweet.User) string { return u.Location })},
	{Name: "place", Kind: KindWords, Prefix: prefixPlace, Example: `place:"new york"`,
		Doc: "sent from a place with these words side by side in its name, or with this id", parse: parseWords, yield: yieldPlace},
	{Name: "place_country", Kind: KindName, Prefix: prefixPlaceCountry, Example: "place_country:US",
		Doc: "sent from a place in the country, by its two letters", parse: parseCountry,
		yield: func(t *Target, o *Operator) {
			if p := t.place(); p != nil && p.CountryCode != "" {
				t.Terms.AddField(o.Prefix, p.CountryCode)
			}
		}},
	{Name: "lang", Kind: KindName, Prefix: prefixLang, Example: "lang:ja",
		Doc: "in the language, by its BCP 47 tag; und where it is unknown", parse: parseLang, yield: yieldLang},
	{Name: "source", Kind: KindName, Prefix: prefixSource, Example: `source:"Twitter for iPhone"`,
		Doc: "sent by the app of this name; without quotes, _ stands for a blank", parse: parseSource,
		yield: func(t *Target, o *Operator) {
			if s := t.view.Payload.Data.Source; s != "" {
				t.Terms.AddField(o.Prefix, s)
			}
		}},
}

func parseID(p *parser, v value) tweet.ID {
	id, err := tweet.ParseID(v.text)
	if err != nil {
		p.fail(v.pos, v.end, quote(excerpt(v.text))+" is no id of a tweet", "an id is a whole number above 0, such as 1334987486343299072")
	}
	return id
}

func parseIDTerm(p *parser, o *Operator, v value) Expr { return one(o, parseID(p, v).String()) }

func parseWords(p *parser, o *Operator, v value) Expr { return p.fieldLeaf(o, v, v.text) }

// parseURL shows the value as it was given, since an address is not read well as words.
func parseURL(p *parser, o *Operator, v value) Expr {
	words := p.analysed(v.pos, v.end, string(appendURL(nil, v.text)), o.Name+": ")
	return wordsLeaf(o.Prefix, words, false, o.Name+":"+quote(v.text))
}

func parseCountry(p *parser, o *Operator, v value) Expr {
	if len(v.text) != 2 || !isHandle(v.text) || digitsOnly(v.text[:1]) || digitsOnly(v.text[1:]) || strings.Contains(v.text, "_") {
		p.fail(v.pos, v.end, quote(excerpt(v.text))+" is no country's two letters", "such as "+o.Example)
	}
	return one(o, v.text)
}

func parseLang(p *parser, o *Operator, v value) Expr {
	tag := strings.ToLower(v.text)
	if len(tag) < 2 || len(tag) > 35 || strings.Trim(tag, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || tag[0] < 'a' {
		p.fail(v.pos, v.end, quote(excerpt(v.text))+" is no tag of a language", "such as "+o.Example+"; und where the language is unknown")
	}
	return one(o, tweet.CurrentLang(tag))
}

func parseSource(p *parser, o *Operator, v value) Expr {
	text := v.text
	if !v.quoted {
		text = strings.ReplaceAll(text, "_", " ")
	}
	if tweet.FoldTerm(text) == "" {
		p.fail(v.pos, v.end, "source: names no app", "such as "+o.Example)
	}
	e := one(o, text).(term)
	if shown, bare := strings.CutPrefix(e.text, o.Name+":"); bare && strings.Contains(shown, "_") && shown[0] != '"' {
		e.text = o.Name + ":" + quote(shown)
	}
	return e
}

func yieldLang(t *Target, o *Operator) { t.Terms.AddField(o.Prefix, t.view.Lang()) }

// yieldURLs adds each link's expanded and unwound address, and the short one where nothing else is known.
func yieldURLs(t *Target, o *Operator) { t.eachAddress(func(a string) { t.addURL(o.Prefix, a) }) }

// eachAddress gives the addresses of the tweet's links, apart from those to its own media.
func (t *Target) eachAddress(f func(string)) {
	for i := range t.urls {
		u := &t.urls[i]
		if u.IsMedia() {
			continue
		}
		address := u.ExpandedURL
		if address == "" {
			address = u.URL
		}
		f(address)
		if u.UnwoundURL != "" && u.UnwoundURL != address {
			f(u.UnwoundURL)
		}
	}
}

func yieldPlace(t *Target, o *Operator) {
	g := t.view.Payload.Data.Geo
	if g == nil || g.PlaceID == "" || t.view.Repeated != 0 {
		return
	}
	t.Terms.AddField(o.Prefix, g.PlaceID)
	p := t.place()
	if p == nil {
		return
	}
	t.addText(o.Prefix, p.FullName)
	if p.Name != p.FullName {
		t.addText(o.Prefix, p.Name)
	}
}

func authorText(of func(*tweet.User) string) func(*Target, *Operator) {
	return func(t *Target, o *Operator) {
		if t.view.Author != nil {
			t.addText(o.Prefix, of(t.view.Author))
		}
	}
}
