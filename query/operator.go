package query

import (
	"iter"
	"slices"
	"strings"

	"birdwatch/tweet"
)

// Kind says what values an operator takes.
type Kind string

// The kinds.
const (
	KindEntity Kind = "entity" // a tag or a name after its sign
	KindUser   Kind = "user"   // a handle, with @ or without, or a numeric id
	KindID     Kind = "id"     // a tweet's id
	KindWords  Kind = "words"  // words, in quotes when they are several
	KindURL    Kind = "url"    // a URL or a part of one
	KindName   Kind = "name"   // one exact value, without regard to case
	KindChoice Kind = "choice" // one of Values
	KindNumber Kind = "number" // N for at least N, A..B for both inclusive
	KindTime   Kind = "time"   // an instant, or how long before now
	KindPoint  Kind = "point"  // a point on the globe with a distance
	KindBox    Kind = "box"    // the four sides of a box on the globe
)

// Operator is one row of the table of operators, of which parser, analysis, help
// page, completion and tests are made. A new operator is a new row.
type Operator struct {
	Name    string   `json:"name"` // a sign for entities, else what stands before the colon
	Aliases []string `json:"aliases,omitempty"`
	Kind    Kind     `json:"kind"`
	Doc     string   `json:"doc"` // what it matches, one clause
	Example string   `json:"example"`
	// Values are all that a KindChoice takes, without their aliases.
	Values []string `json:"values,omitempty"`
	// Prefix is the first character of the operator's terms in tweet.Terms; 0 for those that have none of their own.
	Prefix rune `json:"-"`

	parse func(*parser, *Operator, value) Expr // makes a leaf of a value, or fails
	yield func(*Target, *Operator)             // adds a tweet's values to the target; nil for none
	print func(*Operator, between) string      // writes a range that parse makes; "" for those of other rows
}

// Private-use characters begin the terms of fields, and stand in no query.
const (
	firstPrivate = '\uE000'
	lastPrivate  = '\uF8FF'
)

// The prefixes of terms. They are stored in every index: one that is given is never given another meaning.
const (
	prefixAll            = '\uE000' // AllTerm
	prefixFrom           = '\uE001'
	prefixTo             = '\uE002'
	prefixRetweetsOf     = '\uE003'
	prefixQuotesOf       = '\uE004'
	prefixMention        = '\uE005'
	prefixHashtag        = '\uE006'
	prefixCashtag        = '\uE007'
	prefixConversation   = '\uE008'
	prefixReplyTo        = '\uE009'
	prefixRetweetOf      = '\uE00A'
	prefixQuoteOf        = '\uE00B'
	prefixURL            = '\uE00C'
	prefixURLTitle       = '\uE00D'
	prefixURLDescription = '\uE00E'
	prefixBio            = '\uE00F'
	prefixBioName        = '\uE010'
	prefixBioLocation    = '\uE011'
	prefixPlace          = '\uE012'
	prefixPlaceCountry   = '\uE013'
	prefixLang           = '\uE014'
	prefixSource         = '\uE015'
	prefixIs             = '\uE016'
	prefixHas            = '\uE017'
	prefixURLContains    = '\uE018'
	prefixContext        = '\uE019'
	prefixEntity         = '\uE01A'

	prefixes = iota // how many there are
)

// AllTerm is the term that every row of an index may carry, so that a negation alone has something to take away
// from. No Target has it: the engine adds it.
const AllTerm = string(prefixAll)

// GeoTerm is a term of every tweet that a Circle holds, or whose Longitude and Latitude are a place: has:geo.
const GeoTerm = string(prefixHas) + "geo"

// Operators is the table, for help, completion and tests. The rows are copies.
func Operators() []Operator { return slices.Clone(operators) }

var (
	operators []Operator
	named     map[string]*Operator // by name and alias
	yielding  []*Operator          // those that add terms
)

// The table is put together here since its functions refer to it.
func init() {
	operators = slices.Concat(entityRows, userRows, idRows, wordRows, stateRows, figureRows, timeRows, geoRows, moreRows, filterRows)
	named = make(map[string]*Operator, 2*len(operators))
	for i := range operators {
		o := &operators[i]
		if o.yield != nil {
			yielding = append(yielding, o)
		}
		for _, name := range append([]string{o.Name}, o.Aliases...) {
			if named[name] != nil {
				panic("query: two operators are named " + name)
			}
			named[name] = o
		}
	}
}

// operatorNames are all that may stand before a colon, those of the table only, in its order.
var operatorNames iter.Seq[string] = func(yield func(string) bool) {
	for i := range operators {
		o := &operators[i]
		if o.Kind == KindEntity {
			continue
		}
		for _, name := range append([]string{o.Name}, o.Aliases...) {
			if !yield(name) {
				return
			}
		}
	}
}

// refusal is a name that is known and not offered.
type refusal struct {
	names []string // one that ends in * is the beginning of a family of names
	text  string   // what is said of it, after its name
	hint  string
}

var refusals = []refusal{
	{[]string{"list", "list_id"}, "needs lists that only X has", "name the accounts: (from:ada OR from:bob)"},
	{[]string{"near"}, "needs a gazetteer", "use point_radius:[longitude latitude 25km] or place:"},
	{[]string{"embedding"}, "needs X's own model of meaning", "use words and OR"},
	{[]string{"profile_*"}, "needs X's own places of profiles", "use bio_location:"},
	{[]string{"card_*"}, "is about cards, which no payload has any more", "use url:, url_title: or has:links"},
}

func (r *refusal) message(name string) string { return excerpt(name) + ": " + r.text }

// refused finds what is said of a name that is not offered; nil for none.
func refused(name string) *refusal {
	for i := range refusals {
		for _, n := range refusals[i].names {
			family, isFamily := strings.CutSuffix(n, "*")
			if n == name || isFamily && strings.HasPrefix(name, family) {
				return &refusals[i]
			}
		}
	}
	return nil
}

// one is the leaf of a term of the operator's own.
func one(o *Operator, text string) Expr {
	folded := tweet.FoldTerm(text)
	return term{o.Name + ":" + valueText(shownValue(text, folded)), string(o.Prefix) + folded}
}

// shownValue is how a folded value is written: as it is, where that folds to itself, else as it was given.
func shownValue(text, folded string) string {
	shown := blanks.Replace(folded)
	if len(shown) > len(text) || !simple(text) && tweet.FoldTerm(shown) != folded {
		return text
	}
	return shown
}

// blanks puts back the blanks that tweet.FoldTerm replaces.
var blanks = strings.NewReplacer("\uF8FE", " ")
