package querytest

import (
	"fmt"
	"strconv"
	"strings"

	"birdwatch/tweet"
)

// payloadOf makes the payload of a draft as the archive stores it.
func (r *reader) payloadOf(d *draft) (*tweet.Payload, error) {
	if d.payload != "" {
		return tweet.Decode([]byte(r.resolve(d.payload)))
	}
	p, err := r.assemble(d, true)
	if err != nil {
		return nil, err
	}
	b, err := tweet.Encode(p)
	if err != nil {
		return nil, err
	}
	return tweet.Decode(b)
}

// assemble makes a payload; references says whether the tweets that it refers to come with it.
func (r *reader) assemble(d *draft, references bool) (*tweet.Payload, error) {
	n, err := strconv.ParseInt(d.number, 10, 64)
	if err != nil {
		return nil, err
	}
	at, err := d.at(n)
	if err != nil {
		return nil, err
	}
	b := &builder{reader: r, references: references, p: &tweet.Payload{Includes: &tweet.Includes{Users: []tweet.User{*d.author}}}}
	b.p.Data = tweet.Tweet{ID: d.id, Text: d.text, AuthorID: d.author.ID, CreatedAt: at.UTC().Format(tweet.TimeLayout), Lang: d.lang}
	if d.lang == "-" {
		b.p.Data.Lang = ""
	}
	for _, a := range d.attributes {
		if err := b.set(a.name, r.resolve(a.value)); err != nil {
			r.line = a.line
			return nil, err
		}
	}
	return b.p, nil
}

type builder struct {
	*reader
	references bool
	p          *tweet.Payload
}

func (b *builder) set(name, value string) error {
	d := &b.p.Data
	switch name {
	case "at":
	case "reply":
		return b.reply(value)
	case "quote", "retweet":
		return b.refer(name, value)
	case "sensitive":
		d.PossiblySensitive = true
	case "edited":
		d.EditHistoryTweetIDs = []string{"1", d.ID.String()}
	case "withheld":
		d.Withheld = &tweet.Withheld{CountryCodes: strings.Fields(value)}
	case "source":
		d.Source = value
	case "note":
		d.NoteTweet = &tweet.NoteTweet{Text: value}
	case "conversation":
		id, err := b.id(value)
		d.ConversationID = id
		return err
	case "media", "poll":
		return b.attach(name, value)
	case "geo", "place":
		return b.locate(name, value)
	case "box":
		return b.box(value)
	case "context":
		return b.context(value)
	case "url", "title", "description", "hashtag", "cashtag", "mention", "annotation":
		return b.mark(name, value)
	default:
		return b.count(name, value)
	}
	return nil
}

func (b *builder) id(number string) (tweet.ID, error) {
	if d := b.tweets[number]; d != nil {
		return d.id, nil
	}
	return tweet.ParseID(number)
}

func (b *builder) include(u *tweet.User) {
	if b.p.User(u.ID) == nil {
		b.p.Includes.Users = append(b.p.Includes.Users, *u)
	}
}

func (b *builder) reply(value string) error {
	for word := range strings.FieldsSeq(value) {
		if strings.HasPrefix(word, "@") {
			u := b.named(word)
			b.p.Data.InReplyToUserID = u.ID
			b.include(u)
			continue
		}
		id, err := b.id(word)
		if err != nil {
			return err
		}
		b.p.Data.ReferencedTweets = append(b.p.Data.ReferencedTweets, tweet.Reference{Type: "replied_to", ID: id})
	}
	return nil
}

