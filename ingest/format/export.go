package format

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// assignment is how a file of an export begins: its data are the value of a variable, whose name tells what they are.
var assignment = regexp.MustCompile(`^(?:window\.)?(?:YTD\.(\w+)\.part\d+|Grailbird\.data\.(\w+)|(__THAR_CONFIG)|var\s+(user_details|payload_details|tweet_index))\s*=\s*`)

// export is what an export tells beside its tweets.
type export struct {
	account *user
	at      int64 // when it was made
	notes   map[string][]note
	old     bool // its dates may lack the time
}

// export takes the records of one file of an export.
func (b *batcher) export(at site, in *bufio.Reader, rd *reading, emit func(framed) bool) (line int64, err error) {
	kind := variableName(in)
	own, err := b.ownExport(at.folder)
	if err != nil && !emit(framed{err: err}) {
		return 0, nil
	}
	rd.at = own.at
	switch {
	case kind == "tweets", kind == "tweet", kind == "community_tweet", kind == "community_tweets":
		rd.parse = own.parse
	case strings.HasPrefix(kind, "tweets_"):
		old := *own
		old.old, rd.parse = true, old.parse
	case kind == "deleted_tweets", kind == "deleted_tweet":
		rd.parse = own.parseDeleted
	default:
		emit(framed{parse: passedOver("export", kind)})
		return 0, nil
	}
	f := &framer{r: in, emit: emit, parse: rd.parse, script: true}
	return f.all()
}

// variableName takes the assignment off the front, and tells to what. Without one it is "tweets".
func variableName(in *bufio.Reader) string {
	skipMark(in)
	head, _ := in.Peek(256)
	m := assignment.FindSubmatch(head)
	if m == nil {
		return "tweets"
	}
	name := string(bytes.Join(m[1:], nil)) // one of them has matched
	_, _ = in.Discard(len(m[0]))           // all of it was peeked at
	return name
}

// skipMark takes the byte order mark and blanks off the front of a text.
func skipMark(in *bufio.Reader) {
	if mark, err := in.Peek(3); err == nil && string(mark) == "\xEF\xBB\xBF" {
		_, _ = in.Discard(3)
	}
	for {
		c, err := in.Peek(1)
		if err != nil || c[0] != ' ' && c[0] != '\t' && c[0] != '\r' && c[0] != '\n' {
			return
		}
		_, _ = in.Discard(1)
	}
}

// ownExport reads what lies beside the tweets of an export, once a folder. What it gives is never nil.
func (b *batcher) ownExport(f *folder) (*export, error) {
	if f == nil {
		return new(export), nil
	}
	if f.own != nil {
		return f.own, nil
	}
	f.own = new(export)
	config := variable(f, "manifest.js")
	if ms, ok := instant(gjson.GetBytes(config, "archiveInfo.generationDate").String()); ok {
		f.own.at = ms
	}
	if made, err := createdAt(gjson.GetBytes(variable(f, "../payload_details.js"), "created_at").String(), 0); err == nil && made != "" {
		f.own.at, _ = instant(made)
	}
	if a := gjson.GetBytes(variable(f, "account.js"), "0.account"); a.Exists() {
		f.own.account = &user{ScreenName: a.Get("username").String(), Name: a.Get("accountDisplayName").String(), CreatedAt: a.Get("createdAt").String(), ID: ident(idIn(a, "accountId"))}
	}
	if p := gjson.GetBytes(variable(f, "profile.js"), "0.profile"); p.Exists() && f.own.account != nil {
		u := f.own.account
		u.Description, u.Location, u.URL = p.Get("description.bio").String(), p.Get("description.location").String(), p.Get("description.website").String()
		u.ImageHTTPS = p.Get("avatarMediaUrl").String()
	}
	var err error
	f.own.notes, err = readNotes(f)
	return f.own, err
}

// variable is the JSON that a small file of an export assigns; nil when there is none.
func variable(f *folder, name string) []byte {
	const most = 4 << 20
	b, err := f.read(name, most)
	if err != nil {
		return nil
	}
	b = []byte(strings.TrimPrefix(string(b), "\uFEFF"))
	b = b[len(assignment.Find(b)):]
	if !json.Valid(b) {
		return nil
	}
	return b
}

// parse makes the record of one element of an export's tweets.
func (e *export) parse(raw []byte, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	s, err := e.status(raw)
	if err != nil {
		return nil, nil, err
	}
	timeless := e.old && s.findTime()
	r, err := s.record(raw, from, at)
	if err != nil {
		return nil, nil, err
	}
	// A sighting with the time, or with the whole of a retweet's text, is a fuller one.
	r.Partial = r.Partial || timeless || s.Retweeted == nil && s.Note == nil && s.FullText != nil && strings.HasPrefix(*s.FullText, "RT @") && strings.HasSuffix(*s.FullText, "…")
	return []tweet.Record{r}, nil, nil
}

func (e *export) status(raw []byte) (*status, error) {
	k, err := sound(raw)
	if err != nil {
		return nil, err
	}
	body := raw
	if k&keyTweet != 0 {
		if body = []byte(gjson.GetBytes(raw, "tweet").Raw); len(body) == 0 || body[0] != '{' {
			return nil, errors.New(`"tweet" is not an object`)
		}
	}
	var s status
	if err := decode(body, &s); err != nil {
		return nil, err
	}
	if s.User.empty() {
		s.User = e.account
	}
	s.Note = e.noteOf(&s)
	return &s, nil
}

// parseDeleted takes a tweet that its author had deleted before the export was made: a notice.
func (e *export) parseDeleted(raw []byte, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	s, err := e.status(raw)
	if err != nil {
		return nil, nil, err
	}
	r := tweet.Record{Kind: tweet.KindDelete, ID: idOf(s.IDStr, s.ID), CapturedAt: at, Raw: raw, Provenance: from}
	if r.ID == 0 {
		return nil, nil, errNoID
	}
	if s.User != nil {
		r.UserID = s.User.id()
	}
	if gone, err := createdAt(gjson.GetBytes(raw, "tweet.deleted_at").String(), 0); err == nil && gone != "" {
		r.CapturedAt, _ = instant(gone)
	}
	return []tweet.Record{r}, nil, nil
}

// findTime reports that a status, from an export that knew only the day, has no time: its date stays midnight. Where the id holds
// the time, it is taken from there.
func (s *status) findTime() bool {
	if s.Retweeted != nil {
		s.Retweeted.findTime()
	}
	if !strings.Contains(s.CreatedAt, " 00:00:00 ") {
		return false
	}
	at, ok := idOf(s.IDStr, s.ID).Time()
	if ok {
		s.CreatedAt = at.Truncate(time.Second).Format(time.RFC3339)
	}
	return !ok
}

// parseExport takes an element of an export without what lies beside it.
func parseExport(raw []byte, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	if gjson.GetBytes(raw, "noteTweet").Exists() {
		return nil, &Control{Name: "export", Detail: "note_tweet"}, nil
	}
	if t := gjson.GetBytes(raw, "tweet"); !t.Get("full_text").Exists() && !t.Get("text").Exists() {
		return nil, nil, fmt.Errorf(`%w: "tweet" has no "full_text"`, ErrNotTweet)
	}
	return new(export).parse(raw, from, at)
}
