package birdwatch_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows are all the imports that one package of ours may have of another. They run down only.
var arrows = map[string][]string{
	"cmd/birdwatch":              {"api", "api/client", "ingest", "ingest/coverage", "ingest/format", "ingest/journal", "ingest/replay", "ingest/sample", "ingest/source", "live", "query", "search", "search/elastic", "search/embedded", "tweet", "web"},
	"api":                        {"live", "query", "search", "tweet"},
	"api/client":                 {},
	"web":                        {},
	"live":                       {"query", "tweet"},
	"search":                     {"query", "tweet"},
	"search/embedded":            {"query", "search", "search/embedded/pack", "search/embedded/sqlfile", "tweet"},
	"search/embedded/sqlfile":    {},
	"search/embedded/pack":       {},
	"search/elastic":             {"query", "search", "tweet"},
	"search/elastic/elastictest": {},
	"ingest":                     {"tweet"},
	"ingest/coverage":            {"tweet"},
	"ingest/format":              {"tweet"},
	"ingest/journal":             {"ingest/coverage", "search/embedded/sqlfile", "tweet"},
	"ingest/replay":              {},
	"ingest/sample":              {},
	"ingest/source":              {"ingest/format", "tweet"},
	"query":                      {"tweet"},
	"query/querytest":            {"query", "tweet"},
	"tweet":                      {},
}

func TestImportsRunDownOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		pkg = strings.TrimPrefix(pkg, "birdwatch/")
		if pkg == "birdwatch" {
			continue
		}
		allowed, ok := arrows[pkg]
		if !ok {
			t.Errorf("package %s is not in the table of arrows: a new room needs a decision (docs/adr)", pkg)
			continue
		}
		seen++
		for imp := range strings.FieldsSeq(imports) {
			if to, ours := strings.CutPrefix(imp, "birdwatch/"); ours && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s: no such arrow", pkg, to)
			}
		}
	}
	if seen < len(arrows)/2 {
		t.Errorf("only %d packages seen", seen)
	}
}
