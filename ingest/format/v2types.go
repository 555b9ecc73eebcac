package format

import (
	"bytes"

	"github.com/goccy/go-json"

	"birdwatch/tweet"
)

// list is an array as programs write one: R makes {} of an empty one, and a value alone of one that has one.
type list[T any] []T

// UnmarshalJSON takes null, {} and "" for no elements.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	switch b = bytes.TrimSpace(b); {
	case len(b) == 0, b[0] == 'n', string(b) == `""`:
		return nil
	case b[0] == '[':
		return json.Unmarshal(b, (*[]T)(l))
	case b[0] == '{' && len(bytes.TrimSpace(b[1:len(b)-1])) == 0:
		return nil
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*l = list[T]{one}
	return nil
}

// v2Tweet is a tweet of the v2 API; the fields behind the blank line are those that twarc2 puts in when it flattens.
type v2Tweet struct {
	ID               ident               `json:"id"`
	Text             *string             `json:"text"`
	EditHistory      list[ident]         `json:"edit_history_tweet_ids"`
	AuthorID         ident               `json:"author_id"`
	CreatedAt        string              `json:"created_at"`
	ConversationID   ident               `json:"conversation_id"`
	ReplyToUserID    ident               `json:"in_reply_to_user_id"`
	Referenced       list[v2Reference]   `json:"referenced_tweets"`
	Attachments      *v2Attachments      `json:"attachments"`
	Entities         *v2Entities         `json:"entities"`
	Context          list[tweet.Context] `json:"context_annotations"`
	Geo              *v2Geo              `json:"geo"`
	Lang             string              `json:"lang"`
	Sensitive        bool                `json:"possibly_sensitive"`
	Metrics          *v2TweetMetrics     `json:"public_metrics"`
	Note             *v2Note             `json:"note_tweet"`
	EditControls     *v2EditControls     `json:"edit_controls"`
	Withheld         *v2Withheld         `json:"withheld"`
	Source           string              `json:"source"`
	ReplySettings    string              `json:"reply_settings"`
	DisplayTextRange list[int]           `json:"display_text_range"`
	CommunityID      string              `json:"community_id"`
	CardURI          string              `json:"card_uri"`
	Scopes           *tweet.Scopes       `json:"scopes"`

	Author      *v2User `json:"author"`
	ReplyToUser *v2User `json:"in_reply_to_user"`
	Twarc       twarc   `json:"__twarc"`
}

// twarc is what twarc2 notes about a request.
type twarc struct {
	RetrievedAt string `json:"retrieved_at"`
}

// v2Reference is an entry of referenced_tweets; flattened, the tweet itself stands in it.
type v2Reference struct {
	Type string `json:"type"`
	v2Tweet
}

type v2Attachments struct {
	MediaKeys     list[string] `json:"media_keys"`
	PollIDs       list[string] `json:"poll_ids"`
	SourceTweetID list[ident]  `json:"media_source_tweet_id"`

	Media list[tweet.Media] `json:"media"`
	Poll  *tweet.Poll       `json:"poll"`
}

type v2Entities struct {
	URLs        list[v2URL]            `json:"urls"`
	Hashtags    list[tweet.Tag]        `json:"hashtags"`
	Cashtags    list[tweet.Tag]        `json:"cashtags"`
	Mentions    list[v2Mention]        `json:"mentions"`
	Annotations list[tweet.Annotation] `json:"annotations"`
}

type v2URL struct {
	tweet.URL
	Images list[tweet.URLImage] `json:"images"`
}

type v2Mention struct {
	Start int `json:"start"`
	End   int `json:"end"`
	v2User
}

// v2Geo is a tweet's place; flattened, the place itself stands in it.
type v2Geo struct {
	PlaceID     string `json:"place_id"`
	Coordinates *struct {
		Type        string  `json:"type"`
		Coordinates numbers `json:"coordinates"`
	} `json:"coordinates"`

	v2Place
}

type v2Place struct {
	ID          string `json:"id"`
	FullName    string `json:"full_name"`
	Name        string `json:"name"`
	Country     string `json:"country"`
	CountryCode string `json:"country_code"`
	PlaceType   string `json:"place_type"`
	Geo         *struct {
		Type string  `json:"type"`
		BBox numbers `json:"bbox"`
	} `json:"geo"`
	ContainedWithin list[string] `json:"contained_within"`
}

type v2TweetMetrics struct {
	Retweets    figure `json:"retweet_count"`
	Reposts     figure `json:"repost_count"`
	Replies     figure `json:"reply_count"`
	Likes       figure `json:"like_count"`
	Quotes      figure `json:"quote_count"`
	Bookmarks   figure `json:"bookmark_count"`
	Impressions figure `json:"impression_count"`
}

type v2Note struct {
	Text     string      `json:"text"`
	Entities *v2Entities `json:"entities"`
}

type v2EditControls struct {
	Until     string `json:"editable_until"`
	Remaining figure `json:"edits_remaining"`
	Eligible  bool   `json:"is_edit_eligible"`
}

type v2Withheld struct {
	Copyright bool         `json:"copyright"`
	Countries list[string] `json:"country_codes"`
	Scope     string       `json:"scope"`
}

type v2User struct {
	ID              ident           `json:"id"`
	Name            string          `json:"name"`
	Username        string          `json:"username"`
	CreatedAt       string          `json:"created_at"`
	Description     string          `json:"description"`
	Location        string          `json:"location"`
	URL             string          `json:"url"`
	Verified        bool            `json:"verified"`
	VerifiedType    string          `json:"verified_type"`
	Protected       bool            `json:"protected"`
	ProfileImageURL string          `json:"profile_image_url"`
	Metrics         *v2UserMetrics  `json:"public_metrics"`
	Pinned          ident           `json:"pinned_tweet_id"`
	Withheld        *v2Withheld     `json:"withheld"`
	Entities        *v2UserEntities `json:"entities"`
	ProfileBanner   string          `json:"profile_banner_url"`
	Subscription    string          `json:"subscription_type"`
}

type v2UserEntities struct {
	URL         *v2Entities `json:"url"`
	Description *v2Entities `json:"description"`
}

type v2UserMetrics struct {
	Followers figure `json:"followers_count"`
	Following figure `json:"following_count"`
	Tweets    figure `json:"tweet_count"`
	Posts     figure `json:"post_count"`
	Listed    figure `json:"listed_count"`
	Likes     figure `json:"like_count"`
	Media     figure `json:"media_count"`
}
