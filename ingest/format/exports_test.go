package format_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"birdwatch/ingest/format"
	"birdwatch/tweet"
)

const (
	ownAccount  = `window.YTD.account.part0 = [ { "account" : { "username" : "ada", "accountId" : "7", "createdAt" : "2009-02-19T15:47:22.000Z", "accountDisplayName" : "Ada" } } ]`
	ownProfile  = `window.YTD.profile.part0 = [ { "profile" : { "description" : { "bio" : "B", "website" : "https://t.co/w", "location" : "L" }, "avatarMediaUrl" : "https://pbs/a.jpg" } } ]`
	ownManifest = `window.__THAR_CONFIG = { "userInfo" : { "accountId" : "7" }, "archiveInfo" : { "generationDate" : "2024-01-02T03:04:05.006Z" } }`
	ownNotes    = `window.YTD.note_tweet.part0 = [ {"noteTweet":{"noteTweetId":"99","createdAt":"2023-05-01T10:00:00.000Z","core":{"text":"Another one of that second","urls":[]}}},
 {"noteTweet":{"noteTweetId":"100","createdAt":"2023-05-01T10:00:00.000Z","core":{"text":"A long text & its end #tag","hashtags":[{"text":"tag","fromIndex":"22","toIndex":"26"}],"mentions":[{"screenName":"bob","fromIndex":"0","toIndex":"4"}],"urls":[{"shortUrl":"https://t.co/x","expandedUrl":"https://x.y/z","displayUrl":"x.y/z","fromIndex":"5","toIndex":"6"}],"cashtags":[]}}} ];`
	plainTweet = `{
    "tweet" : { "id" : "5", "id_str" : "5", "full_text" : "@bob hi", "created_at" : "Mon Nov 07 20:42:53 +0000 2022", "favorite_count" : "3", "retweet_count" : "0",
      "in_reply_to_user_id" : "8", "in_reply_to_screen_name" : "bob", "in_reply_to_status_id_str" : "4", "coordinates" : { "type" : "Point", "coordinates" : [ "8.7", "50.1" ] },
      "entities" : { "user_mentions" : [ { "name" : "Bob", "screen_name" : "bob", "indices" : [ "0", "4" ], "id_str" : "8", "id" : "8" } ] },
      "edit_info" : { "initial" : { "editTweetIds" : [ "5" ], "editableUntil" : "2022-11-07T21:12:53.000Z", "editsRemaining" : "5", "isEditEligible" : true } } } }`
	longTweet  = `{"tweet":{"id_str":"6","full_text":"A long text &amp; its… https://t.co/q","created_at":"Mon May 01 10:00:00 +0000 2023"}}`
	cutRetweet = `{"tweet":{"id_str":"7","full_text":"RT @bob: cut…","created_at":"Mon May 01 10:00:01 +0000 2023"}}`
)

var ownExport = []member{
	{"data/account.js", []byte(ownAccount)}, {"data/profile.js", []byte(ownProfile)}, {"data/manifest.js", []byte(ownManifest)}, {"data/note-tweet.js", []byte(ownNotes)},
	{"data/tweets.js", []byte("window.YTD.tweets.part0 = [ " + plainTweet + ",\n" + longTweet + "]\n")}, {"data/tweets-part1.js", []byte("window.YTD.tweets.part1 = [" + cutRetweet + "];")},
	{"data/deleted-tweets.js", []byte(`window.YTD.deleted_tweets.part0 = [{"tweet":{"id_str":"9","full_text":"gone","deleted_at":"Mon May 01 10:00:01 +0000 2023"}}]`)},
	{"data/tweet-headers.js", []byte(`window.YTD.tweet_headers.part0 = [{"tweet":{"tweet_id":"5","user_id":"7"}}]`)},
	{"data/direct-messages.js", []byte(`window.YTD.direct_messages.part0 = [{"dmConversation":{"messages":[{"messageCreate":{"id":"5","text":"private"}}]}}]`)},
	{"data/README.txt", []byte("Read me")}, {"mine/a.json", line(1)}, {"data/tweets_media/5-a.jpg", []byte("\xFF\xD8\xFF\xE0")}, {"Your archive.html", []byte("<html>{\n{")}, {"assets/js/app.js", []byte("var x = {\n\"text\": 1}")},
}

