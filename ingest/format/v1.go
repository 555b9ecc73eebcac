package format

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-json"

	"birdwatch/tweet"
)

// figure is a whole number as v1.1 writes one: a number, a string of digits, or "100+". null and what is no number is 0.
type figure int64

// UnmarshalJSON never fails: a figure that cannot be read is no reason to lose a tweet.
func (f *figure) UnmarshalJSON(b []byte) error {
	s := strings.TrimRight(string(bytes.Trim(b, `"`)), "+")
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		*f = figure(n)
	} else if x, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(x) < 1<<53 {
		*f = figure(x)
	}
	return nil
}

// message is all that a v1.1 stream may send: a status, or an object with one key that says what it is.
type message struct {
	status
	Delete         *deletion       `json:"delete"`
	ScrubGeo       *scrub          `json:"scrub_geo"`
	StatusWithheld *withheld       `json:"status_withheld"`
	UserWithheld   *withheld       `json:"user_withheld"`
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
		ID        figure `json:"id"`
		IDStr     string `json:"id_str"`
		UserID    figure `json:"user_id"`
		UserIDStr string `json:"user_id_str"`
	} `json:"status"`
	TimestampMS figure `json:"timestamp_ms"`
}

type scrub struct {
	UserID    figure `json:"user_id"`
	UserIDStr string `json:"user_id_str"`
	UpTo      figure `json:"up_to_status_id"`
	UpToStr   string `json:"up_to_status_id_str"`
}

type withheld struct {
	ID          figure   `json:"id"`
	UserID      figure   `json:"user_id"`
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
		if m.Delete.TimestampMS > 0 {
			r.CapturedAt = int64(m.Delete.TimestampMS)
		}
		if r.ID == 0 {
			return r, nil, fmt.Errorf(`"delete" names no status`)
		}
	case m.ScrubGeo != nil:
		r.Kind, r.ID, r.UserID = tweet.KindGeo, idOf(m.ScrubGeo.UpToStr, m.ScrubGeo.UpTo), idOf(m.ScrubGeo.UserIDStr, m.ScrubGeo.UserID)
		if r.ID == 0 || r.UserID == 0 {
			return r, nil, fmt.Errorf(`"scrub_geo" names no user or no status`)
		}
	case m.StatusWithheld != nil:
		return withholding(r, tweet.KindWithheld, "status_withheld", m.StatusWithheld)
	case m.UserWithheld != nil:
		return withholding(r, tweet.KindUser, "user_withheld", m.UserWithheld)
	default:
		return r, m.control(), m.unknown()
	}
	return r, nil, nil
}

func withholding(r tweet.Record, kind tweet.Kind, event string, w *withheld) (tweet.Record, *Control, error) {
	r.Kind, r.UserID = kind, tweet.ID(max(0, int64(w.UserID)))
	if id := tweet.ID(max(0, int64(w.ID))); kind == tweet.KindWithheld {
		r.ID = id
	} else {
		r.UserID = id
	}
	if r.ID == 0 && r.UserID == 0 {
		return r, nil, fmt.Errorf("%q names no one", event)
	}
	if w.TimestampMS > 0 {
		r.CapturedAt = int64(w.TimestampMS)
	}
	var err error
	r.Payload, err = json.Marshal(tweet.Notice{Event: event, Countries: w.Countries})
	return r, nil, err
}

// control is the message as one that is passed over; nil when it is none.
func (m *message) control() *Control {
	switch {
	case m.Limit != nil:
		return &Control{Name: "limit", Track: int64(m.Limit.Track)}
	case m.Disconnect != nil:
		code, _ := strconv.Atoi(string(m.Disconnect.Code))
		return &Control{Name: "disconnect", Code: code, Detail: short(m.Disconnect.Reason)}
	case m.Warning != nil:
		return &Control{Name: "warning", Percent: int(m.Warning.Percent), Detail: short(strings.Trim(string(m.Warning.Code), `"`) + ": " + m.Warning.Message)}
	}
	for name, v := range map[string]json.RawMessage{"friends": m.Friends, "friends_str": m.FriendsStr, "direct_message": m.DirectMessage, "event": m.Event, "control": m.Control} {
		if v != nil {
			return &Control{Name: name}
		}
	}
	return nil
}

func (m *message) unknown() error {
	if m.control() != nil {
		return nil
	}
	return ErrNotTweet
}

func short(s string) string { return s[:min(len(s), 200)] }

