package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/tidwall/gjson"

	"birdwatch/ingest/format"
	"birdwatch/tweet"
)

// checkPaths refuses paths that cannot be opened, before a command does anything else. What is no file or folder is left
// alone: whoever opens a pipe takes what is in it. stdin lets - be the standard input.
func checkPaths(paths []string, stdin bool) error {
	for _, p := range paths {
		if p == "-" && stdin {
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		if !info.IsDir() && !info.Mode().IsRegular() {
			continue
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

// know reads what there is to look for. Each path has to hold tweets: that nothing was found of nothing proves nothing.
func (v *verification) know(ctx context.Context, paths []string, stdin io.Reader) error {
	for _, path := range paths {
		tweets, unread := 0, error(nil)
		for it := range format.Files(ctx, []string{path}, format.Options{Stdin: stdin}) {
			if it.Err != nil {
				v.unread++
				if unread == nil {
					unread = fmt.Errorf("%s: %w", it.File, it.Err)
				}
			}
			for i := range it.Records {
				if it.Records[i].Kind != tweet.KindTweet {
					continue
				}
				tweets++
				if err := v.seek(&it.Records[i]); err != nil {
					return fmt.Errorf("%s: %w", it.File, err)
				}
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case tweets > 0:
		case unread != nil:
			return usage(fmt.Errorf("verify: no tweet could be read from --known %s: %w", path, unread))
		default:
			return usage(fmt.Errorf("verify: no tweet could be read from --known %s", path))
		}
	}
	return nil
}

// seek has a tweet that is deleted looked for.
func (v *verification) seek(r *tweet.Record) error {
	if !v.gone[r.ID] {
		return nil
	}
	p, err := r.Decoded()
	if err != nil {
		return err
	}
	v.needles.add(r.ID, needlePayload, r.Payload)
	v.needles.add(r.ID, needleRaw, r.Raw)
	texts := []string{p.View().Text, p.Data.Text}
	for _, key := range []string{"data.text", "data.note_tweet.text"} {
		texts = append(texts, inner(gjson.GetBytes(r.Payload, key)))
	}
	for _, key := range []string{"text", "full_text", "extended_tweet.full_text", "retweeted_status.text", "data.text"} {
		texts = append(texts, inner(gjson.GetBytes(r.Raw, key)))
	}
	slices.Sort(texts)
	for _, t := range slices.Compact(texts) {
		v.needles.add(r.ID, needleText, []byte(t))
	}
	return nil
}

// inner is a string of JSON as it stands there, without the quotes.
func inner(r gjson.Result) string {
	if r.Type != gjson.String || len(r.Raw) < 2 {
		return ""
	}
	return r.Raw[1 : len(r.Raw)-1]
}