// TestExport: the whole of a person's export, in every form in which it may lie about.
func TestExport(t *testing.T) {
	reversed := slices.Clone(ownExport)
	slices.Reverse(reversed)
	for name, path := range map[string]string{
		"folder": folder(t, ownExport...), "zip": filepath.Join(folder(t, member{"x.zip", zipped(t, reversed...)}), "x.zip"),
		"tar, in no order": filepath.Join(folder(t, member{"x.tar", tarred(t, reversed...)}), "x.tar"),
		"inside":           filepath.Join(folder(t, member{"x.tgz", gzipped(t, tarred(t, member{"a/twitter.zip", zipped(t, ownExport...)}))}), "x.tgz"),
		"file":             filepath.Join(folder(t, ownExport...), "data"),
	} {
		recs, passed := map[tweet.ID]tweet.Record{}, map[string]int{}
		for it := range format.Files(t.Context(), []string{path}, format.Options{CapturedAt: 1}) {
			if it.Err != nil && (name != "file" || it.File != "README.txt") { // nothing says there that it belongs to the export
				t.Errorf("%s: %s:%d: %v", name, it.File, it.Pos, it.Err)
			}
			if it.Control != nil {
				passed[it.Control.Name+" "+it.Control.Detail]++
			}
			for _, r := range it.Records {
				recs[r.ID] = r
			}
		}
		_, others := recs[1]
		if delete(recs, 1); len(recs) != 4 || recs[9].Kind != tweet.KindDelete || recs[9].UserID != 7 || recs[9].CapturedAt != 1682935201000 {
			t.Fatalf("%s: %d records, deleted %+v", name, len(recs), recs[9])
		}
		if !others && name != "file" {
			t.Errorf("%s: a file beside the export was not read", name)
		}
		if passed["export direct_messages"] != 1 || passed["export tweet_headers"] != 1 || passed["export account"] != 1 {
			t.Errorf("%s: passed %v", name, passed)
		}
		want := `{"data":{"id":"5","text":"@bob hi","edit_history_tweet_ids":["5"],"author_id":"7","created_at":"2022-11-07T20:42:53.000Z","in_reply_to_user_id":"8","referenced_tweets":[{"type":"replied_to","id":"4"}],"entities":{"mentions":[{"start":0,"end":4,"username":"bob","id":"8"}]},"geo":{"coordinates":{"type":"Point","coordinates":[8.7,50.1]}},"public_metrics":{"retweet_count":0,"reply_count":0,"like_count":3,"quote_count":0},"edit_controls":{"editable_until":"2022-11-07T21:12:53.000Z","edits_remaining":5,"is_edit_eligible":true}},"includes":{"users":[{"id":"7","name":"Ada","username":"ada","created_at":"2009-02-19T15:47:22.000Z","description":"B","location":"L","url":"https://t.co/w","profile_image_url":"https://pbs/a.jpg"},{"id":"8","name":"Bob","username":"bob"}]}}`
		if r := recs[5]; string(r.Payload) != canonical(t, want) || string(r.Raw) != plainTweet || r.CapturedAt != 1704164645006 || r.Partial {
			t.Errorf("%s: captured %d, raw %.40q\n%s", name, r.CapturedAt, r.Raw, difference(indented(t, r.Payload), indented(t, []byte(canonical(t, want)))))
		}
		note := recs[6].Tweet.Data.NoteTweet
		if note == nil || note.Text != "A long text & its end #tag" || note.Entities.Hashtags[0] != (tweet.Tag{Start: 22, End: 26, Tag: "tag"}) || note.Entities.URLs[0].ExpandedURL != "https://x.y/z" {
			t.Errorf("%s: note %+v", name, note)
		}
		if !recs[7].Partial || recs[7].Tweet.Data.NoteTweet != nil || recs[6].Partial {
			t.Errorf("%s: a cut retweet is whole, or a long tweet is not", name)
		}
	}
}

