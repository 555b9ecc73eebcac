package api

import (
	"fmt"
	"time"

	"birdwatch/live"
	"birdwatch/tweet"
)

// rateEvery is how often a stream tells at most what it left out.
const rateEvery = time.Second

// rating holds a stream to so many tweets a second and counts the others. nil: no bound.
type rating struct {
	most  float64
	saved float64 // tweets that may be sent at once
	at    time.Time
	left  int64
	since tweet.Seq // what was left out came behind it
	told  time.Time
}

func newRating(most int, now time.Time) *rating {
	if most == 0 {
		return nil
	}
	return &rating{most: float64(most), saved: float64(most), at: now}
}

// takes reports whether a tweet is sent; else it is counted.
func (r *rating) takes(e *live.Event, now time.Time) bool {
	if r == nil || e.Place.Tweet != 0 { // history was asked for
		return true
	}
	r.saved = min(r.most, r.saved+r.most*now.Sub(r.at).Seconds())
	r.at = now
	if r.saved >= 1 {
		r.saved--
		return true
	}
	if r.left == 0 {
		r.since = e.Place.Seq - 1
	}
	r.left++
	return false
}

func (r *rating) owes() bool { return r != nil && r.left > 0 }

// appendRate tells what was left out, when it is time, or always before the end. It has the place of the last entry that was looked at.
func (st *streaming) appendRate(dst []byte, always bool) []byte {
	r := st.rate
	if !r.owes() {
		return dst
	}
	now := time.Now()
	if !always && now.Sub(r.told) < rateEvery {
		return dst
	}
	data := fmt.Appendf(nil, `{"left_out":%d,"since_seq":%d,"until_seq":%d}`, r.left, r.since, st.place.Seq)
	st.s.metrics.leftOut.Add(float64(r.left))
	r.left, r.told = 0, now
	return st.text(dst, appendEvent(nil, "rate", st.place.AppendTo(nil), data))
}
