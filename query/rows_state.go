package query

import (
	"slices"
	"strings"

	"birdwatch/tweet"
)

// choice is a value of is: or has:.
type choice struct {
	name    string
	aliases []string
	holds   func(*Target) bool
}

var states = []choice{
	{"retweet", nil, func(t *Target) bool { return t.view.Repeated != 0 }},
	{"reply", nil, func(t *Target) bool {
		d := &t.view.Payload.Data
		return t.view.Repeated == 0 && (d.InReplyToUserID != 0 || d.Ref("replied_to") != 0)
	}},
	{"quote", nil, func(t *Target) bool { return t.view.Repeated == 0 && t.view.Payload.Data.Ref("quoted") != 0 }},
	{"verified", nil, func(t *Target) bool {
		u := t.view.Author
		return u != nil && (u.Verified || u.VerifiedType != "" && u.VerifiedType != "none")
	}},
	{"sensitive", nil, func(t *Target) bool { return t.view.Subject.PossiblySensitive }},
	{"withheld", nil, func(t *Target) bool {
		return t.view.Payload.Data.Withheld != nil || t.view.Subject.Withheld != nil
	}},
	{"edited", nil, func(t *Target) bool { return len(t.view.Payload.Data.EditHistoryTweetIDs) > 1 }},
}

var contents = []choice{
	{"hashtags", nil, func(t *Target) bool { return len(t.hashtags) > 0 }},
	{"cashtags", []string{"symbols"}, func(t *Target) bool { return len(t.cashtags) > 0 }},
	{"links", nil, func(t *Target) bool {
		return slices.ContainsFunc(t.urls, func(u tweet.URL) bool { return !u.IsMedia() })
	}},
	{"mentions", nil, func(t *Target) bool { return len(t.mentions) > 0 || t.view.RepeatedName() != "" }},
	{"media", nil, func(t *Target) bool {
		a := t.view.Subject.Attachments
		return a != nil && len(a.MediaKeys) > 0 ||
			slices.ContainsFunc(t.urls, func(u tweet.URL) bool { return u.IsMedia() })
	}},
	{"images", nil, func(t *Target) bool { return t.hasMedia("photo") }},
	{"videos", []string{"video_link", "native_video"}, func(t *Target) bool { return t.hasMedia("video") }},
	{"gifs", nil, func(t *Target) bool { return t.hasMedia("animated_gif") }},
	{"geo", nil, func(t *Target) bool { return t.geo() != nil && (t.geo().Coordinates != nil || t.geo().PlaceID != "") }},
	{"poll", nil, func(t *Target) bool {
		a := t.view.Subject.Attachments
		return a != nil && len(a.PollIDs) > 0
	}},
	{"place", nil, func(t *Target) bool { return t.geo() != nil && t.geo().PlaceID != "" }},
}

var stateRows = []Operator{
	{Name: "is", Kind: KindChoice, Prefix: prefixIs, Values: names(states), Example: "-is:retweet",
		Doc: "the tweet's state; is:retweet is a true retweet only, which is never a reply or a quote", parse: parseChoice(states), yield: yieldChoices(states)},
	{Name: "has", Kind: KindChoice, Prefix: prefixHas, Values: names(contents), Example: "has:media",
		Doc: "what the tweet has in it; has:links counts addresses, not media; symbols is cashtags, video_link and native_video are videos", parse: parseChoice(contents), yield: yieldChoices(contents)},
}

// filters are the values that filter: and exclude: have beside those of is: and has:.
var filters = map[string]string{"retweets": "retweet", "nativeretweets": "retweet", "replies": "reply", "quotes": "quote"}

var filterRows = []Operator{
	{Name: "filter", Kind: KindChoice, Values: filterNames(), Example: "filter:links",
		Doc: "the same as is: or has: with the value", parse: parseFilter},
	{Name: "exclude", Kind: KindChoice, Values: filterNames(), Example: "exclude:retweets",
		Doc: "the same as -filter: with the value", parse: func(p *parser, o *Operator, v value) Expr { return Not(parseFilter(p, o, v)) }},
	{Name: "include", Kind: KindChoice, Values: []string{"nativeretweets"}, Example: everything,
		Doc: "changes nothing, since retweets are never left out", parse: parseInclude},
}

func names(cs []choice) []string {
	ns := make([]string, len(cs))
	for i, c := range cs {
		ns[i] = c.name
	}
	return ns
}

func filterNames() []string {
	ns := slices.Concat(names(states), names(contents))
	for n := range filters {
		ns = append(ns, n)
	}
	ns = append(ns, aliasesOf("has")...)
	slices.Sort(ns)
	return ns
}

func parseChoice(cs []choice) func(*parser, *Operator, value) Expr {
	return func(p *parser, o *Operator, v value) Expr {
		name := strings.ToLower(v.text)
		for i := range cs {
			if c := &cs[i]; c.name == name || slices.Contains(c.aliases, name) {
				return term{o.Name + ":" + c.name, string(o.Prefix) + c.name}
			}
		}
		p.notAmong(o, v, names(cs))
		return nil
	}
}

// notAmong refuses a value that is none of those given.
func (p *parser) notAmong(o *Operator, v value, values []string) {
	hint := "one of " + strings.Join(values, ", ")
	if near := nearest(strings.ToLower(v.text), slices.Values(values)); near != "" {
		hint = "did you mean " + o.Name + ":" + near + "?"
	}
	p.fail(v.pos, v.end, o.Name+": has no value "+quote(excerpt(v.text)), hint)
}

func parseFilter(p *parser, o *Operator, v value) Expr {
	name := strings.ToLower(v.text)
	switch name {
	case "follows":
		p.fail(v.pos, v.end, o.Name+":follows needs an account at X", "name the accounts: (from:ada OR from:bob)")
	case "news":
		p.fail(v.pos, v.end, o.Name+":news needs X's own list of sites", "name the sites: (url:example.com OR url:example.org)")
	}
	if single, ok := filters[name]; ok {
		name = single
	}
	for _, row := range []string{"is", "has"} {
		to := named[row]
		if v := (value{text: name}); slices.Contains(to.Values, name) || slices.Contains(aliasesOf(row), name) {
			return to.parse(p, to, v)
		}
	}
	p.notAmong(o, v, o.Values)
	return nil
}

// aliasesOf are the other names of the values of has:.
func aliasesOf(row string) (as []string) {
	if row == "has" {
		for _, c := range contents {
			as = append(as, c.aliases...)
		}
	}
	return as
}

func parseInclude(p *parser, o *Operator, v value) Expr {
	if !strings.EqualFold(v.text, "nativeretweets") {
		p.notAmong(o, v, o.Values)
	}
	return All()
}

func yieldChoices(cs []choice) func(*Target, *Operator) {
	return func(t *Target, o *Operator) {
		for i := range cs {
			if cs[i].holds(t) {
				t.Terms.AddField(o.Prefix, cs[i].name)
			}
		}
	}
}
