package replay

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Faults are what is wrong with the messages of a stream. A share is of the messages, 0 to 1.
type Faults struct {
	Limit       float64 // not delivered, and told of by limit notices
	Duplicate   float64 // sent once more, up to 50 messages later
	DeleteFirst float64 // a tweet's delete notice comes before it
	Deletes     float64 // a delete notice follows, up to twice DeleteAfter later
	ScrubGeo    float64 // a notice follows that takes the place from its user's tweets
	Newline     float64 // a bare line feed stands inside
	LineFeed    float64 // ended by a line feed alone
	Garbage     float64 // a line that is no message stands before it
	Split       float64 // sent in pieces, cut anywhere
}

// shares are the faults by the names that flags and scenarios have.
func (f *Faults) shares() map[string]*float64 {
	return map[string]*float64{"limit": &f.Limit, "duplicate": &f.Duplicate, "delete-first": &f.DeleteFirst, "delete": &f.Deletes, "scrub-geo": &f.ScrubGeo,
		"newline": &f.Newline, "linefeed": &f.LineFeed, "garbage": &f.Garbage, "split": &f.Split}
}

func (f *Faults) check() error {
	for name, share := range f.shares() {
		if !(*share >= 0 && *share <= 1) {
			return fmt.Errorf("replay: %s is a share from 0 to 1", name)
		}
	}
	return nil
}

// Fate is what became of a tweet that a stream was to get.
type Fate struct {
	Stream   uint64    `json:"stream"`
	Recorded int64     `json:"recorded"`     // the id on the tape
	ID       int64     `json:"id,omitempty"` // as it was sent
	At       time.Time `json:"at"`           // when it was made, as the stream's clock has it
	// Fate is sent (whether it came is the client's to know), again (as a duplicate), withheld (a limit notice tells of it) or missed
	// (nobody was connected).
	Fate string `json:"fate"`
}

func (s *stream) witness(m *message, id int64, at time.Time, fate string) {
	if s.o.Witness != nil && m.kind == kindTweet {
		s.o.Witness(Fate{s.number, m.id, id, at, fate})
	}
}

func (s *stream) chance(share float64) bool { return share > 0 && s.random.Float64() < share }

// limitEvery is how often a limit notice is sent at most.
const limitEvery = time.Second

// withhold decides whether a message is not delivered.
func (s *stream) withhold(m *message, at time.Time) bool {
	if s.x != nil || m.kind != kindTweet || !s.chance(s.faults.Limit) {
		return false
	}
	s.withheld++
	s.witness(m, 0, at, "withheld")
	return true
}

// tellLimit sends the limit notice that is due.
func (s *stream) tellLimit(now time.Time) error {
	if s.withheld == s.toldLimit || now.Sub(s.limitAt) < limitEvery {
		return nil
	}
	s.toldLimit, s.limitAt, s.silent = s.withheld, now, now
	s.sent.Add(1)
	return s.wire.value(map[string]any{"limit": map[string]any{"track": s.withheld, "timestamp_ms": strconv.FormatInt(now.UnixMilli(), 10)}})
}

// breakLine puts a line feed behind the first member.
func breakLine(line []byte) []byte {
	at := 0
	members(line, 0, func(_, value []byte, start int) {
		if at == 0 {
			at = start + len(value)
		}
	})
	if at == 0 {
		return line
	}
	return slices.Concat(line[:at], []byte{'\n'}, line[at:])
}

// heldMost is how many messages later a duplicate comes, at most.
const heldMost = 50

// deform gives a message the faults of its form, and sends it.
func (s *stream) deform(line []byte) error {
	if s.chance(s.faults.Garbage) {
		if err := s.wire.message([]byte(`{"id":1,"text":"a message that has no e`)); err != nil {
			return err
		}
	}
	if s.chance(s.faults.Newline) {
		line = breakLine(line)
	}
	s.wire.bare = s.chance(s.faults.LineFeed)
	s.wire.pieces = nil
	if s.chance(s.faults.Split) {
		for range 1 + s.random.IntN(4) {
			s.wire.pieces = append(s.wire.pieces, s.random.IntN(len(line)+2))
		}
		slices.Sort(s.wire.pieces)
	}
	err := s.wire.message(line)
	s.wire.bare, s.wire.pieces = false, nil
	return err
}

// again sends duplicates of what was sent lately.
func (s *stream) again(m *message, line []byte, id int64, at time.Time) error {
	if s.chance(s.faults.Duplicate) {
		s.held = append(s.held, heldMessage{*m, slices.Clone(line), id, at, 1 + s.random.IntN(heldMost)})
	}
	for i := range s.held {
		s.held[i].wait--
	}
	for i, h := range s.held {
		if h.wait < 0 {
			s.held = slices.Delete(s.held, i, i+1)
			s.witness(&h.message, h.id, h.at, "again")
			return s.wire.message(h.line)
		}
	}
	return nil
}

type heldMessage struct {
	message
	line []byte
	id   int64
	at   time.Time
	wait int
}

// notices sends what belongs to a tweet before or after it.
func (s *stream) noticesBefore(m *message, id int64, now time.Time) error {
	if s.x != nil || m.kind != kindTweet || !s.chance(s.faults.DeleteFirst) {
		return nil
	}
	return s.sendDelete(deletion{id: id, userID: m.userID}, now)
}

func (s *stream) noticesAfter(m *message, id int64) error {
	if s.x != nil || m.kind != kindTweet || !s.chance(s.faults.ScrubGeo) {
		return nil
	}
	s.sent.Add(1)
	user := strconv.FormatInt(m.userID, 10)
	return s.wire.value(map[string]any{"scrub_geo": map[string]any{"user_id": m.userID, "user_id_str": user, "up_to_status_id": id, "up_to_status_id_str": strconv.FormatInt(id, 10)}})
}

// errCut ends a stream in the middle of a message.
var errCut = errors.New("the scenario ends the stream")

// happen does what a scenario has in store for an open stream. An error ends it.
func (s *stream) happen(st *step, now time.Time) error {
	switch st.action {
	case "stall":
		s.stalled = now.Add(st.lasts)
	case "disconnect":
		return disconnect{st.number, "scenario", "the scenario says so"}
	case "close":
		if err := s.wire.flush(); err != nil {
			return err
		}
		return errCut
	case "cut", "reset":
		if s.head != nil {
			line, _ := s.rewrite.apply(&s.head.message, now)
			if err := s.wire.part(line[:len(line)/2]); err != nil {
				return err
			}
		}
		if err := s.wire.flush(); err != nil {
			return err
		}
		if st.action == "reset" {
			s.wire.reset()
		}
		return errCut
	case "flood":
		s.flood += st.number
		if s.head != nil && s.head.due.After(now) && s.flood > 0 {
			s.head.due, s.clock.due = now, now
			s.flood--
		}
	case "rate":
		s.clock.pace, s.clock.due = Pace{PerSecond: st.value}, now
		if s.head != nil {
			s.clock.due = s.head.due
		}
	default:
		*s.faults.shares()[st.action] = st.value
	}
	return nil
}

// reset has the connection end as if a host between had lost it.
func (w *wire) reset() {
	h, ok := w.w.(http.Hijacker)
	if !ok {
		return
	}
	conn, _, err := h.Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // what is closed then is reset
	}
	_ = conn.Close()
}

// trim makes a word of a scenario a number with a unit, or none.
func trim(word string) (float64, error) {
	switch strings.ToLower(word) {
	case "on":
		return 1, nil
	case "off":
		return 0, nil
	}
	return strconv.ParseFloat(word, 64)
}
