package query

import (
	"strings"
	"unicode"

	"birdwatch/tweet"
)

// entityRows are the marked parts of a text, by their sign.
var entityRows = []Operator{
	{Name: "#", Kind: KindEntity, Prefix: prefixHashtag, Example: "#golang",
		Doc: "the hashtag, without regard to case", parse: parseHashtag, yield: yieldHashtags},
	{Name: "$", Kind: KindEntity, Prefix: prefixCashtag, Example: "$TSLA",
		Doc: "the cashtag, without regard to case", parse: parseCashtag, yield: yieldCashtags},
	{Name: "@", Kind: KindEntity, Prefix: prefixMention, Example: "@nasa",
		Doc: "names the user", parse: parseMention, yield: yieldMentions},
}

// userRows go by a user's handle or numeric id. Both are terms of one prefix, so that 123 finds the id and the
// handle of digits.
var userRows = []Operator{
	{Name: "from", Kind: KindUser, Prefix: prefixFrom, Example: "from:nasa",
		Doc: "written by the user; a retweet is its retweeter's", parse: parseUser, yield: yieldFrom},
	{Name: "to", Kind: KindUser, Prefix: prefixTo, Example: "to:nasa",
		Doc: "a reply to the user", parse: parseUser, yield: yieldTo},
	{Name: "retweets_of", Aliases: []string{"retweets_of_user"}, Kind: KindUser, Prefix: prefixRetweetsOf, Example: "retweets_of:nasa",
		Doc: "a retweet of one of the user's tweets", parse: parseUser, yield: yieldRetweetsOf},
	{Name: "quotes_of", Aliases: []string{"quoted_user"}, Kind: KindUser, Prefix: prefixQuotesOf, Example: "quotes_of:nasa",
		Doc: "a quote of one of the user's tweets", parse: parseUser, yield: yieldQuotesOf},
}

// parseHashtag takes what can be in a hashtag: X's own entities decide what is one in a tweet.
func parseHashtag(p *parser, o *Operator, v value) Expr {
	digits := true
	for i, r := range v.text {
		if !tagRune(r) {
			p.fail(v.start, v.end, excerpt("#"+v.text)+" is no hashtag", "a hashtag has letters, digits and _; put a blank after "+quote(excerpt("#"+v.text[:i])))
		}
		digits = digits && unicode.IsDigit(r)
	}
	if digits {
		p.fail(v.start, v.end, excerpt("#"+v.text)+" is no hashtag", "a hashtag has a letter at least; to search for the text use quotes")
	}
	return entityLeaf(o, v.text)
}

func tagRune(r rune) bool {
	if r < unicode.MaxASCII {
		return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd) || strings.ContainsRune("\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\u00b7", r)
}

func parseCashtag(p *parser, o *Operator, v value) Expr {
	if i := strings.IndexFunc(v.text, func(r rune) bool { return r != '.' && (r >= unicode.MaxASCII || !tagRune(r)) }); i >= 0 {
		p.fail(v.start, v.end, excerpt("$"+v.text)+" is no cashtag", "a cashtag has letters only, as $TSLA; to search for the text use quotes")
	}
	return entityLeaf(o, v.text)
}

func parseMention(p *parser, o *Operator, v value) Expr {
	if !isHandle(v.text) {
		p.fail(v.start, v.end, excerpt("@"+v.text)+" is no name of a user", "a name has letters, digits and _; to search for the text use quotes")
	}
	return entityLeaf(o, v.text)
}

func entityLeaf(o *Operator, text string) Expr {
	folded := tweet.FoldTerm(text)
	shown := shownValue(text, folded)
	if strings.ContainsFunc(shown, func(r rune) bool { return !tagRune(r) && r != '.' }) {
		shown = text
	}
	return term{o.Name + shown, string(o.Prefix) + folded}
}

func isHandle(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r >= unicode.MaxASCII || !tagRune(r) })
}

func parseUser(p *parser, o *Operator, v value) Expr {
	name := strings.TrimPrefix(v.text, "@")
	if !isHandle(name) {
		p.fail(v.pos, v.end, quote(excerpt(v.text))+" is neither a user's name nor an id", "such as "+o.Example+" or "+o.Name+":11348282")
	}
	return one(o, name)
}

func yieldHashtags(t *Target, o *Operator) {
	for i := range t.hashtags {
		t.Terms.AddField(o.Prefix, t.hashtags[i].Tag)
	}
}

func yieldCashtags(t *Target, o *Operator) {
	for i := range t.cashtags {
		t.Terms.AddField(o.Prefix, t.cashtags[i].Tag)
	}
}

// yieldMentions: a retweet names those whom the repeated tweet names, and its author.
func yieldMentions(t *Target, o *Operator) {
	for i := range t.mentions {
		t.Terms.AddField(o.Prefix, t.mentions[i].Username)
	}
	if name := t.view.RepeatedName(); name != "" {
		t.Terms.AddField(o.Prefix, name)
	}
}

func yieldFrom(t *Target, o *Operator) {
	name := ""
	if t.view.Author != nil {
		name = t.view.Author.Username
	}
	t.addUser(o.Prefix, t.view.Payload.Data.AuthorID, name)
}

func yieldTo(t *Target, o *Operator) {
	d := &t.view.Payload.Data
	if t.view.Repeated == 0 {
		t.addUser(o.Prefix, d.InReplyToUserID, t.userName(d.InReplyToUserID))
	}
}

func yieldRetweetsOf(t *Target, o *Operator) {
	v := &t.view
	if v.Repeated == 0 {
		return
	}
	var id tweet.ID
	switch {
	case v.Subject != &v.Payload.Data:
		id = v.Subject.AuthorID
	case v.RepeatedAuthor != nil:
		id = v.RepeatedAuthor.ID
	}
	t.addUser(o.Prefix, id, t.view.RepeatedName())
}

func yieldQuotesOf(t *Target, o *Operator) {
	p := t.view.Payload
	if t.view.Repeated != 0 {
		return
	}
	if quoted := p.Included(p.Data.Ref("quoted")); quoted != nil {
		t.addUser(o.Prefix, quoted.AuthorID, t.userName(quoted.AuthorID))
	}
}
