package live_test

import (
	"testing"

	"birdwatch/live"
	"birdwatch/tweet"
)

func TestPlace(t *testing.T) {
	at := tweet.Position{Epoch: "k3", Seq: 42}
	for _, tt := range []struct {
		text string
		want live.Place // zero: none
	}{
		{"k3-42", live.Place{Position: at}},
		{"k3-42-1700000000000000001", live.Place{Position: at, Tweet: 1700000000000000001}},
		{"k3-42@1700000000", live.Place{Position: at, Instant: 1700000000}},
		{"k3-42-7@1700000000", live.Place{Position: at, Tweet: 7, Instant: 1700000000}},
		{"", live.Place{}},
		{"k3", live.Place{}},
		{"k3-", live.Place{}},
		{"-42", live.Place{}},
		{"k3-42-", live.Place{}},
		{"k3-42-0", live.Place{}},
		{"k3-42--7", live.Place{}},
		{"k3-42-7-8", live.Place{}},
		{"k3-42@", live.Place{}},
		{"k3-42@0", live.Place{}},
		{"k3-42@-1", live.Place{}},
		{"k3-42@1@2", live.Place{}},
		{"k3-99999999999999999999", live.Place{}},
	} {
		got, err := live.ParsePlace(tt.text)
		if (err != nil) != (tt.want == live.Place{}) || got != tt.want {
			t.Errorf("%q is %+v, %v; want %+v", tt.text, got, err, tt.want)
		}
		if err == nil && got.String() != tt.text {
			t.Errorf("%q is written as %q", tt.text, got)
		}
	}
}

func FuzzParsePlace(f *testing.F) {
	for _, s := range []string{"k3-42", "k3-42-7", "k3-42@9", "k3-42-7@9", "k3-042", "a-b-1", "-1-1", "k3-42-7@+9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := live.ParsePlace(text)
		if err != nil {
			return
		}
		again, err := live.ParsePlace(p.String())
		if err != nil || again != p {
			t.Errorf("%q is %+v, which is read back as %+v, %v", text, p, again, err)
		}
	})
}
