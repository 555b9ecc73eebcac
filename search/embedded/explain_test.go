package embedded_test

import (
	"encoding/json"
	"testing"

	"birdwatch/search/embedded"
)

// TestExplain says which walks find a query, and whether the finds are decided on.
func TestExplain(t *testing.T) {
	a := open(t, embedded.Options{})
	for text, want := range map[string]string{
		"go -fast":               `{"walks":[{"sql":"FROM terms WHERE terms MATCH ?","match":"(\"go\") NOT (\"fast\")"}],"checked":false}`,
		"go min_likes:9":         `{"walks":[{"sql":"FROM terms CROSS JOIN docs d ON d.id = terms.rowid WHERE terms MATCH ? AND d.likes BETWEEN ? AND ?","match":"\"go\"","args":["9","9223372036854775807"]}],"checked":false}`,
		"min_likes:9 likes:0..3": `{"walks":[],"checked":false}`,
		"go \"a a\"~1":           `{"walks":[{"sql":"FROM terms WHERE terms MATCH ?","match":"(\"go\") AND (NEAR(\"a\", 1))"}],"checked":true}`,
	} {
		got, err := json.Marshal(a.Explain(parse(t, text)))
		if err != nil || string(got) != want {
			t.Errorf("%s:\n%s\nwant %s, %v", text, got, want, err)
		}
	}
}
