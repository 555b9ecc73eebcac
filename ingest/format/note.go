package format

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"birdwatch/tweet"
)

// note is a long text of an export. Its id is not its tweet's: they are joined by time and by how the text begins.
type note struct {
	CreatedAt string `json:"createdAt"`
	Core      struct {
		Text     string     `json:"text"`
		URLs     []noteSpan `json:"urls"`
		Mentions []noteSpan `json:"mentions"`
		Hashtags []noteSpan `json:"hashtags"`
		Cashtags []noteSpan `json:"cashtags"`
	} `json:"core"`
}

type noteSpan struct {
	From       figure `json:"fromIndex"`
	To         figure `json:"toIndex"`
	Text       string `json:"text"`
	ScreenName string `json:"screenName"`
	Short      string `json:"shortUrl"`
	Expanded   string `json:"expandedUrl"`
	Display    string `json:"displayUrl"`
}

// maxNotes bounds the long texts of an export that are kept in memory, in bytes.
const maxNotes = 64 << 20

// readNotes reads note-tweet.js, by the second of their making.
func readNotes(f *folder) (map[string][]note, error) {
	const name = "note-tweet.js"
	r, err := f.open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var notes map[string][]note
	if err == nil {
		defer r.Close()
		notes, err = framedNotes(bufio.NewReaderSize(r, 64<<10))
	}
	if err != nil {
		return notes, fmt.Errorf("%s: %w; long tweets are cut", name, plain(err))
	}
	return notes, nil
}

func framedNotes(in *bufio.Reader) (map[string][]note, error) {
	variableName(in)
	notes, size := map[string][]note{}, 0
	var bad error
	f := &framer{r: in, script: true, emit: func(x framed) bool {
		var n struct {
			Note note `json:"noteTweet"`
		}
		if bad = x.err; bad == nil {
			bad = decode(x.raw, &n)
		}
		if size += len(x.raw); bad == nil && size > maxNotes {
			bad = fmt.Errorf("it has more than %d bytes", maxNotes)
		}
		if made, err := createdAt(n.Note.CreatedAt, 0); bad == nil && err == nil && n.Note.Core.Text != "" {
			if dirty(x.raw) {
				cleanStrings(&n)
			}
			notes[second(made)] = append(notes[second(made)], n.Note)
		}
		return bad == nil
	}}
	f.parse = parseExport // elements are what they are
	if _, err := f.all(); bad == nil {
		bad = err
	}
	return notes, bad
}

// second is a time as payloads have it, without the milliseconds.
func second(at string) string {
	at, _, _ = strings.Cut(at, ".")
	return at
}

// noteOf is the long text of a status; nil when it has none.
func (e *export) noteOf(s *status) *tweet.NoteTweet {
	if len(e.notes) == 0 || s.FullText == nil {
		return nil
	}
	made, err := createdAt(s.CreatedAt, 0)
	if err != nil {
		return nil
	}
	short := beginning(*s.FullText)
	for _, n := range e.notes[second(made)] {
		if short != "" && strings.HasPrefix(beginning(n.Core.Text), short) {
			return n.tweet()
		}
	}
	return nil
}

// beginning is how a text begins, up to its first link or the mark that it is cut, in the form that both files of an export have in common.
func beginning(text string) string {
	text = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(text)
	if i := strings.Index(text, "https://"); i >= 0 {
		text = text[:i]
	}
	text = strings.TrimRight(text, " \n")
	if cut, ok := strings.CutSuffix(text, "…"); ok {
		text = cut
	}
	const most = 200
	words := strings.Join(strings.Fields(text), " ")
	return words[:min(len(words), most)]
}

func (n *note) tweet() *tweet.NoteTweet {
	var e tweet.Entities
	for _, s := range n.Core.URLs {
		start, end := s.span()
		e.URLs = append(e.URLs, tweet.URL{Start: start, End: end, URL: s.Short, ExpandedURL: s.Expanded, DisplayURL: s.Display})
	}
	for _, s := range n.Core.Mentions {
		if start, end := s.span(); s.ScreenName != "" {
			e.Mentions = append(e.Mentions, tweet.Mention{Start: start, End: end, Username: s.ScreenName})
		}
	}
	for _, s := range n.Core.Hashtags {
		start, end := s.span()
		e.Hashtags = append(e.Hashtags, tweet.Tag{Start: start, End: end, Tag: s.Text})
	}
	for _, s := range n.Core.Cashtags {
		start, end := s.span()
		e.Cashtags = append(e.Cashtags, tweet.Tag{Start: start, End: end, Tag: s.Text})
	}
	out := &tweet.NoteTweet{Text: n.Core.Text}
	if len(e.URLs)+len(e.Mentions)+len(e.Hashtags)+len(e.Cashtags) > 0 {
		out.Entities = &e
	}
	return out
}

func (s noteSpan) span() (start, end int) {
	if s.From < 0 || s.To < s.From || s.To > 1<<30 {
		return 0, 0
	}
	return int(s.From), int(s.To)
}