// status is a tweet of the v1.1 API, stream or REST.
type status struct {
	CreatedAt         string    `json:"created_at"`
	ID                figure    `json:"id"`
	IDStr             string    `json:"id_str"`
	TimestampMS       figure    `json:"timestamp_ms"`
	Text              *string   `json:"text"`
	FullText          *string   `json:"full_text"`
	Source            string    `json:"source"`
	Truncated         bool      `json:"truncated"`
	ReplyToStatus     figure    `json:"in_reply_to_status_id"`
	ReplyToStatusStr  string    `json:"in_reply_to_status_id_str"`
	ReplyToUser       figure    `json:"in_reply_to_user_id"`
	ReplyToUserStr    string    `json:"in_reply_to_user_id_str"`
	ReplyToName       string    `json:"in_reply_to_screen_name"`
	User              *user     `json:"user"`
	Geo               *position `json:"geo"`
	Coordinates       *position `json:"coordinates"`
	Place             *place    `json:"place"`
	QuotedID          figure    `json:"quoted_status_id"`
	QuotedIDStr       string    `json:"quoted_status_id_str"`
	Quoted            *status   `json:"quoted_status"`
	Retweeted         *status   `json:"retweeted_status"`
	QuoteCount        *figure   `json:"quote_count"`
	ReplyCount        *figure   `json:"reply_count"`
	RetweetCount      *figure   `json:"retweet_count"`
	FavoriteCount     *figure   `json:"favorite_count"`
	Entities          *entities `json:"entities"`
	ExtendedEntities  *entities `json:"extended_entities"`
	Extended          *extended `json:"extended_tweet"`
	PossiblySensitive bool      `json:"possibly_sensitive"`
	Lang              string    `json:"lang"`
	WithheldCopyright bool      `json:"withheld_copyright"`
	WithheldCountries []string  `json:"withheld_in_countries"`
	WithheldScope     string    `json:"withheld_scope"`
	EditHistory       *struct {
		IDs []string `json:"edit_tweet_ids"`
	} `json:"edit_history"`
}

type extended struct {
	FullText         *string   `json:"full_text"`
	Entities         *entities `json:"entities"`
	ExtendedEntities *entities `json:"extended_entities"`
}

type user struct {
	ID          figure  `json:"id"`
	IDStr       string  `json:"id_str"`
	Name        string  `json:"name"`
	ScreenName  string  `json:"screen_name"`
	Location    string  `json:"location"`
	Description string  `json:"description"`
	URL         string  `json:"url"`
	CreatedAt   string  `json:"created_at"`
	Verified    bool    `json:"verified"`
	Protected   bool    `json:"protected"`
	Image       string  `json:"profile_image_url"`
	ImageHTTPS  string  `json:"profile_image_url_https"`
	Followers   *figure `json:"followers_count"`
	Friends     figure  `json:"friends_count"`
	Statuses    figure  `json:"statuses_count"`
	Listed      figure  `json:"listed_count"`
	Entities    *struct {
		URL *entities `json:"url"`
	} `json:"entities"`
	WithheldCountries []string `json:"withheld_in_countries"`
}

type entities struct {
	Hashtags []textEntity  `json:"hashtags"`
	Symbols  []textEntity  `json:"symbols"`
	URLs     []urlEntity   `json:"urls"`
	Mentions []userEntity  `json:"user_mentions"`
	Media    []mediaEntity `json:"media"`
}

type textEntity struct {
	Text    string `json:"text"`
	Indices []int  `json:"indices"`
}

type urlEntity struct {
	URL      string `json:"url"`
	Expanded string `json:"expanded_url"`
	Display  string `json:"display_url"`
	Indices  []int  `json:"indices"`
	Unwound  *struct {
		URL         string `json:"url"`
		Status      figure `json:"status"`
		Title       string `json:"title"`
		Description string `json:"description"`
	} `json:"unwound"`
}

type userEntity struct {
	ID         figure `json:"id"`
	IDStr      string `json:"id_str"`
	ScreenName string `json:"screen_name"`
	Name       string `json:"name"`
	Indices    []int  `json:"indices"`
}

type mediaEntity struct {
	urlEntity
	ID         figure `json:"id"`
	IDStr      string `json:"id_str"`
	Type       string `json:"type"`
	MediaURL   string `json:"media_url"`
	MediaHTTPS string `json:"media_url_https"`
	AltText    string `json:"ext_alt_text"`
	Sizes      map[string]struct {
		W figure `json:"w"`
		H figure `json:"h"`
	} `json:"sizes"`
	Original *struct {
		Width  figure `json:"width"`
		Height figure `json:"height"`
	} `json:"original_info"`
	Video *struct {
		Duration figure `json:"duration_millis"`
		Variants []struct {
			Bitrate figure `json:"bitrate"`
			Type    string `json:"content_type"`
			URL     string `json:"url"`
		} `json:"variants"`
	} `json:"video_info"`
}

type position struct {
	Coordinates []float64 `json:"coordinates"`
}

type place struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	FullName    string `json:"full_name"`
	Country     string `json:"country"`
	CountryCode string `json:"country_code"`
	Type        string `json:"place_type"`
	Box         *struct {
		Coordinates [][][]float64 `json:"coordinates"`
	} `json:"bounding_box"`
}
