package replay

import (
	"strconv"
	"time"
)

// schedule says when messages are due.
type schedule struct {
	pace Pace
	due  time.Time // of the last message
	at   int64     // recorded time of the newest message so far in the lap
	lap  int
}

// free: there is no pace.
func (s *schedule) free() bool { return s.pace.Speed == 0 && s.pace.PerSecond == 0 }

// next gives the due time of the message that is sent next.
func (s *schedule) next(m *message, now time.Time) time.Time {
	switch {
	case s.pace.PerSecond > 0:
		s.due = s.due.Add(time.Duration(float64(time.Second) / s.pace.PerSecond))
	case s.pace.Speed > 0:
		s.pass(m)
	default:
		s.due = now
	}
	return s.due
}

// pass lets the recorded time go by up to a message. Messages out of order, or without a time,
// come with the one before them; a new lap begins where the last one ended.
func (s *schedule) pass(m *message) {
	if s.pace.Speed == 0 || m.at == 0 {
		return
	}
	if s.at == 0 || m.lap != s.lap {
		s.at, s.lap = m.at, m.lap
		return
	}
	if m.at <= s.at {
		return
	}
	gap := time.Duration(float64(m.at-s.at) / s.pace.Speed * float64(time.Millisecond))
	if s.pace.MaxGap > 0 {
		gap = min(gap, s.pace.MaxGap)
	}
	s.at, s.due = m.at, s.due.Add(gap)
}

// deletion is a delete notice that is made here.
type deletion struct {
	id, userID int64 // as sent
	due        time.Time
}

// deletes is a heap by due time.
type deletes []deletion

func (d deletes) Len() int           { return len(d) }
func (d deletes) Less(i, j int) bool { return d[i].due.Before(d[j].due) }
func (d deletes) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push and Pop are container/heap's.
func (d *deletes) Push(x any) { *d = append(*d, x.(deletion)) }

// Pop takes the last.
func (d *deletes) Pop() any {
	old := *d
	x := old[len(old)-1]
	*d = old[:len(old)-1]
	return x
}

func (d deletes) due(now time.Time) bool { return len(d) > 0 && !d[0].due.After(now) }

// deleteNotice is Twitter's shape of it.
type deleteNotice struct {
	Delete struct {
		Status struct {
			ID        int64  `json:"id"`
			IDStr     string `json:"id_str"`
			UserID    int64  `json:"user_id"`
			UserIDStr string `json:"user_id_str"`
		} `json:"status"`
		TimestampMS string `json:"timestamp_ms"`
	} `json:"delete"`
}

func (s *stream) sendDelete(d deletion, now time.Time) error {
	var n deleteNotice
	n.Delete.Status.ID, n.Delete.Status.IDStr = d.id, strconv.FormatInt(d.id, 10)
	n.Delete.Status.UserID, n.Delete.Status.UserIDStr = d.userID, strconv.FormatInt(d.userID, 10)
	n.Delete.TimestampMS = strconv.FormatInt(now.UnixMilli(), 10)
	if err := s.wire.value(n); err != nil {
		return err
	}
	s.sent.Add(1)
	s.silent = now
	return nil
}
