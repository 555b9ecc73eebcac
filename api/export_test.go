package api

import (
	"strings"
	"time"

	"birdwatch/live"
)

// Routes are the router's routes, as OpenAPI writes them, without HEAD.
func (s *Server) Routes() (routes []string) {
	for _, r := range s.echo.Routes() {
		if r.Method != "HEAD" {
			routes = append(routes, strings.ToLower(r.Method)+" "+strings.NewReplacer(":id", "{id}", ":name", "{name}", ":connection", "{connection}").Replace(r.Path))
		}
	}
	return routes
}

// Line is what a stream without field parameters sends of an item; streams share it.
func (s *Server) Line(item *live.Item) []byte {
	sel, err := selectFields(params{})
	if err != nil {
		panic(err)
	}
	return s.encoded.line(item, s.selections.intern(sel), marking{}, true)
}

// TellsWhenWokenInBetween lets a stream be woken while somebody is at it, and let go of then, as at the end of its catching up. It gives how many
// workers are told, and how many streams wait for one.
func TellsWhenWokenInBetween() (signals, queued int) {
	s := &Server{config: Config{}.withDefaults()}
	s.courier = newCourier(s)
	w := &wired{streaming: streaming{s: s}, state: visited}
	w.wake()
	s.courier.release(w, false)
	return len(s.courier.work), len(s.courier.queue.later)
}

// Rounds are rounds of streams that are told apart by numbers.
type Rounds struct {
	rounds
	numbers map[*wired]int
}

func (r *Rounds) Put(n int) bool {
	w := new(wired)
	if r.numbers == nil {
		r.numbers = map[*wired]int{}
	}
	r.numbers[w] = n
	return r.put(w)
}

func (r *Rounds) Take(most int, at time.Time) (taken []int, more bool, rest time.Duration) {
	batch, more, rest := r.take(nil, most, at)
	for _, w := range batch {
		taken = append(taken, r.numbers[w])
	}
	return taken, more, rest
}

func (r *Rounds) Done(n int, at time.Time) bool { return r.done(n, at) }
