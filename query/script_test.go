package query_test

import (
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

// TestEveryOperatorHasScripts counts, for every name in the table and every value that it lists, the script lines that find a tweet with it,
// and those that find one with its negation.
func TestEveryOperatorHasScripts(t *testing.T) {
	found := map[string]int{}
	for _, s := range querytest.Scripts(t) {
		for _, c := range s.Cases {
			if c.ErrorAt > 0 || len(c.Want) == 0 {
				continue
			}
			for word := range strings.FieldsFuncSeq(strings.ToLower(c.Query), func(r rune) bool { return r == ' ' || r == '(' || r == ')' }) {
				sign := ""
				if strings.HasPrefix(word, "-") {
					sign, word = "-", word[1:]
				}
				name, value, operator := strings.Cut(word, ":")
				if !operator {
					name = word[:min(1, len(word))]
				}
				found[sign+name]++
				found[sign+name+":"+value]++
			}
		}
	}
	rows := 0
	need := func(what string) {
		rows++
		for _, sign := range []string{"", "-"} {
			if found[sign+what] == 0 {
				t.Errorf("no script finds a tweet with %s%s", sign, what)
			}
		}
	}
	for _, o := range query.Operators() {
		for _, name := range append([]string{o.Name}, o.Aliases...) {
			need(name)
		}
		for _, v := range o.Values {
			need(o.Name + ":" + v)
		}
	}
	for _, v := range []string{"symbols", "video_link", "native_video"} {
		need("has:" + v)
	}
	t.Logf("%d names and values", rows)
}
