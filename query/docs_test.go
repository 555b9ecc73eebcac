package query_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"birdwatch/query"
	"birdwatch/query/querytest"
)

var update = flag.Bool("update", false, "write the made parts of docs/query.md")

const page = "../docs/query.md"

// TestDocs holds the page's table to the table in the code.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := splice(t, splice(t, string(b), "operators", operatorTable()), "limits", limits())
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if string(b) != want && !*update {
		t.Errorf("%s is not what the table makes of it: go test ./query -run Docs -update", page)
	}
}

// splice puts text between the two comments of a name.
func splice(t *testing.T, page, name, text string) string {
	t.Helper()
	from := strings.Index(page, "<!-- "+name)
	to := strings.Index(page, "<!-- end of "+name)
	if from < 0 || to < from {
		t.Fatalf("the page has no place for %s", name)
	}
	from += strings.Index(page[from:], "\n") + 1
	return page[:from] + text + page[to:]
}

func operatorTable() string {
	var b strings.Builder
	b.WriteString("| operator | finds tweets | example |\n|---|---|---|\n")
	for _, o := range query.Operators() {
		name := "`" + o.Name + "`"
		if o.Kind != query.KindEntity {
			name = "`" + o.Name + ":`"
			for _, a := range o.Aliases {
				name += " `" + a + ":`"
			}
		}
		doc := o.Doc
		if len(o.Values) > 0 {
			doc += ": " + strings.Join(o.Values, ", ")
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` |\n", name, doc, o.Example)
	}
	return b.String()
}

func limits() string {
	return fmt.Sprintf("A query has at most %d characters, %d words, phrases and operators, and parentheses %d deep; a phrase with `~N` at most %d words.\n",
		query.MaxLength, query.MaxLeaves, query.MaxNesting, query.MaxNear)
}

// TestExamplesParse: every example of the table and of the page is a query.
func TestExamplesParse(t *testing.T) {
	for _, o := range query.Operators() {
		if _, err := query.Parse(o.Example, querytest.Now); err != nil {
			t.Errorf("%s: %v", o.Example, err)
		}
		if o.Doc == "" {
			t.Errorf("%s has no doc", o.Name)
		}
	}
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(b), "```\n")
	block, _, _ = strings.Cut(block, "```")
	for line := range strings.Lines(block) {
		text, _, _ := strings.Cut(line, "   ")
		if _, err := query.Parse(text, querytest.Now); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestPrefixesAreTheirOwn: no two operators share the prefix of their terms, and none has the one of every row.
func TestPrefixesAreTheirOwn(t *testing.T) {
	of := map[rune]string{[]rune(query.AllTerm)[0]: "AllTerm"}
	for _, o := range query.Operators() {
		if o.Prefix == 0 {
			continue
		}
		if other := of[o.Prefix]; other != "" {
			t.Errorf("%s and %s share the prefix %U", o.Name, other, o.Prefix)
		}
		of[o.Prefix] = o.Name
	}
	if len(of) < 20 {
		t.Errorf("only %d prefixes", len(of))
	}
}
