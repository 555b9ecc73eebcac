package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vitals are what a server holds on to.
type vitals struct {
	goroutines, streams, files, entries int
	memory                              float64 // of its own, no file's, in MB
}

func (v vitals) String() string {
	return fmt.Sprintf("%d entries, %d streams, %d goroutines, %d files, %.0f MB", v.entries, v.streams, v.goroutines, v.files, v.memory)
}

// vitalsOf asks the server's metrics and the system.
func vitalsOf(t *testing.T, p *process) (v vitals) {
	_, body := ask(t, t.Context(), "GET", p.url+"/metrics", "", "")
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		at, ok := map[string]*int{"go_goroutines": &v.goroutines, "birdwatch_live_subscriptions": &v.streams, "process_open_fds": &v.files, "birdwatch_live_entries_total": &v.entries}[name]
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Error(err)
		}
		*at = int(f)
	}
	if v.goroutines == 0 {
		t.Fatalf("no vitals: %.500s\n%s", body, p.log)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return v // there is no such thing on this system: 0 is flat
	}
	if _, rest, ok := bytes.Cut(status, []byte("RssAnon:")); ok {
		kb, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
		if err != nil {
			t.Error(err)
		}
		v.memory = float64(kb) / 1024
	}
	return v
}

// watchVitals looks from time to time, until ctx ends.
func watchVitals(t *testing.T, ctx context.Context, p *process, every time.Duration) (all []vitals) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			v := vitalsOf(t, p)
			all = append(all, v)
			if len(all)%6 == 0 {
				t.Log(v)
			}
		case <-ctx.Done():
			return all
		}
	}
}

// judgeVitals: a short run is all beginning, where caches fill; of a long one the last third may need no more than the one before.
func judgeVitals(t *testing.T, before, settled vitals, watched []vitals, long bool) {
	t.Logf("before anyone came: %v; when all had gone: %v", before, settled)
	third := len(watched) / 3
	var typical [3]vitals
	for i := range typical {
		typical[i] = medians(watched[i*third : (i+1)*third])
		t.Logf("third %d, the medians: %v", i+1, typical[i])
	}
	if !long {
		return
	}
	if a, b := typical[1], typical[2]; b.memory > 1.1*a.memory+16 || b.goroutines > a.goroutines*5/4 || b.files > a.files*5/4 {
		t.Errorf("it grows: %v, then %v", a, b)
	}
}

// medians are of each figure by itself: one moment in which the machine is busy is no growth.
func medians(vs []vitals) (m vitals) {
	if len(vs) == 0 {
		return m
	}
	median := func(of func(vitals) float64) float64 {
		all := make([]float64, len(vs))
		for i, v := range vs {
			all[i] = of(v)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	m.entries = vs[len(vs)-1].entries
	m.goroutines = int(median(func(v vitals) float64 { return float64(v.goroutines) }))
	m.streams = int(median(func(v vitals) float64 { return float64(v.streams) }))
	m.files = int(median(func(v vitals) float64 { return float64(v.files) }))
	m.memory = median(func(v vitals) float64 { return v.memory })
	return m
}
