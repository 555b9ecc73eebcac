package tweet

// Kind says what an entry of the journal is.
type Kind uint8

// The kinds; their numbers are stored.
const (
	KindTweet    Kind = 1 // a tweet's first sighting
	KindUpdate   Kind = 2 // a later sighting that differs
	KindDelete   Kind = 3 // a tweet is deleted
	KindGeo      Kind = 4 // a user's tweets up to an id lose their place, or one tweet does
	KindWithheld Kind = 5 // a tweet must not be shown in some countries, or anywhere, or may be again
	KindUser     Kind = 6 // a user is withheld, protected, suspended, deleted, or the reverse
)

var kindNames = [...]string{KindTweet: "tweet", KindUpdate: "update", KindDelete: "delete",
	KindGeo: "geo", KindWithheld: "withheld", KindUser: "user"}

func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "unknown"
}

// Record is one thing taken in: a sighting of a tweet, or a notice.
type Record struct {
	// Kind is KindTweet for every sighting until the journal decides that the id is
	// known (KindUpdate).
	Kind Kind
	// ID is the tweet's; in a KindGeo notice the last id concerned, without a UserID the only one; in a KindUser notice 0.
	ID     ID
	UserID ID // the author's, in notices the user's; 0 unknown
	// CapturedAt is when it was seen, Unix milliseconds; 0 is unknown, and older than all.
	CapturedAt int64
	// Partial marks a sighting known to lack text or author; any full one beats it.
	Partial bool
	// Payload is the tweet's canonical JSON; a notice's detail (Notice), or empty.
	Payload []byte
	// Raw is the record's bytes as they came, without the line end; empty when RawCut.
	Raw []byte
	// RawCut says that Raw was dropped, since it held a deleted tweet's copy.
	RawCut bool
	// Revived says of a sighting that it is from after a deletion that was taken back; see Document.Revived.
	Revived    bool
	Provenance Provenance
	// Tweet is Payload decoded, where the maker had it; may be nil. Not to be changed.
	Tweet *Payload
	// Frame is the content packed (Content.Pack), where the maker had it; may be nil.
	Frame []byte
}

// Content is what is kept of the record in one frame.
func (r *Record) Content() Content {
	return Content{Payload: r.Payload, Raw: r.Raw, Provenance: r.Provenance}
}

// Provenance says where a record came from.
type Provenance struct {
	From string `json:"from,omitempty"` // "import", "stream:NAME", "ingest" …
	File string `json:"file,omitempty"` // relative to the import's argument; inside an archive "a.tar/b.json"
	Pos  int64  `json:"pos,omitempty"`  // line or record in it, from 1
}

// Notice is the detail of a KindWithheld or KindUser record, in its Payload.
type Notice struct {
	Event     string   `json:"event"` // status_withheld, user_withheld, user_delete, user_protect …
	Countries []string `json:"countries,omitempty"`
}

// Decoded is the payload of a sighting as a struct.
func (r *Record) Decoded() (*Payload, error) {
	if r.Tweet != nil {
		return r.Tweet, nil
	}
	return Decode(r.Payload)
}

// Copies are the ids of the other tweets that a sighting carries inside it or
// repeats: when one of them is deleted, the copy must go (Repeats: the whole record).
func (p *Payload) Copies() []Copy {
	var cs []Copy
	if id := p.Data.Ref("retweeted"); id != 0 {
		cs = append(cs, Copy{ID: id, Repeats: true})
	}
	if p.Includes == nil {
		return cs
	}
	for i := range p.Includes.Tweets {
		switch t := &p.Includes.Tweets[i]; {
		case t.ID == p.Data.ID:
		case len(cs) > 0 && cs[0].Repeats && cs[0].ID == t.ID:
			cs[0].Author = t.AuthorID
		default:
			cs = append(cs, Copy{ID: t.ID, Author: t.AuthorID})
		}
	}
	return cs
}

// Copy is another tweet inside a record.
type Copy struct {
	ID      ID
	Author  ID   // 0 unknown
	Repeats bool // the record is a retweet of it
}

// Entry is a record in its place in the journal.
type Entry struct {
	Seq Seq
	// FirstSeq is the Seq of the tweet's first sighting; for tweets that were imported,
	// the journal's last Seq (at least 1) then. A KindDelete entry with FirstSeq 0 is of a tweet that
	// no subscription can have been sent.
	FirstSeq Seq
	// Arrived is when the journal took it, Unix milliseconds.
	Arrived int64
	// Stripped says that the content is gone, since the tweet was deleted.
	Stripped bool
	// Unseen says, in a KindDelete entry, that the tweet itself never came, only copies of it: it
	// makes no document, Cut is all there is to do.
	Unseen bool
	// Cut names, in a KindDelete entry, the known documents that carry a copy of the deleted
	// tweet and lose it. Retweets of it have KindDelete entries of their own.
	Cut []ID
	Record
}
