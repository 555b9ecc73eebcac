package main

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"

	"birdwatch/search"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

const secret = "what was deleted"

// The tweets of TestCopyBringsNothingBack.
const (
	said tweet.ID = 1000 + iota // its text is the secret
	quote
	repeat
	reply         // to the repetition, which it carries
	repeatOfThat  // of the repetition
	other         // has nothing to do with it
	quoteOfLater  // of what came back
	repeatOfLater // of what came back
)

// copyEntries makes entries, seqs ascending.
type copyEntries struct {
	t   *testing.T
	seq tweet.Seq
}

func (c *copyEntries) sight(at int64, revived bool, p *tweet.Payload) tweet.Entry {
	c.t.Helper()
	b, err := tweet.Encode(p)
	if err != nil {
		c.t.Fatal(err)
	}
	c.seq++
	return tweet.Entry{Seq: c.seq, Record: tweet.Record{Kind: tweet.KindTweet, ID: p.Data.ID, CapturedAt: at, Revived: revived, Payload: b, Raw: b}}
}

func (c *copyEntries) remove(id tweet.ID, at int64, cut ...tweet.ID) tweet.Entry {
	c.seq++
	return tweet.Entry{Seq: c.seq, FirstSeq: 1, Record: tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: at}, Cut: cut}
}

// carrier refers to a tweet that it carries. With a picture of its own, the whole of its body is greater than what is left when that is cut.
func carrier(id tweet.ID, kind, text string, of tweet.Tweet) *tweet.Payload {
	return &tweet.Payload{
		Data:     tweet.Tweet{ID: id, Text: text, AuthorID: 8, ReferencedTweets: []tweet.Reference{{Type: kind, ID: of.ID}}, Attachments: &tweet.Attachments{MediaKeys: []string{"m"}}},
		Includes: &tweet.Includes{Tweets: []tweet.Tweet{of}, Media: []tweet.Media{{MediaKey: "m", Type: "photo"}}},
	}
}

// copyCase is two archives, and what there is to be in the second in the end: tombstones, and tweets whose texts must be there.
type copyCase struct {
	name         string
	source, into []tweet.Entry
	gone, kept   []tweet.ID
}

func copyCases(t *testing.T) []copyCase {
	c := &copyEntries{t: t}
	original := tweet.Tweet{ID: said, Text: secret, AuthorID: 7}
	it := c.sight(5, false, &tweet.Payload{Data: original})
	q := c.sight(5, false, carrier(quote, "quoted", "look", original))
	rt := tweet.Tweet{ID: repeat, Text: "RT @a: " + secret, AuthorID: 8, ReferencedTweets: []tweet.Reference{{Type: "retweeted", ID: said}}}
	r := c.sight(5, false, &tweet.Payload{Data: rt, Includes: &tweet.Includes{Tweets: []tweet.Tweet{original}}})
	o := c.sight(5, false, &tweet.Payload{Data: tweet.Tweet{ID: other, Text: "another"}})
	delIt, delR := c.remove(said, 9, quote), c.remove(repeat, 9)
	old, now := []tweet.Entry{it, q, r, o}, []tweet.Entry{it, q, r, o, delIt, delR}

	unseen := c.remove(said, 9, quote)
	unseen.Unseen, unseen.FirstSeq = true, 0
	chain := []tweet.Entry{it, r, c.sight(5, false, carrier(reply, "replied_to", "yes", rt)), c.sight(5, false, carrier(repeatOfThat, "retweeted", "RT @b: RT @a: "+secret, rt))}

	later := tweet.Tweet{ID: said, Text: "come back", AuthorID: 7}
	back := []tweet.Entry{c.sight(20, true, &tweet.Payload{Data: later}), c.sight(20, false, carrier(quoteOfLater, "quoted", "see", later)), c.sight(20, false, carrier(repeatOfLater, "retweeted", "RT @a: come back", later))}
	restored := slices.Concat([]tweet.Entry{it, q, delIt}, back)

	backIt, backR, delAgain := c.sight(20, true, &tweet.Payload{Data: original}), c.sight(20, true, &tweet.Payload{Data: rt}), c.remove(said, 30)
	delAgain.Revived = true
	twice := []tweet.Entry{it, r, delIt, delR, backIt}
	return []copyCase{
		{"the target knows it", old, now, []tweet.ID{said, repeat}, []tweet.ID{quote, other}},
		{"the source knows it", now, old, []tweet.ID{said, repeat}, []tweet.ID{quote, other}},
		{"both know it", now, now, []tweet.ID{said, repeat}, []tweet.ID{quote, other}},
		{"the target is empty", now, nil, []tweet.ID{said, repeat}, []tweet.ID{quote, other}},
		{"the target has not met the retweet", old, []tweet.Entry{it, q, o, delIt}, []tweet.ID{said, repeat}, []tweet.ID{quote, other}},
		{"only the target has the quote and the retweet", []tweet.Entry{it, delIt}, old, []tweet.ID{said, repeat}, []tweet.ID{quote, other}},
		{"never seen but quoted, the target knows it", []tweet.Entry{q}, []tweet.Entry{q, unseen}, nil, []tweet.ID{quote}},
		{"never seen but quoted, the source knows it", []tweet.Entry{q, unseen}, []tweet.Entry{q}, nil, []tweet.ID{quote}},
		{"what repeats and carries the retweet", chain, []tweet.Entry{it, delIt}, []tweet.ID{said, repeat, repeatOfThat}, []tweet.ID{reply}},
		{"the same, and only the target has them", []tweet.Entry{it, delIt}, chain, []tweet.ID{said, repeat, repeatOfThat}, []tweet.ID{reply}},
		{"it came back in the source", restored, restored[:3], nil, []tweet.ID{quote, said, quoteOfLater, repeatOfLater}},
		{"it came back in the target", restored[:3], restored, nil, []tweet.ID{quote, said, quoteOfLater, repeatOfLater}},
		{"it came back and went again", slices.Concat(twice, []tweet.Entry{delAgain}), slices.Concat(twice, []tweet.Entry{backR}), []tweet.ID{said, repeat}, nil},
	}
}

