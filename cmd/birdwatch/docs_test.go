package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write generated files instead of comparing")

// TestConfigurationDocs holds docs/configuration.md to the command line: `go test ./cmd/birdwatch -run Docs -update` writes it.
func TestConfigurationDocs(t *testing.T) {
	const name = "../../docs/configuration.md"
	var cli commandLine
	parser, err := newParser(&cli, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("# Configuration\n\nEvery flag can be set by the environment variable beside it; a flag beats it. Lists are parted by commas. This page is made from the program.\n")
	for _, c := range parser.Model.Children {
		fmt.Fprintf(&b, "\n## birdwatch %s\n\n%s\n", c.Name, c.Help)
		for _, p := range c.Positional {
			fmt.Fprintf(&b, "\n- `%s` %s", p.Summary(), p.Help)
		}
		if len(c.Positional) > 0 {
			b.WriteString("\n")
		}
		flags(&b, c.Flags)
	}
	b.WriteString("\n## All commands\n")
	flags(&b, parser.Model.Flags)
	b.WriteString("\nExit codes: 0 done, 1 something failed, 2 the command line, a query or a setting is wrong, 3 imported, or retried, but some records were bad.\n")
	if *update {
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, b.Bytes()) {
		t.Errorf("%s is not what the program says: run the test with -update", name)
	}
}

func flags(b *bytes.Buffer, fs []*kong.Flag) {
	head := false
	for _, f := range fs {
		if f.Name == "help" {
			continue
		}
		if !head {
			b.WriteString("\n| flag | environment | default | |\n|---|---|---|---|\n")
			head = true
		}
		def := f.Default
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(b, "| `--%s` | `%s` | %s | %s |\n", f.Name, strings.Join(f.Envs, " "), def, f.Help)
	}
}
