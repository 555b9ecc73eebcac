package main

import (
	"strconv"
	"strings"
)

// parser reads a query in prefix form: T word, P beginning, H n words, A n parts, O n parts, N part.
type parser struct{ rest []string }

func (p *parser) next() string {
	s := p.rest[0]
	p.rest = p.rest[1:]
	return s
}

func (p *parser) number() int {
	n, err := strconv.Atoi(p.next())
	if err != nil {
		panic(err) // the benchmark wrote it
	}
	return n
}

func (p *parser) query() map[string]any {
	switch op := p.next(); op {
	case "T":
		return map[string]any{"term": map[string]any{"words": p.next()}}
	case "P":
		return map[string]any{"prefix": map[string]any{"words": p.next()}}
	case "N":
		return map[string]any{"bool": map[string]any{"must_not": p.query()}}
	case "H":
		var words []string
		for range p.number() {
			words = append(words, p.next())
		}
		return map[string]any{"match_phrase": map[string]any{"words": strings.Join(words, " ")}}
	case "A", "O":
		parts := map[string][]any{}
		for range p.number() {
			as := map[string]string{"A": "filter", "O": "should"}[op]
			if p.rest[0] == "N" {
				p.next()
				as = "must_not"
			}
			parts[as] = append(parts[as], p.query())
		}
		return map[string]any{"bool": parts}
	default:
		panic("no such part: " + op)
	}
}