// TestCopyBringsNothingBack copies between two archives of which one knows of a deletion that the other has not heard of: in the end neither the
// tweet, nor what carries it, nor what repeats it, has any of it in the target, whichever is the older one; and what is rightly there stays.
func TestCopyBringsNothingBack(t *testing.T) {
	for _, tt := range copyCases(t) {
		t.Run(tt.name, func(t *testing.T) {
			tt.check(t, openToWrite(t, dataFlags{Data: t.TempDir()}), openToWrite(t, dataFlags{Data: t.TempDir()}))
			elastictest.Each(t, func(t *testing.T, url string) {
				tt.check(t, openToWrite(t, dataFlags{Data: t.TempDir()}), openToWrite(t, onElastic(t, url)))
			})
		})
	}
}

func (tt *copyCase) check(t *testing.T, source, target search.Archive) {
	t.Helper()
	for _, e := range tt.source {
		applyOne(t, source, e)
	}
	for _, e := range tt.into {
		applyOne(t, target, e)
	}
	copyAll(t, source, target)
	docs, err := target.Documents(t.Context(), 0, 20)
	if err != nil {
		t.Fatal(err)
	}
	var gone, kept []tweet.ID
	for _, d := range docs {
		if bytes.Contains(d.Payload, []byte(secret)) || bytes.Contains(d.Raw, []byte(secret)) {
			t.Errorf("document %d has it still: %s", d.ID, d.Payload)
		}
		if d.Tombstone {
			gone = append(gone, d.ID)
		} else {
			kept = append(kept, d.ID)
		}
		if (d.ID == quoteOfLater || d.ID == repeatOfLater) && (d.RawCut || !bytes.Contains(d.Payload, []byte("come back"))) {
			t.Errorf("document %d lost what is rightly there: %s", d.ID, d.Payload)
		}
	}
	slices.Sort(tt.kept)
	if !slices.Equal(gone, tt.gone) || !slices.Equal(kept, tt.kept) {
		t.Errorf("tombstones %v and tweets %v; want %v and %v", gone, kept, tt.gone, tt.kept)
	}
}

func applyOne(t *testing.T, a search.Archive, e tweet.Entry) {
	t.Helper()
	if _, err := a.Apply(t.Context(), []tweet.Entry{e}, tweet.Position{}); err != nil {
		t.Fatal(err)
	}
}

