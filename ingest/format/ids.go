package format

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"

	"birdwatch/tweet"
)

// isReference reports whether a line names a tweet and nothing else: by its id, or by its address.
func isReference(line []byte) bool {
	line = bytes.Trim(line, " \t\r\n\",;'")
	if len(line) == 0 || len(line) > 200 {
		return false
	}
	if skipDigits(line, 0) == len(line) {
		return len(line) <= 19
	}
	m := statusLink.FindSubmatch(line)
	return m != nil && !bytes.ContainsAny(line[len(m[0]):], " \t,;{")
}

// references gives the tweets that a list names, one a line.
func references(in *bufio.Reader, emit func(framed) bool) (int64, error) {
	f := &framer{r: in, emit: emit}
	for {
		if _, err := f.begin(); err != nil {
			return f.line, err
		}
		line, _, err := f.readLine()
		if err != nil {
			return f.line, err
		}
		if line = trimEnd(line); !emit(framed{raw: line, pos: f.line, refer: reference}) {
			return f.line, nil
		}
	}
}

// reference reads a line of a list.
func reference(line []byte) (tweet.ID, error) {
	text := bytes.Trim(line, " \t\r\n\",;'")
	if m := statusLink.FindSubmatch(text); m != nil {
		text = m[2]
	}
	if len(text) == 0 {
		return 0, errors.New("empty")
	}
	id, err := tweet.ParseID(string(text))
	if err != nil {
		return 0, fmt.Errorf("%.40q is neither the id of a tweet nor its address", text)
	}
	return id, nil
}