// TestOldExport: data/js/tweets of before 2018, where times may be unknown.
func TestOldExport(t *testing.T) {
	status := func(id tweet.ID, at string) string {
		return fmt.Sprintf(`{"id":%d,"id_str":"%d","text":"a","created_at":%q,"geo":{},"user":{"id_str":"7","screen_name":"ada"},"entities":{"media":[{"id_str":"3","media_url_https":"u","sizes":[{"h":75,"w":90,"resize":"crop"},{"h":60,"w":80,"resize":"fit"}],"indices":[0,1]}]}}`, id, id, at)
	}
	dir := folder(t,
		member{"data/js/tweets/2010_03.js", []byte("Grailbird.data.tweets_2010_03 = \n [ " + strings.Join([]string{status(11406610783, "2010-04-01 00:00:00 +0000"), status(11406610784, "2010-04-01 00:00:01 +0000"), status(901656910939770881, "2017-08-27 00:00:00 +0000")}, ", ") + " ]")},
		member{"data/js/payload_details.js", []byte(`var payload_details =  { "tweets" : 3, "created_at" : "2017-05-13 00:23:30 +0000", "lang" : "en" }`)},
		member{"data/js/tweet_index.js", []byte(`var tweet_index =  [ { "file_name" : "x" } ]`)},
		member{"js/jquery.js", []byte("{\n")}, member{"index.html", []byte("<html>")}, member{"tweets.csv", []byte("\"tweet_id\",\"text\"\n\"1\",\"the same again\"\n")})
	var got []string
	for it := range format.Files(t.Context(), []string{dir}, format.Options{}) {
		if it.Err != nil {
			t.Errorf("%s: %v", it.File, it.Err)
		}
		for _, r := range it.Records {
			m := r.Tweet.Includes.Media[0]
			got = append(got, fmt.Sprint(r.ID, " ", r.Tweet.Data.CreatedAt, " ", r.Partial, " ", r.CapturedAt, " ", m.Width, "x", m.Height))
		}
	}
	want := []string{"11406610783 2010-04-01T00:00:00.000Z true 1494635010000 80x60", "11406610784 2010-04-01T00:00:01.000Z false 1494635010000 80x60", "901656910939770881 2017-08-27T04:05:34.000Z false 1494635010000 80x60"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestExportAlone: what an element gives without the files beside it, and what is wrong with others.
func TestExportAlone(t *testing.T) {
	recs, _, err := format.Parse([]byte(plainTweet), tweet.Provenance{}, 0)
	if err != nil || len(recs) != 1 || recs[0].ID != 5 || recs[0].UserID != 0 || !recs[0].Partial {
		t.Errorf("%+v, %v", recs, err)
	}
	for in, want := range map[string]string{
		`{"tweet":5}`: `neither a tweet nor a notice: "tweet" has no "full_text"`, `{"tweet":{"tweet_id":"5"}}`: `neither a tweet`, `{"tweet":{"full_text":"a"}}`: "give no id",
	} {
		if _, _, err := format.Parse([]byte(in), tweet.Provenance{}, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
	bad := folder(t, member{"data/tweets.js", []byte("window.YTD.tweets.part0 = [" + longTweet + "]")}, member{"data/note-tweet.js", []byte("window.YTD.note_tweet.part0 = [{\"noteTweet\":")}, member{"data/account.js", []byte(ownAccount)})
	if got := told(format.Files(t.Context(), []string{bad}, format.Options{})); !strings.Contains(got, "note-tweet.js: the array is cut off; long tweets are cut") || !strings.Contains(got, longTweet) {
		t.Errorf("a damaged file beside: %s", got)
	}
}

// TestStore: the tweets of a store with their authors, in folders and archives; without the other file, without them.
func TestStore(t *testing.T) {
	source := filepath.Join("testdata", "shapes", "store")
	var all []member
	entries, err := os.ReadDir(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(source, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, member{"s/" + e.Name(), b})
	}
	reversed := slices.Clone(all)
	slices.Reverse(reversed)
	want := told(format.Files(t.Context(), []string{source}, format.Options{}))
	for name, data := range map[string][]byte{"zip": zipped(t, reversed...), "tar": tarred(t, all...)} {
		path := filepath.Join(folder(t, member{name, data}), name)
		if got := strings.ReplaceAll(told(format.Files(t.Context(), []string{path}, format.Options{})), name+"/s/", ""); got != want {
			t.Errorf("%s:\n%s", name, difference(got, want))
		}
		for _, r := range records(t, format.Options{}, path) {
			if r.Partial || r.Tweet.User(r.UserID) == nil {
				t.Errorf("%s: %d has no author", name, r.ID)
			}
		}
	}
	alone := folder(t, all[0])
	for _, r := range records(t, format.Options{}, alone) {
		if !r.Partial {
			t.Errorf("%d is whole without its author", r.ID)
		}
	}
	damaged := folder(t, all[0], member{"s/users_1399765322509557763.json", []byte(`{"users":[`)})
	if got := told(format.Files(t.Context(), []string{damaged}, format.Options{})); !strings.Contains(got, "the tweets are read without them") {
		t.Errorf("damaged users: %s", got)
	}
}

// FuzzExport: no export breaks the reader.
func FuzzExport(f *testing.F) {
	for _, m := range ownExport[:8] {
		f.Add(m.data, []byte(ownNotes))
	}
	f.Add([]byte("Grailbird.data.tweets_2010_03 = [ {\"id\":1,\"text\":\"a\",\"created_at\":\"2010-04-01 00:00:00 +0000\"} ];;"), []byte(ownAccount))
	f.Fuzz(func(t *testing.T, tweets, beside []byte) {
		data := zipped(t, member{"data/tweets.js", tweets}, member{"data/account.js", beside}, member{"data/note-tweet.js", beside}, member{"data/manifest.js", beside})
		for it := range format.Files(t.Context(), []string{"-"}, format.Options{Stdin: bytes.NewReader(data)}) {
			for _, r := range it.Records {
				checkRecord(t, r.Raw, r)
			}
		}
	})
}
