package format

import (
	"bytes"
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
	if n, ok := digits(b); ok {
		*f = figure(n)
		return nil
	}
	s := strings.TrimRight(string(bytes.Trim(b, `"`)), "+")
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		*f = figure(n)
	} else if x, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(x) < 1<<53 {
		*f = figure(x)
	}
	return nil
}

// digits reads what nearly all figures and ids are: up to 18 digits, in quotes or not.
func digits(b []byte) (n int64, ok bool) {
	if len(b) >= 2 && b[0] == '"' {
		b = b[1 : len(b)-1]
	}
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// isTime reports whether f can be Unix milliseconds: up to the year 9999.
func (f figure) isTime() bool { return f > 0 && f < 253402300800000 }

// ident is an id, as a number or as a string; 0 is none. Numbers lose no digit here, but did in others' tools.
type ident int64

// UnmarshalJSON never fails: what can be no id is none.
func (d *ident) UnmarshalJSON(b []byte) error {
	if n, ok := digits(b); ok {
		*d = ident(n)
		return nil
	}
	s := bytes.Trim(b, `"`)
	if n, err := strconv.ParseInt(string(s), 10, 64); err == nil {
		*d = ident(max(0, n))
	} else if x, err := strconv.ParseFloat(string(s), 64); err == nil && x > 0 && x < 1<<53 && x == math.Trunc(x) {
		*d = ident(x)
	}
	return nil
}

// idOf prefers the string.
func idOf(str, num ident) tweet.ID {
	if str != 0 {
		return tweet.ID(str)
	}
	return tweet.ID(num)
}

// status is a tweet of the v1.1 API, stream or REST.
type status struct {
	CreatedAt         string    `json:"created_at"`
	ID                ident     `json:"id"`
	IDStr             ident     `json:"id_str"`
	TimestampMS       figure    `json:"timestamp_ms"`
	Text              *string   `json:"text"`
	FullText          *string   `json:"full_text"`
	Source            string    `json:"source"`
	Truncated         bool      `json:"truncated"`
	ReplyToStatus     ident     `json:"in_reply_to_status_id"`
	ReplyToStatusStr  ident     `json:"in_reply_to_status_id_str"`
	ReplyToUser       ident     `json:"in_reply_to_user_id"`
	ReplyToUserStr    ident     `json:"in_reply_to_user_id_str"`
	ReplyToName       string    `json:"in_reply_to_screen_name"`
	User              *user     `json:"user"`
	Geo               *position `json:"geo"`
	Coordinates       *position `json:"coordinates"`
	Place             *place    `json:"place"`
	QuotedID          ident     `json:"quoted_status_id"`
	QuotedIDStr       ident     `json:"quoted_status_id_str"`
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
	EditHistory       *edits    `json:"edit_history"`
	EditControls      *edits    `json:"edit_controls"`
}

type edits struct {
	IDs       []ident `json:"edit_tweet_ids"`
	UntilMS   figure  `json:"editable_until_ms"`
	Remaining figure  `json:"edits_remaining"`
	Eligible  bool    `json:"is_edit_eligible"`
}

type extended struct {
	FullText         *string   `json:"full_text"`
	Entities         *entities `json:"entities"`
	ExtendedEntities *entities `json:"extended_entities"`
}

type user struct {
	ID          ident   `json:"id"`
	IDStr       ident   `json:"id_str"`
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
	ID         ident  `json:"id"`
	IDStr      ident  `json:"id_str"`
	ScreenName string `json:"screen_name"`
	Name       string `json:"name"`
	Indices    []int  `json:"indices"`
}

type mediaEntity struct {
	urlEntity
	ID         ident  `json:"id"`
	IDStr      ident  `json:"id_str"`
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
	Box         *area  `json:"bounding_box"`
}

// area is a place's outline.
type area struct {
	Coordinates rings `json:"coordinates"`
}

type rings [][][]float64

// UnmarshalJSON never fails: old data has outlines of other shapes, which are left out.
func (r *rings) UnmarshalJSON(b []byte) error {
	var v [][][]float64
	if json.Unmarshal(b, &v) == nil {
		*r = v
	}
	return nil
}
