package api

import (
	"slices"
	"strings"
)

// The kinds of object that an answer is made of, in the order of includes.
const (
	users = iota
	tweets
	media
	places
	polls
	numKinds
)

// kindOf is what is known of a kind of object: its name in includes, its parameter, the field that names it, the fields
// that are sent unasked, and all that may be asked for. The lists are X's, with matches and provenance, since X's clients ask for all of them; what no
// payload has is absent from the answers.
type kindOf struct {
	include, parameter, key string
	unasked, all            []string
}

var kinds = [numKinds]kindOf{
	users: {"users", "user.fields", "id", []string{"id", "name", "username"}, []string{"affiliation", "connection_status", "created_at",
		"description", "entities", "id", "is_identity_verified", "location", "most_recent_tweet_id", "name", "parody", "pinned_tweet_id", "profile_banner_url",
		"profile_image_url", "protected", "public_metrics", "receives_your_dm", "subscription", "subscription_type", "url", "username", "verified",
		"verified_followers_count", "verified_type", "withheld"}},
	tweets: {"tweets", "tweet.fields", "id", []string{"id", "text", "edit_history_tweet_ids"}, []string{"article", "attachments",
		"author_id", "card_uri", "community_id", "context_annotations", "conversation_id", "created_at", "display_text_range", "edit_controls",
		"edit_history_tweet_ids", "entities", "geo", "id", "in_reply_to_user_id", "lang", matchesField, "media_metadata", "non_public_metrics", "note_tweet",
		"organic_metrics", "possibly_sensitive", "promoted_metrics", provenanceField, "public_metrics", "referenced_tweets", "reply_settings", "scopes", "source",
		"suggested_source_links", "text", "withheld"}},
	media: {"media", "media.fields", "media_key", []string{"media_key", "type"}, []string{"alt_text", "duration_ms", "height", "media_key",
		"non_public_metrics", "organic_metrics", "preview_image_url", "promoted_metrics", "public_metrics", "type", "url", "variants", "width"}},
	places: {"places", "place.fields", "id", []string{"id", "full_name"}, []string{"contained_within", "country", "country_code",
		"full_name", "geo", "id", "name", "place_type"}},
	polls: {"polls", "poll.fields", "id", []string{"id", "options"}, []string{"duration_minutes", "end_datetime", "id", "options", "voting_status"}},
}

// expansion is what may be added to includes.
type expansion uint8

const (
	expandAuthor expansion = 1 << iota
	expandReferenced
	expandReferencedAuthor
	expandReplied
	expandMentions
	expandMedia
	expandPolls
	expandPlace
)

// expansions are X's names; each brings the tweet's field that holds the reference with it, as X does.
var expansions = []struct {
	name, field string
	set         expansion
}{
	{"attachments.media_keys", "attachments", expandMedia},
	{"attachments.poll_ids", "attachments", expandPolls},
	{"attachments.media_source_tweet", "attachments", 0},
	{"author_id", "author_id", expandAuthor},
	{"edit_history_tweet_ids", "edit_history_tweet_ids", 0}, // former states are not kept as tweets
	{"entities.mentions.username", "entities", expandMentions},
	{"geo.place_id", "geo", expandPlace},
	{"in_reply_to_user_id", "in_reply_to_user_id", expandReplied},
	{"referenced_tweets.id", "referenced_tweets", expandReferenced},
	{"referenced_tweets.id.author_id", "referenced_tweets", expandReferenced | expandReferencedAuthor},
}

// fieldParameters are the parameters that select fields.
var fieldParameters = []string{"tweet.fields", "expansions", "user.fields", "media.fields", "place.fields", "poll.fields"}

// selection says what of a payload is sent.
type selection struct {
	fields [numKinds]map[string]bool
	expand expansion
	key    string // equal for equal selections
}

// selectFields reads the field parameters.
func selectFields(p params) (*selection, error) {
	s := &selection{}
	for i, k := range kinds {
		s.fields[i] = map[string]bool{}
		for _, f := range k.unasked {
			s.fields[i][f] = true
		}
		for _, f := range list(p.get(k.parameter)) {
			if !slices.Contains(k.all, f) {
				return nil, invalid(k.parameter, f, "The value [%s] of [%s] is not one of: %s.", clean(f, 100), k.parameter, strings.Join(k.all, ", "))
			}
			s.fields[i][f] = true
		}
	}
	for _, name := range list(p.get("expansions")) {
		if err := s.addExpansion(name); err != nil {
			return nil, err
		}
	}
	s.key = s.makeKey()
	return s, nil
}

func (s *selection) addExpansion(name string) error {
	names := make([]string, len(expansions))
	for i, e := range expansions {
		if e.name == name {
			s.expand |= e.set
			s.fields[tweets][e.field] = true
			return nil
		}
		names[i] = e.name
	}
	return invalid("expansions", name, "The value [%s] of [expansions] is not one of: %s.", clean(name, 100), strings.Join(names, ", "))
}

func (s *selection) makeKey() string {
	key := []byte{byte(s.expand)}
	for i, k := range kinds {
		for _, f := range k.all {
			on := byte('-')
			if s.fields[i][f] {
				on = '+'
			}
			key = append(key, on)
		}
	}
	return string(key)
}

// list splits a comma list; an empty one has no members.
func list(v string) []string {
	if v == "" {
		return nil
	}
	return strings.Split(v, ",")
}
