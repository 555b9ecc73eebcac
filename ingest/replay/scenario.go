package replay

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scenario says what goes wrong when. See ParseScenario.
type Scenario struct{ steps []step }

// step is a line of a scenario.
type step struct {
	at     time.Duration // since the server was made
	every  time.Duration // 0: once
	action string
	value  float64       // of a share or a rate
	number int           // of a disconnect, a refusal, a flood
	lasts  time.Duration // of a stall or a refusal
}

// everyLeast keeps a scenario from being nothing but its steps.
const everyLeast = 100 * time.Millisecond

// ParseScenario reads lines of the form "TIME ACTION …"; # begins a comment. TIME is since the server's start (10s, 1m30s), or "every"
// and a duration. The actions:
//
//	limit, duplicate, delete, delete-first, scrub-geo, newline, linefeed, garbage, split SHARE    see Faults; from then on
//	rate N             so many messages a second from then on
//	flood N            N messages are due at once
//	stall DURATION     nothing is sent, no keep-alive either
//	reset, cut, close  the connection ends: by a TCP reset or an end within a message, or between two
//	disconnect CODE    it ends with a disconnect message
//	refuse STATUS DURATION    whoever connects meanwhile is answered so
func ParseScenario(r io.Reader) (*Scenario, error) {
	s := &Scenario{}
	in := bufio.NewScanner(r)
	for n := 1; in.Scan(); n++ {
		text, _, _ := strings.Cut(in.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		st, err := parseStep(words)
		if err != nil {
			return nil, fmt.Errorf("scenario, line %d: %w", n, err)
		}
		s.steps = append(s.steps, st)
	}
	slices.SortStableFunc(s.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return s, in.Err()
}

func parseStep(words []string) (st step, err error) {
	if words[0] == "every" {
		words = words[1:]
		if len(words) == 0 {
			return st, fmt.Errorf("every is followed by a duration")
		}
		if st.every, err = time.ParseDuration(words[0]); err != nil || st.every < everyLeast {
			return st, fmt.Errorf("%q is no duration of %v or more", words[0], everyLeast)
		}
		st.at = st.every
	} else if st.at, err = time.ParseDuration(words[0]); err != nil || st.at < 0 {
		return st, fmt.Errorf("%q is no time since the start, such as 10s", words[0])
	}
	if len(words) < 2 {
		return st, fmt.Errorf("an action is missing")
	}
	st.action = words[1]
	return st, st.arguments(words[2:])
}

func (st *step) arguments(words []string) (err error) {
	want := 1
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch st.action {
	case "reset", "cut", "close":
		want = 0
	case "stall":
		st.lasts, err = time.ParseDuration(word(0))
	case "refuse":
		want = 2
		if st.number, err = strconv.Atoi(word(0)); err == nil && (st.number < 400 || st.number > 599) {
			err = fmt.Errorf("%d is no status of an error", st.number)
		}
		if err == nil {
			st.lasts, err = time.ParseDuration(word(1))
		}
	case "disconnect", "flood":
		st.number, err = strconv.Atoi(word(0))
	case "rate":
		if st.value, err = strconv.ParseFloat(word(0), 64); err == nil && !(st.value > 0) {
			err = fmt.Errorf("a rate is above 0")
		}
	default:
		var f Faults
		if f.shares()[st.action] == nil {
			return fmt.Errorf("there is no action %q", st.action)
		}
		if st.value, err = trim(word(0)); err == nil && !(st.value >= 0 && st.value <= 1) {
			err = fmt.Errorf("a share is from 0 to 1")
		}
	}
	if err == nil && len(words) != want {
		err = fmt.Errorf("it takes %d words, not %d", want, len(words))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", st.action, err)
	}
	return nil
}

// setting tells what holds from then on from what happens to a stream once.
func (st *step) setting() bool {
	switch st.action {
	case "stall", "reset", "cut", "close", "disconnect", "flood", "refuse":
		return false
	}
	return true
}

// last is the last time up to now that it was to be; negative: none.
func (st *step) last(now time.Duration) time.Duration {
	switch {
	case now < st.at:
		return -1
	case st.every == 0:
		return st.at
	}
	return now / st.every * st.every
}

// next is the first time after now that it is to be; negative: none.
func (st *step) next(now time.Duration) time.Duration {
	switch {
	case st.every > 0:
		return (max(now, 0)/st.every + 1) * st.every
	case st.at > now:
		return st.at
	}
	return -1
}

// between gives the steps that are to be after from, up to now, each once, in their order.
func (s *Scenario) between(from, now time.Duration) (steps []*step) {
	if s == nil {
		return nil
	}
	for i := range s.steps {
		if s.steps[i].last(now) > from {
			steps = append(steps, &s.steps[i])
		}
	}
	slices.SortStableFunc(steps, func(a, b *step) int { return cmp.Compare(a.last(now), b.last(now)) })
	return steps
}

// upcoming is when the next step is to be; negative: never.
func (s *Scenario) upcoming(now time.Duration) time.Duration {
	first := time.Duration(-1)
	if s == nil {
		return first
	}
	for i := range s.steps {
		if t := s.steps[i].next(now); t >= 0 && (first < 0 || t < first) {
			first = t
		}
	}
	return first
}

// refusal is the status that is answered now; 0: none.
func (s *Scenario) refusal(now time.Duration) int {
	if s == nil {
		return 0
	}
	for i := range s.steps {
		st := &s.steps[i]
		if at := st.last(now); st.action == "refuse" && at >= 0 && now < at+st.lasts {
			return st.number
		}
	}
	return 0
}
