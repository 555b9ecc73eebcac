package replay

import (
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

// words is what the words of a track term are looked up in, in lower case. The punctuation of a term counts,
// that of a tweet does not: a word stands in it as written, without the punctuation around it, and
// in the pieces between the punctuation inside it.
type words map[string]bool

// trackWords gives the words of a tweet's text and entities; of a retweet, those of the whole tweet
// repeated, too.
func trackWords(t gjson.Result) words {
	w := words{}
	w.addTweet(t)
	if r := t.Get("retweeted_status"); r.IsObject() {
		w.addTweet(r)
	}
	return w
}

func (w words) addTweet(t gjson.Result) {
	w.addText(t.Get("text").Str)
	w.addText(t.Get("full_text").Str)
	w.addText(t.Get("extended_tweet.full_text").Str)
	for _, path := range []string{"entities", "extended_entities", "extended_tweet.entities", "extended_tweet.extended_entities"} {
		if e := t.Get(path); e.IsObject() {
			w.addEntities(e)
		}
	}
}

func (w words) addEntities(e gjson.Result) {
	for _, h := range e.Get("hashtags").Array() {
		w.addName("#", h.Get("text").Str)
	}
	for _, m := range e.Get("user_mentions").Array() {
		w.addName("@", m.Get("screen_name").Str)
	}
	for _, list := range []string{"urls", "media"} {
		for _, u := range e.Get(list).Array() {
			w.addURL(u.Get("expanded_url").Str)
			w.addURL(u.Get("display_url").Str)
		}
	}
}

func (w words) addName(sign, name string) {
	if name = strings.ToLower(name); name != "" {
		w[name], w[sign+name] = true, true
	}
}

func (w words) addText(text string) {
	for _, token := range strings.Fields(strings.ToLower(text)) {
		switch {
		case strings.HasPrefix(token, "http://"), strings.HasPrefix(token, "https://"):
			w.addURL(token)
		case token[0] == '#', token[0] == '@':
			// no term with punctuation finds a tag or a name: "ada's" does not find "@ada's"
			name := strings.FieldsFunc(token, punctuation)
			if len(name) > 0 && strings.HasPrefix(token[1:], name[0]) {
				w[token[:1]+name[0]] = true
			}
			w.addPieces(token)
		default:
			w[token] = true
			w[strings.TrimLeftFunc(token, punctuation)] = true
			w[strings.TrimRightFunc(token, punctuation)] = true
			w[strings.TrimFunc(token, punctuation)] = true
			w.addPieces(token)
		}
	}
}

// addURL: an address is one word, with its whole path, without its scheme; "www." may be left out.
// Its pieces are words, so that "example com" finds every address there.
func (w words) addURL(u string) {
	u = strings.ToLower(u)
	if u == "" {
		return
	}
	w[u] = true
	if _, rest, ok := strings.Cut(u, "://"); ok {
		u = rest
	}
	u = strings.TrimSuffix(u, "/")
	w[u] = true
	w[strings.TrimPrefix(u, "www.")] = true
	w.addPieces(u)
}

func (w words) addPieces(s string) {
	for _, piece := range strings.FieldsFunc(s, punctuation) {
		w[piece] = true
	}
}

// punctuation leaves the underscore in words, as names have it, and symbols beyond ASCII, as emoji are tracked.
func punctuation(r rune) bool {
	if r == '_' {
		return false
	}
	return unicode.IsPunct(r) || r < unicode.MaxASCII && unicode.IsSymbol(r)
}
