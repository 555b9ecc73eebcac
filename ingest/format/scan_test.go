package format_test

import (
	"encoding/json"
	"strings"
	"testing"

	"birdwatch/ingest/format"
)

var scanned = []string{
	`{}`, `[]`, ` {"a":[1,-0.5e+3,true,false,null,"x\u00e9\n"]} `, `{"a":1,}`, `[1,]`, `[,1]`, `{"a"}`, `{"a":}`, `{1:2}`, `01`, `-`, `1.`, `1e`, `.5`,
	`"\x"`, `"\u12g4"`, "\"a\nb\"", `"`, `"\`, `tru`, `nulll`, `{} {}`, `{"a":{"b":[{}]}}`, `[}`, `{]`, ``, ` `, "{\"a\":\r\n1}", "\x00{}", `[1 2]`, "\"\xff\"",
	`-0`, `00`, `1e5`, `1E-5`, `[[],{}]`, `]`, `{"a":1 "b":2}`, `{,}`, `{"a":1]`,
}

func TestScan(t *testing.T) {
	for _, in := range scanned {
		if got, _ := format.Scan([]byte(in)); got != json.Valid([]byte(in)) {
			t.Errorf("%q: %t, encoding/json says otherwise", in, got)
		}
	}
	for depth, want := range map[int]bool{100: false, 101: true, 1_000_000: true} {
		if _, tooDeep := format.Scan([]byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))); tooDeep != want {
			t.Errorf("depth %d: too deep is %t", depth, tooDeep)
		}
	}
}

// FuzzScan holds the scanner against the standard library.
func FuzzScan(f *testing.F) {
	for _, in := range scanned {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, tooDeep := format.Scan(b)
		if want := json.Valid(b); !tooDeep && got != want {
			t.Errorf("%q: %t, encoding/json says %t", b, got, want)
		}
	})
}
