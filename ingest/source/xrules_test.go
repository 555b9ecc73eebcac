package source_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"birdwatch/ingest/replay"
	"birdwatch/ingest/source"
)

// TestXRules: the server is made to have the rules, others go or stay, and what is refused is told in its words.
func TestXRules(t *testing.T) {
	for name, keep := range map[string]bool{"alone": false, "beside others": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l listener
				m := player(t, replay.Options{})
				x := openX(t, &l, m, source.XConfig{Rules: []source.Rule{{Value: "other", Tag: "o"}, {Value: "lang:de"}}})
				stop := runX(t, x, l.sink)
				synctest.Wait()
				_ = stop()
				synctest.Wait() // the server has seen it go: it takes one stream at a time
				x = openX(t, &l, m, source.XConfig{KeepOthers: keep, Rules: []source.Rule{{Value: "lang:de"}, {Value: "lang:en", Tag: "e"}, {Value: "(go"}}})
				stop = runX(t, x, l.sink)
				synctest.Wait()
				st := x.State()
				if len(st.Rules) != 1 || st.Rules[0].Value != "(go" || !strings.Contains(st.Rules[0].Reason, "parenthes") || !st.Connected {
					t.Errorf("state %+v", st)
				}
				if err := x.Change(t.Context(), []source.Rule{{Value: "lang:fr"}, {Value: "from:"}}); !errors.Is(err, source.ErrRefused) || !strings.Contains(err.Error(), "from:: ") {
					t.Errorf("a change that is refused: %v", err)
				}
				if len(x.Rules()) != 3 {
					t.Errorf("rules %v", x.Rules())
				}
				want := "[lang:de/ lang:en/e]"
				if keep {
					want = "[other/o lang:de/ lang:en/e]"
				}
				if got := rulesOf(t, x); got != want {
					t.Errorf("rules %s, want %s", got, want)
				}
				if err := x.Change(t.Context(), []source.Rule{{Value: "lang:fr"}}); err != nil {
					t.Error(err)
				}
				if e := l.of(source.Asking); len(e) != 1 || e[0].Connection != 1 || e[0].Asked != "rules=lang:fr" {
					t.Errorf("events %+v", e)
				}
				if got := rulesOf(t, x); !keep && got != "[lang:fr/]" {
					t.Errorf("rules %s", got)
				}
				if err := x.Change(t.Context(), []source.Rule{{Value: "lang:fr", Tag: "new"}}); err != nil {
					t.Error(err)
				}
				if got := rulesOf(t, x); !keep && got != "[lang:fr/new]" {
					t.Errorf("rules %s after a change of the tag", got)
				}
				if st := x.State(); st.Attempts != 1 || !st.Connected || len(st.Rules) > 0 {
					t.Errorf("a change of rules leaves the stream alone: %+v", st)
				}
				_ = stop()
			})
		})
	}
}

func rulesOf(t *testing.T, x *source.X) string {
	t.Helper()
	rules, err := source.HaveRules(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, r := range rules {
		texts = append(texts, r.Value+"/"+r.Tag)
	}
	return fmt.Sprint(texts)
}
