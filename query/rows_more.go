package query

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"birdwatch/tweet"
)

// maxContained is how many characters url_contains: takes.
const maxContained = 200

// moreRows are parts of addresses, what X recognised, and samples.
var moreRows = []Operator{
	{Name: "url_contains", Kind: KindURL, Prefix: prefixURLContains, Example: "url_contains:/blog/",
		Doc: "has a link whose address, as far as it is known unshortened, contains this, without regard to case", parse: parseContained,
		yield: func(t *Target, o *Operator) { t.eachAddress(func(a string) { t.addParts(o.Prefix, a) }) }},
	{Name: "context", Kind: KindName, Prefix: prefixContext, Example: "context:46.1557697333571112960",
		Doc: "X recognised the entity in the domain, both by their ids: domain.entity, domain.* or *.entity", parse: parseContext, yield: yieldContext},
	{Name: "entity", Kind: KindName, Prefix: prefixEntity, Example: `entity:"Barack Obama"`,
		Doc: "X recognised something of exactly this name", parse: parseEntityName, yield: yieldEntity},
	{Name: "sample", Kind: KindNumber, Example: "sample:10",
		Doc: "belongs to so many percent of all tweets, 1 to 100, the same ones always", parse: parseSample, print: printSample},
}

func parseContained(p *parser, o *Operator, v value) Expr {
	parts, short := tweet.Parts(v.text)
	switch {
	case v.text == "":
		p.fail(v.pos, v.end, o.Name+": has nothing to look for", "such as "+o.Example)
	case utf8.RuneCountInString(v.text) > maxContained:
		p.fail(v.pos, v.end, "the part of an address is longer than 200 characters", "a shorter part finds it as well")
	}
	shown := o.Name + ":" + quote(tweet.FoldParts(v.text))
	for i := range parts {
		parts[i] = string(o.Prefix) + parts[i]
	}
	switch {
	case len(parts) > 1:
		return phrase{shown, parts, false}
	case short:
		return prefix{shown, parts[0]}
	}
	return term{shown, parts[0]}
}

// addParts adds an address as it is written, and with its %XX resolved where that makes another text of it.
func (t *Target) addParts(prefix rune, address string) {
	t.Terms.AddFieldParts(prefix, address)
	if strings.Contains(address, "%") {
		if t.scratch = appendUnescaped(t.scratch[:0], address); t.text() != address && utf8.Valid(t.scratch) {
			t.Terms.AddFieldParts(prefix, t.text())
		}
	}
}

func parseContext(p *parser, o *Operator, v value) Expr {
	domain, entity, ok := strings.Cut(v.text, ".")
	number := func(s string) bool { return digitsOnly(s) && len(s) <= 20 }
	if !ok || !number(domain) && domain != "*" || !number(entity) && entity != "*" || domain == "*" && entity == "*" {
		p.fail(v.pos, v.end, quote(excerpt(v.text))+" is no domain with an entity", "write domain.entity, domain.* or *.entity with their ids, such as "+o.Example)
	}
	return term{o.Name + ":" + v.text, string(o.Prefix) + v.text}
}

func yieldContext(t *Target, o *Operator) {
	for i := range t.view.Subject.ContextAnnotations {
		c := &t.view.Subject.ContextAnnotations[i]
		for _, pair := range [...][2]string{{c.Domain.ID, c.Entity.ID}, {c.Domain.ID, "*"}, {"*", c.Entity.ID}} {
			if pair[0] == "" || pair[1] == "" {
				continue
			}
			t.scratch = append(append(append(t.scratch[:0], pair[0]...), '.'), pair[1]...)
			t.Terms.AddField(o.Prefix, t.text())
		}
	}
}

func parseEntityName(p *parser, o *Operator, v value) Expr {
	if tweet.FoldTerm(v.text) == "" {
		p.fail(v.pos, v.end, o.Name+": has no name", "such as "+o.Example)
	}
	return one(o, v.text)
}

func yieldEntity(t *Target, o *Operator) {
	for i := range t.view.Subject.ContextAnnotations {
		if name := t.view.Subject.ContextAnnotations[i].Entity.Name; name != "" {
			t.Terms.AddField(o.Prefix, name)
		}
	}
	if e := t.view.Entities; e != nil {
		for i := range e.Annotations {
			if name := e.Annotations[i].NormalizedText; name != "" {
				t.Terms.AddField(o.Prefix, name)
			}
		}
	}
}

func parseSample(p *parser, o *Operator, v value) Expr {
	n, ok := parseCount(v.text)
	if !ok || n < 1 || n > 100 {
		p.fail(v.pos, v.end, quote(excerpt(v.text))+" is no percentage", "a whole number from 1 to 100, such as "+o.Example)
	}
	return between{Sample, 0, n - 1}
}

func printSample(o *Operator, r between) string {
	if r.figure != Sample || r.lo != 0 {
		return ""
	}
	return o.Name + ":" + strconv.FormatInt(r.hi+1, 10)
}
