package elastic

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"sync"
	"unicode/utf8"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// figureNames are the fields of the figures; the tweet's id is there whatever it is.
var figureNames = [query.NumFigures]string{
	query.CreatedAt: "created_at", query.TweetID: "id", query.Followers: "followers", query.Following: "following", query.Tweets: "tweets",
	query.Listed: "listed", query.Likes: "likes", query.Reposts: "reposts", query.Replies: "replies", query.Quotes: "quotes", query.Sample: "sample",
	query.Longitude: "longitude", query.Latitude: "latitude", query.Relevancy: "relevancy",
}

// figureTypes are Elasticsearch's types of those fields.
var figureTypes = func() map[string]string {
	types := map[string]string{}
	for _, name := range figureNames {
		types[name] = "long"
	}
	types["sample"] = "byte"
	for _, name := range []string{"longitude", "latitude"} {
		types[name] = "integer"
	}
	return types
}()

// sourceFields are those that a document is made of again: source.
const sourceFields = `["id","first_seq","at","body_at","flags","frame"]`

// source is what is read of a document's _source.
type source struct {
	ID       tweet.ID  `json:"id"`
	FirstSeq tweet.Seq `json:"first_seq"`
	At       int64     `json:"at"`
	BodyAt   int64     `json:"body_at"`
	Flags    int       `json:"flags"`
	Frame    []byte    `json:"frame"`
}

// document makes the document again.
func (s *source) document() (*tweet.Document, error) {
	d := &tweet.Document{ID: s.ID, FirstSeq: s.FirstSeq, At: s.At, BodyAt: s.BodyAt}
	search.SetFlags(d, s.Flags)
	if d.ID <= 0 {
		return nil, fmt.Errorf("a document without an id is in the index: it was not written by birdwatch")
	}
	if d.Tombstone {
		return d, nil
	}
	c, err := tweet.Unpack(s.Frame)
	if err != nil {
		return nil, fmt.Errorf("tweet %d: %w", s.ID, err)
	}
	d.Payload, d.Raw, d.Figures, d.Provenance = c.Payload, c.Raw, c.Figures, c.Provenance
	return d, nil
}

var targets = sync.Pool{New: func() any { return new(query.Target) }}

// appendHead begins a document's JSON; appendContent, or for a tombstone '}' alone, ends it. The head depends on the moment of
// writing, the content on the sighting alone.
func appendHead(dst []byte, d *tweet.Document, hidden []string) []byte {
	dst = appendNumber(append(dst, `{"id":`...), int64(d.ID))
	dst = appendNumber(append(dst, `,"first_seq":`...), int64(d.FirstSeq))
	dst = appendNumber(append(dst, `,"at":`...), d.At)
	return appendList(appendNumber(append(dst, `,"flags":`...), int64(search.Flags(d))), hiddenField, hidden)
}

// appendContent appends the rest of a document with content. p and frame are the content decoded and packed, where they are at hand.
func appendContent(dst []byte, d *tweet.Document, p *tweet.Payload, frame []byte) ([]byte, error) {
	var err error
	if p == nil {
		if p, err = tweet.Decode(d.Payload); err != nil {
			return dst, err
		}
	}
	if p.Data.ID != d.ID {
		return dst, fmt.Errorf("the payload is of tweet %d", p.Data.ID)
	}
	if frame == nil {
		c := tweet.Content{Payload: d.Payload, Raw: d.Raw, Figures: d.Figures, Provenance: d.Provenance}
		if frame, err = c.Pack(); err != nil {
			return dst, err
		}
	}
	dst = appendNumber(append(dst, `,"body_at":`...), d.BodyAt)
	dst = append(base64.StdEncoding.AppendEncode(append(dst, `,"frame":"`...), frame), '"')
	t := targets.Get().(*query.Target)
	defer targets.Put(t)
	t.Set(p)
	dst = append(appendTerms(append(dst, `,"terms":"`...), t), '"')
	if t.Terms.Alts() > 0 {
		dst = append(appendForms(append(dst, `,"forms":"`...), &t.Terms), '"')
	}
	for i, n := range t.Figures {
		if query.Figure(i) != query.TweetID {
			dst = appendNumber(append(append(append(dst, `,"`...), figureNames[i]...), `":`...), n)
		}
	}
	return append(appendPlain(dst, p), '}'), nil
}

// appendTerms appends the words in order; the term that all have, which also keeps phrases from reaching on; the fields' terms.
func appendTerms(dst []byte, t *query.Target) []byte {
	for i := range t.Terms.Words() {
		dst = append(appendText(dst, t.Terms.Word(i)), ' ')
	}
	dst = append(dst, query.AllTerm...)
	for i := range t.Terms.Fields() {
		dst = appendText(append(dst, ' '), t.Terms.Field(i))
	}
	if search.IsStray(tweet.ID(t.Figures[query.TweetID]), t.Figures[query.CreatedAt]) {
		dst = append(append(dst, ' '), search.StrayTerm...)
	}
	return dst
}

// appendForms appends the words in order, a further form in the place of each word that has one.
func appendForms(dst []byte, t *tweet.Terms) []byte {
	next := 0
	for i := range t.Words() {
		if i > 0 {
			dst = append(dst, ' ')
		}
		word := t.Word(i)
		for ; next < t.Alts(); next++ {
			pos, form := t.Alt(next)
			if pos > i {
				break
			}
			word = form
		}
		dst = appendText(dst, word)
	}
	return dst
}

func appendNumber(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// appendText appends what stands between the quotes of a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendText[T string | []byte](dst []byte, s T) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			// A conversion that does not outlive the call costs no allocation.
			if r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))])); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		dst = append(dst, s[from:i]...)
		switch {
		case c >= utf8.RuneSelf:
			dst = append(dst, "\uFFFD"...)
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		default:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(dst, s[from:]...)
}
