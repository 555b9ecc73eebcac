package format

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-json"

	"birdwatch/tweet"
)

// message is all that a v1.1 stream may send: a status, or an object with one key that says what it is.
type message struct {
	status
	Delete         *deletion       `json:"delete"`
	Drop           *deletion       `json:"drop"`
	Undrop         *deletion       `json:"undrop"`
	ScrubGeo       *scrub          `json:"scrub_geo"`
	StatusWithheld *withheld       `json:"status_withheld"`
	UserWithheld   *withheld       `json:"user_withheld"`
	UserDelete     *withheld       `json:"user_delete"`
	UserUndelete   *withheld       `json:"user_undelete"`
	UserProtect    *withheld       `json:"user_protect"`
	UserUnprotect  *withheld       `json:"user_unprotect"`
	UserSuspend    *withheld       `json:"user_suspend"`
	UserUnsuspend  *withheld       `json:"user_unsuspend"`
	Limit          *limit          `json:"limit"`
	Disconnect     *told           `json:"disconnect"`
	Warning        *told           `json:"warning"`
	Friends        json.RawMessage `json:"friends"`
	FriendsStr     json.RawMessage `json:"friends_str"`
	Event          json.RawMessage `json:"event"`
	DirectMessage  json.RawMessage `json:"direct_message"`
	Control        json.RawMessage `json:"control"`
}

type deletion struct {
	Status struct {
		ID        ident `json:"id"`
		IDStr     ident `json:"id_str"`
		UserID    ident `json:"user_id"`
		UserIDStr ident `json:"user_id_str"`
	} `json:"status"`
	TimestampMS figure `json:"timestamp_ms"`
}

type scrub struct {
	UserID    ident `json:"user_id"`
	UserIDStr ident `json:"user_id_str"`
	UpTo      ident `json:"up_to_status_id"`
	UpToStr   ident `json:"up_to_status_id_str"`
}

type withheld struct {
	ID          ident    `json:"id"`
	IDStr       ident    `json:"id_str"`
	UserID      ident    `json:"user_id"`
	UserIDStr   ident    `json:"user_id_str"`
	Countries   []string `json:"withheld_in_countries"`
	TimestampMS figure   `json:"timestamp_ms"`
}

type limit struct {
	Track figure `json:"track"`
}

type told struct {
	Code    json.RawMessage `json:"code"`
	Reason  string          `json:"reason"`
	Message string          `json:"message"`
	Percent figure          `json:"percent_full"`
}

// notice makes a record, or a Control, of what is no status.
func (m *message) notice(capturedAt int64) (tweet.Record, *Control, error) {
	r := tweet.Record{CapturedAt: capturedAt}
	switch {
	case m.Delete != nil:
		d := &m.Delete.Status
		r.Kind, r.ID, r.UserID = tweet.KindDelete, idOf(d.IDStr, d.ID), idOf(d.UserIDStr, d.UserID)
		if m.Delete.TimestampMS.isTime() {
			r.CapturedAt = int64(m.Delete.TimestampMS)
		}
		if r.ID == 0 {
			return r, nil, fmt.Errorf(`"delete" names no status`)
		}
	case m.Drop != nil: // for now: "undrop" takes it back
		return m.Drop.hiding(r, "tweet_drop")
	case m.Undrop != nil:
		return m.Undrop.hiding(r, "tweet_undrop")
	case m.ScrubGeo != nil:
		r.Kind, r.ID, r.UserID = tweet.KindGeo, idOf(m.ScrubGeo.UpToStr, m.ScrubGeo.UpTo), idOf(m.ScrubGeo.UserIDStr, m.ScrubGeo.UserID)
		if r.ID == 0 || r.UserID == 0 {
			return r, nil, fmt.Errorf(`"scrub_geo" names no user or no status`)
		}
	case m.StatusWithheld != nil:
		return withholding(r, tweet.KindWithheld, "status_withheld", m.StatusWithheld)
	default:
		if event, w := m.userNotice(); w != nil {
			return withholding(r, tweet.KindUser, event, w)
		}
		if ctl := m.control(); ctl != nil {
			return r, ctl, nil
		}
		return r, nil, ErrNotTweet
	}
	return r, nil, nil
}

// hiding is a notice that a tweet is hidden everywhere, or not any more.
func (d *deletion) hiding(r tweet.Record, event string) (tweet.Record, *Control, error) {
	s := &d.Status
	return withholding(r, tweet.KindWithheld, event, &withheld{ID: s.ID, IDStr: s.IDStr, UserID: s.UserID, UserIDStr: s.UserIDStr, TimestampMS: d.TimestampMS})
}

// userNotice is a notice about a user, those of the compliance stream too; nil when it is none.
func (m *message) userNotice() (event string, w *withheld) {
	for _, n := range [...]struct {
		event string
		w     *withheld
	}{
		{"user_withheld", m.UserWithheld}, {"user_delete", m.UserDelete}, {"user_undelete", m.UserUndelete}, {"user_protect", m.UserProtect},
		{"user_unprotect", m.UserUnprotect}, {"user_suspend", m.UserSuspend}, {"user_unsuspend", m.UserUnsuspend},
	} {
		if n.w != nil {
			return n.event, n.w
		}
	}
	return "", nil
}

func withholding(r tweet.Record, kind tweet.Kind, event string, w *withheld) (tweet.Record, *Control, error) {
	r.Kind, r.UserID = kind, idOf(w.UserIDStr, w.UserID)
	id := idOf(w.IDStr, w.ID)
	if kind == tweet.KindWithheld {
		r.ID = id
	} else if id != 0 {
		r.UserID = id
	}
	if id == 0 && (kind == tweet.KindWithheld || r.UserID == 0) {
		return r, nil, fmt.Errorf("%q names no one", event)
	}
	if w.TimestampMS.isTime() {
		r.CapturedAt = int64(w.TimestampMS)
	}
	var err error
	r.Payload, err = json.Marshal(tweet.Notice{Event: event, Countries: cleanAll(w.Countries)})
	return r, nil, err
}

// maxDetail bounds what of a message's own words is kept.
const maxDetail = 200

// control is the message as one that is passed over; nil when it is none.
func (m *message) control() *Control {
	switch {
	case m.Limit != nil:
		return &Control{Name: "limit", Track: int64(m.Limit.Track)}
	case m.Disconnect != nil:
		code, _ := strconv.Atoi(string(m.Disconnect.Code))
		return &Control{Name: "disconnect", Code: code, Detail: short(m.Disconnect.Reason, maxDetail)}
	case m.Warning != nil:
		return &Control{Name: "warning", Percent: int(m.Warning.Percent), Detail: short(strings.Trim(string(m.Warning.Code), `"`)+": "+m.Warning.Message, maxDetail)}
	}
	for _, c := range [...]struct {
		name string
		v    json.RawMessage
	}{{"friends", m.Friends}, {"friends_str", m.FriendsStr}, {"direct_message", m.DirectMessage}, {"event", m.Event}, {"control", m.Control}} {
		if c.v != nil {
			return &Control{Name: c.name}
		}
	}
	return nil
}

// short cuts a text to so many bytes, between characters, and makes it clean.
func short(s string, most int) string {
	s = clean(s)
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
