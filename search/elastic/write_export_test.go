package elastic

import "birdwatch/tweet"

// BulkLine is a document as the archive writes it, for loaders beside it.
func BulkLine(r *tweet.Record) (version int64, body []byte, err error) {
	d := tweet.NewDocument(r, 0)
	body, err = appendContent(appendHead(make([]byte, 0, 4096), d, nil), d, r.Tweet, r.Frame)
	return d.Version(), body, err
}