// refer adds the reference and, unless it is to stand alone, the tweet with its own includes.
func (b *builder) refer(name, value string) error {
	number, alone, _ := strings.Cut(value, " ")
	id, err := b.id(number)
	if err != nil {
		return err
	}
	typ := map[string]string{"quote": "quoted", "retweet": "retweeted"}[name]
	b.p.Data.ReferencedTweets = append(b.p.Data.ReferencedTweets, tweet.Reference{Type: typ, ID: id})
	other := b.tweets[number]
	if other == nil {
		return nil
	}
	p, err := b.assemble(other, false)
	if err != nil {
		return err
	}
	if name == "retweet" && b.p.Data.Text == "" {
		text := []rune("RT @" + other.author.Username + ": " + p.Data.Text)
		if len(text) > 140 {
			text = append(text[:139], '…')
		}
		b.p.Data.Text = string(text)
	}
	if alone == "alone" || !b.references {
		return nil
	}
	in := b.p.Includes
	in.Tweets = append(in.Tweets, p.Data)
	for i := range p.Includes.Users {
		b.include(&p.Includes.Users[i])
	}
	in.Media = append(in.Media, p.Includes.Media...)
	in.Places = append(in.Places, p.Includes.Places...)
	in.Polls = append(in.Polls, p.Includes.Polls...)
	return nil
}

func (b *builder) attach(name, value string) error {
	d, in := &b.p.Data, b.p.Includes
	if d.Attachments == nil {
		d.Attachments = new(tweet.Attachments)
	}
	if name == "poll" {
		id := fmt.Sprintf("%d", 900+len(in.Polls))
		d.Attachments.PollIDs = append(d.Attachments.PollIDs, id)
		in.Polls = append(in.Polls, tweet.Poll{ID: id})
		return nil
	}
	typ, link, _ := strings.Cut(value, " ")
	key := fmt.Sprintf("3_%d%d", d.ID, len(in.Media))
	d.Attachments.MediaKeys = append(d.Attachments.MediaKeys, key)
	in.Media = append(in.Media, tweet.Media{MediaKey: key, Type: typ})
	if link != "" {
		u := tweet.URL{URL: link, MediaKey: key, ExpandedURL: "https://twitter.com/x/status/1/photo/1", DisplayURL: "pic.twitter.com/x"}
		u.Start, u.End = b.span(link)
		b.entities().URLs = append(b.entities().URLs, u)
	}
	return nil
}

func (b *builder) locate(name, value string) error {
	d := &b.p.Data
	if d.Geo == nil {
		d.Geo = new(tweet.Geo)
	}
	parts := strings.SplitN(value, " ", 3)
	if name == "geo" {
		d.Geo.Coordinates = &tweet.Point{Type: "Point"}
		for i := range 2 {
			f, err := strconv.ParseFloat(parts[i], 64)
			if err != nil {
				return err
			}
			d.Geo.Coordinates.Coordinates[i] = f
		}
		return nil
	}
	if len(parts) < 3 {
		return fmt.Errorf("a place is: id country name")
	}
	d.Geo.PlaceID = parts[0]
	short, _, _ := strings.Cut(parts[2], ",")
	b.p.Includes.Places = append(b.p.Includes.Places, tweet.Place{ID: parts[0], CountryCode: parts[1], FullName: parts[2], Name: short})
	return nil
}

// box is that of the place before it.
func (b *builder) box(value string) error {
	places, parts := b.p.Includes.Places, strings.Fields(value)
	if len(places) == 0 || len(parts) != 4 {
		return fmt.Errorf("a box is: west south east north, after a place")
	}
	geo := &tweet.PlaceGeo{Type: "Feature"}
	for i, p := range parts {
		f, err := strconv.ParseFloat(p, 64)
		if err != nil {
			return err
		}
		geo.BBox[i] = f
	}
	places[len(places)-1].Geo = geo
	return nil
}

func (b *builder) context(value string) error {
	pair, name, _ := strings.Cut(value, " ")
	domain, entity, ok := strings.Cut(pair, ".")
	if !ok {
		return fmt.Errorf("a context is: domain.entity name")
	}
	d := &b.p.Data
	d.ContextAnnotations = append(d.ContextAnnotations, tweet.Context{Domain: tweet.ContextPart{ID: domain}, Entity: tweet.ContextPart{ID: entity, Name: name}})
	return nil
}