// copyAll copies until nothing is left to copy.
func copyAll(t *testing.T, source, target search.Archive) {
	t.Helper()
	for round, copied := 1, int64(1); copied > 0; round++ {
		r := copyRound{source: source, target: target, show: func(int64) {}}
		if err := r.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.finish(t.Context(), tweet.Position{}); err != nil {
			t.Fatal(err)
		}
		if copied = r.copied; round > 3 {
			t.Fatalf("round %d still copies %d", round, copied)
		}
	}
}

// TestCopyOfWithdrawnPlaces: a place that was withdrawn in the target is not brought to it round after round.
func TestCopyOfWithdrawnPlaces(t *testing.T) {
	c := &copyEntries{t: t}
	source, target := openToWrite(t, dataFlags{Data: t.TempDir()}), openToWrite(t, dataFlags{Data: t.TempDir()})
	p := &tweet.Payload{Data: tweet.Tweet{ID: 2000, Text: "x", AuthorID: 8, Geo: &tweet.Geo{PlaceID: "p"}, EditControls: &tweet.EditControls{EditsRemaining: 5}}, Includes: &tweet.Includes{Places: []tweet.Place{{ID: "p", FullName: "here"}}}}
	applyOne(t, source, c.sight(20, false, p))
	applyOne(t, target, tweet.Entry{Seq: 1, Record: tweet.Record{Kind: tweet.KindGeo, ID: 3000, UserID: 8}})
	copyAll(t, source, target)
	docs, err := target.Get(t.Context(), 2000)
	if err != nil || len(docs) != 1 || bytes.Contains(docs[0].Payload, []byte("here")) {
		t.Errorf("%v %+v", err, docs)
	}
}

// TestCopyKeepsTheLifeThatCame: what came back keeps its first_seq, which is later than that of the tombstone before.
func TestCopyKeepsTheLifeThatCame(t *testing.T) {
	c := &copyEntries{t: t}
	source, target := openToWrite(t, dataFlags{Data: t.TempDir()}), openToWrite(t, dataFlags{Data: t.TempDir()})
	p := &tweet.Payload{Data: tweet.Tweet{ID: said, Text: "x"}}
	for _, e := range []tweet.Entry{c.sight(5, false, p), c.remove(said, 9)} {
		applyOne(t, source, e)
		applyOne(t, target, e)
	}
	applyOne(t, target, c.sight(20, true, p))
	copyAll(t, source, target)
	docs, err := target.Get(t.Context(), said)
	if err != nil || len(docs) != 1 || !docs[0].Revived || docs[0].FirstSeq != 3 {
		t.Errorf("%v %+v", err, docs)
	}
}

// TestCopyIntoAFullerArchive: any number of documents may lie between two of the source's.
func TestCopyIntoAFullerArchive(t *testing.T) {
	c := &copyEntries{t: t}
	source, target := openToWrite(t, dataFlags{Data: t.TempDir()}), openToWrite(t, dataFlags{Data: t.TempDir()})
	const there = 2*copyPage + 500
	var many []tweet.Entry
	for i := range tweet.ID(there) {
		many = append(many, c.sight(5, false, &tweet.Payload{Data: tweet.Tweet{ID: 5000 + i, Text: "there"}}))
	}
	if _, err := target.Apply(t.Context(), many, tweet.Position{}); err != nil {
		t.Fatal(err)
	}
	applyOne(t, source, c.sight(5, false, &tweet.Payload{Data: tweet.Tweet{ID: 9000, Text: "here"}}))
	most, theirs := 0, walker{archive: target}
	if _, err := theirs.at(t.Context(), 9000, func(*tweet.Document) error { most = max(most, len(theirs.page)); return nil }); err != nil || most > copyPage {
		t.Errorf("%v, %d documents at once", err, most)
	}
	r := copyRound{source: source, target: target, show: func(int64) {}}
	if err := r.run(t.Context()); err != nil || r.extra != there || r.copied != 1 {
		t.Errorf("%v, %d further documents, %d copied", err, r.extra, r.copied)
	}
}

// openToWrite opens an archive, until the test ends.
func openToWrite(t *testing.T, f dataFlags) search.Archive {
	t.Helper()
	a, err := f.openArchive(t.Context(), false, false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}
