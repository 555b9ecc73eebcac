package query_test

import (
	"slices"
	"strings"
	"testing"

	"birdwatch/query"
	"birdwatch/query/querytest"
)

func TestMatcherByScripts(t *testing.T) { querytest.Run(t, querytest.Matcher) }

// TestScriptsOfNormalForm holds String to its promise: what it prints finds the same tweets.
func TestScriptsOfNormalForm(t *testing.T) {
	querytest.Run(t, func(t *testing.T, tweets []*Payload) func(string) ([]ID, error) {
		ask := querytest.Matcher(t, tweets)
		return func(text string) ([]ID, error) {
			q, err := query.Parse(text, querytest.Now)
			if err != nil {
				return nil, err
			}
			return ask(q.Expr.String())
		}
	})
}

// TestEveryOperatorHasScripts counts, for every name in the table, the queries that find something with it and
// those that find something without it.
func TestEveryOperatorHasScripts(t *testing.T) {
	with, negated := map[string]int{}, map[string]int{}
	for _, s := range querytest.Scripts(t) {
		for _, c := range s.Cases {
			if c.ErrorAt > 0 || len(c.Want) == 0 {
				continue
			}
			for word := range strings.FieldsSeq(strings.ToLower(c.Query)) {
				word, negation := strings.CutPrefix(strings.TrimLeft(word, "("), "-")
				name, _, isOperator := strings.Cut(word, ":")
				if !isOperator {
					name = word[:min(1, len(word))]
				}
				if with[name]++; negation {
					negated[name]++
				}
			}
		}
	}
	for _, o := range query.Operators() {
		for _, name := range append([]string{o.Name}, o.Aliases...) {
			if with[name] == 0 {
				t.Errorf("no script finds a tweet with %s", name)
			}
		}
		if o.Kind == query.KindEntity || o.Kind == query.KindNumber {
			continue
		}
		if alone := slices.ContainsFunc(append([]string{o.Name}, o.Aliases...), func(n string) bool { return negated[n] > 0 }); !alone {
			t.Errorf("no script negates %s", o.Name)
		}
		for _, v := range o.Values {
			if !inScripts(t, o.Name+":"+v) {
				t.Errorf("no script has %s:%s", o.Name, v)
			}
		}
	}
}

func inScripts(t *testing.T, text string) bool {
	for _, s := range querytest.Scripts(t) {
		if slices.ContainsFunc(s.Cases, func(c querytest.Case) bool { return strings.Contains(strings.ToLower(c.Query), text) }) {
			return true
		}
	}
	return false
}
