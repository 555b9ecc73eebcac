package format

import "birdwatch/tweet"

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
	EditInfo          *editInfo `json:"edit_info"`

	Note *tweet.NoteTweet `json:"-"` // of an export, from another file
}

// editInfo is how exports tell of edits.
type editInfo struct {
	Initial *exportEdits `json:"initial"`
	Edit    struct {
		Initial *exportEdits `json:"editControlInitial"`
	} `json:"edit"`
}

type exportEdits struct {
	IDs       []ident `json:"editTweetIds"`
	Until     string  `json:"editableUntil"`
	Remaining figure  `json:"editsRemaining"`
	Eligible  bool    `json:"isEditEligible"`
}

// edits gives the same as the API would.
func (e *editInfo) edits() *edits {
	if e == nil {
		return nil
	}
	x := e.Initial
	if x == nil {
		x = e.Edit.Initial
	}
	if x == nil {
		return nil
	}
	ms, _ := instant(x.Until)
	return &edits{IDs: x.IDs, UntilMS: figure(ms), Remaining: x.Remaining, Eligible: x.Eligible}
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
	Text    string  `json:"text"`
	Indices indices `json:"indices"`
}

type urlEntity struct {
	URL      string   `json:"url"`
	Expanded string   `json:"expanded_url"`
	Display  string   `json:"display_url"`
	Indices  indices  `json:"indices"`
	Unwound  *unwound `json:"unwound"`
}

type unwound struct {
	URL         string `json:"url"`
	Status      figure `json:"status"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

type userEntity struct {
	ID         ident   `json:"id"`
	IDStr      ident   `json:"id_str"`
	ScreenName string  `json:"screen_name"`
	Name       string  `json:"name"`
	Indices    indices `json:"indices"`
}

type mediaEntity struct {
	urlEntity
	ID         ident     `json:"id"`
	IDStr      ident     `json:"id_str"`
	Type       string    `json:"type"`
	MediaURL   string    `json:"media_url"`
	MediaHTTPS string    `json:"media_url_https"`
	AltText    string    `json:"ext_alt_text"`
	Sizes      mediaSize `json:"sizes"`
	Original   *struct {
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
	Coordinates numbers `json:"coordinates"`
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
