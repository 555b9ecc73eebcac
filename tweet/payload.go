package tweet

// Payload is a tweet in the normal form of the archive: the X API v2 object
// with everything that it refers to and that came with it. Its JSON (Encode) is
// canonical: equal payloads have equal bytes.
type Payload struct {
	Data     Tweet     `json:"data"`
	Includes *Includes `json:"includes,omitempty"`
}

// Includes holds what a tweet refers to. The first user is the author. Each
// list is in the order of first reference and names no id twice.
type Includes struct {
	Users  []User  `json:"users,omitempty"`
	Tweets []Tweet `json:"tweets,omitempty"`
	Media  []Media `json:"media,omitempty"`
	Places []Place `json:"places,omitempty"`
	Polls  []Poll  `json:"polls,omitempty"`
}

// Tweet has the fields of X's tweet object; absent is the zero value. See
// https://docs.x.com/x-api/fundamentals/data-dictionary
type Tweet struct {
	ID ID `json:"id,string"`
	// Text is as X delivers it: &amp; &lt; &gt; are not resolved, a retweet
	// begins with "RT @name: ". Positions in Entities are code points of it.
	Text                string        `json:"text"`
	EditHistoryTweetIDs []string      `json:"edit_history_tweet_ids,omitempty"`
	AuthorID            ID            `json:"author_id,string,omitempty"`
	CreatedAt           string        `json:"created_at,omitempty"` // RFC 3339, milliseconds, Z
	ConversationID      ID            `json:"conversation_id,string,omitempty"`
	InReplyToUserID     ID            `json:"in_reply_to_user_id,string,omitempty"`
	ReferencedTweets    []Reference   `json:"referenced_tweets,omitempty"`
	Attachments         *Attachments  `json:"attachments,omitempty"`
	Entities            *Entities     `json:"entities,omitempty"`
	ContextAnnotations  []Context     `json:"context_annotations,omitempty"`
	Geo                 *Geo          `json:"geo,omitempty"`
	Lang                string        `json:"lang,omitempty"`
	PossiblySensitive   bool          `json:"possibly_sensitive,omitempty"`
	PublicMetrics       *TweetMetrics `json:"public_metrics,omitempty"`
	NoteTweet           *NoteTweet    `json:"note_tweet,omitempty"`
	EditControls        *EditControls `json:"edit_controls,omitempty"`
	Withheld            *Withheld     `json:"withheld,omitempty"`
	Source              string        `json:"source,omitempty"` // the app's name, HTML stripped
	ReplySettings       string        `json:"reply_settings,omitempty"`
	DisplayTextRange    []int         `json:"display_text_range,omitempty"`
	CommunityID         string        `json:"community_id,omitempty"`
	CardURI             string        `json:"card_uri,omitempty"`
	Scopes              *Scopes       `json:"scopes,omitempty"`
}

// Scopes says to whom a tweet was shown.
type Scopes struct {
	Followers bool `json:"followers"`
}

// Reference is one entry of referenced_tweets; Type is replied_to, quoted or retweeted.
type Reference struct {
	Type string `json:"type"`
	ID   ID     `json:"id,string"`
}

// Attachments names media and polls of Includes.
type Attachments struct {
	MediaKeys     []string `json:"media_keys,omitempty"`
	PollIDs       []string `json:"poll_ids,omitempty"`
	SourceTweetID []string `json:"media_source_tweet_id,omitempty"`
}

// Entities are the marked parts of a text; Start and End are code points, [start, end).
type Entities struct {
	URLs        []URL        `json:"urls,omitempty"`
	Hashtags    []Tag        `json:"hashtags,omitempty"`
	Cashtags    []Tag        `json:"cashtags,omitempty"`
	Mentions    []Mention    `json:"mentions,omitempty"`
	Annotations []Annotation `json:"annotations,omitempty"`
}

// URL is a link; a link to the tweet's own media has MediaKey.
type URL struct {
	Start       int        `json:"start"`
	End         int        `json:"end"`
	URL         string     `json:"url"`
	ExpandedURL string     `json:"expanded_url,omitempty"`
	DisplayURL  string     `json:"display_url,omitempty"`
	UnwoundURL  string     `json:"unwound_url,omitempty"`
	MediaKey    string     `json:"media_key,omitempty"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Status      int        `json:"status,omitempty"`
	Images      []URLImage `json:"images,omitempty"`
}

// URLImage is a preview picture of a link.
type URLImage struct {
	URL    string `json:"url"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
}

// Tag is a hashtag or a cashtag, without its sign, in the writer's case.
type Tag struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Tag   string `json:"tag"`
}

// Mention is a user named in the text.
type Mention struct {
	Start    int    `json:"start"`
	End      int    `json:"end"`
	Username string `json:"username"`
	ID       ID     `json:"id,string,omitempty"`
}

// Annotation is a thing that X recognised in the text.
type Annotation struct {
	Start          int     `json:"start"`
	End            int     `json:"end"`
	Probability    float64 `json:"probability,omitempty"`
	Type           string  `json:"type,omitempty"`
	NormalizedText string  `json:"normalized_text,omitempty"`
}

// Context is one of context_annotations.
type Context struct {
	Domain ContextPart `json:"domain"`
	Entity ContextPart `json:"entity"`
}

// ContextPart is the domain or the entity of a Context.
type ContextPart struct {
	ID          string `json:"id"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
}

// Geo says where a tweet was sent from.
type Geo struct {
	PlaceID     string `json:"place_id,omitempty"`
	Coordinates *Point `json:"coordinates,omitempty"`
}

// Point is a GeoJSON point: longitude, latitude.
type Point struct {
	Type        string     `json:"type"`
	Coordinates [2]float64 `json:"coordinates"`
}

// TweetMetrics are the figures of a tweet. In a retweet they are those of the
// tweet that it repeats.
type TweetMetrics struct {
	RetweetCount    int64 `json:"retweet_count"`
	ReplyCount      int64 `json:"reply_count"`
	LikeCount       int64 `json:"like_count"`
	QuoteCount      int64 `json:"quote_count"`
	BookmarkCount   int64 `json:"bookmark_count,omitempty"`
	ImpressionCount int64 `json:"impression_count,omitempty"`
}

// NoteTweet is the whole of a text longer than 280 characters.
type NoteTweet struct {
	Text     string    `json:"text"`
	Entities *Entities `json:"entities,omitempty"`
}

// EditControls says until when a tweet could be edited.
type EditControls struct {
	EditableUntil  string `json:"editable_until,omitempty"`
	EditsRemaining int    `json:"edits_remaining,omitempty"`
	IsEditEligible bool   `json:"is_edit_eligible,omitempty"`
}

// Withheld says where a tweet or a user must not be shown.
type Withheld struct {
	Copyright    bool     `json:"copyright,omitempty"`
	CountryCodes []string `json:"country_codes,omitempty"`
	Scope        string   `json:"scope,omitempty"`
}

// User is the author of a tweet, or one whom it mentions.
type User struct {
	ID               ID            `json:"id,string,omitempty"`
	Name             string        `json:"name,omitempty"`
	Username         string        `json:"username"`
	CreatedAt        string        `json:"created_at,omitempty"`
	Description      string        `json:"description,omitempty"`
	Location         string        `json:"location,omitempty"`
	URL              string        `json:"url,omitempty"`
	Verified         bool          `json:"verified,omitempty"`
	VerifiedType     string        `json:"verified_type,omitempty"`
	Protected        bool          `json:"protected,omitempty"`
	ProfileImageURL  string        `json:"profile_image_url,omitempty"`
	PublicMetrics    *UserMetrics  `json:"public_metrics,omitempty"`
	PinnedTweetID    ID            `json:"pinned_tweet_id,string,omitempty"`
	Withheld         *Withheld     `json:"withheld,omitempty"`
	Entities         *UserEntities `json:"entities,omitempty"`
	ProfileBannerURL string        `json:"profile_banner_url,omitempty"`
	SubscriptionType string        `json:"subscription_type,omitempty"`
}

// UserEntities are the marked parts of a user's link and description.
type UserEntities struct {
	URL         *Entities `json:"url,omitempty"`
	Description *Entities `json:"description,omitempty"`
}

// UserMetrics are the figures of a user.
type UserMetrics struct {
	FollowersCount int64 `json:"followers_count"`
	FollowingCount int64 `json:"following_count"`
	TweetCount     int64 `json:"tweet_count"`
	ListedCount    int64 `json:"listed_count"`
	LikeCount      int64 `json:"like_count,omitempty"`
	MediaCount     int64 `json:"media_count,omitempty"`
}

// Media is a photo, video or animated_gif.
type Media struct {
	MediaKey        string        `json:"media_key"`
	Type            string        `json:"type"`
	URL             string        `json:"url,omitempty"`
	PreviewImageURL string        `json:"preview_image_url,omitempty"`
	AltText         string        `json:"alt_text,omitempty"`
	Width           int           `json:"width,omitempty"`
	Height          int           `json:"height,omitempty"`
	DurationMS      int           `json:"duration_ms,omitempty"`
	Variants        []Variant     `json:"variants,omitempty"`
	PublicMetrics   *MediaMetrics `json:"public_metrics,omitempty"`
}

// MediaMetrics are the figures of a video.
type MediaMetrics struct {
	ViewCount int64 `json:"view_count"`
}

// Variant is one encoding of a video.
type Variant struct {
	BitRate     int    `json:"bit_rate,omitempty"`
	ContentType string `json:"content_type"`
	URL         string `json:"url"`
}

// Place is a named place.
type Place struct {
	ID              string    `json:"id"`
	FullName        string    `json:"full_name"`
	Name            string    `json:"name,omitempty"`
	Country         string    `json:"country,omitempty"`
	CountryCode     string    `json:"country_code,omitempty"`
	PlaceType       string    `json:"place_type,omitempty"`
	Geo             *PlaceGeo `json:"geo,omitempty"`
	ContainedWithin []string  `json:"contained_within,omitempty"`
}

// PlaceGeo is the place's box: west, south, east, north.
type PlaceGeo struct {
	Type string     `json:"type"`
	BBox [4]float64 `json:"bbox"`
}

// Poll is a poll attached to a tweet.
type Poll struct {
	ID              string       `json:"id"`
	Options         []PollOption `json:"options,omitempty"`
	DurationMinutes int          `json:"duration_minutes,omitempty"`
	EndDatetime     string       `json:"end_datetime,omitempty"`
	VotingStatus    string       `json:"voting_status,omitempty"`
}

// PollOption is one answer of a poll.
type PollOption struct {
	Position int    `json:"position"`
	Label    string `json:"label"`
	Votes    int    `json:"votes"`
}
