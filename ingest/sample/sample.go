// Package sample holds a few hundred real tweets that may be passed on.
//
// They are recorded answers of Twitter's v1.1 API, 2011 to 2018, taken from the test data of open-source
// projects; NOTICE names the sources and their licences. Demonstrations and tests play them.
package sample

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"iter"
	"sync"
)

// packed is made from the sources by the package's test with -update.
//
//go:embed sample.jsonl.gz
var packed []byte

// Notice is the text that must go with the tweets wherever they go.
//
//go:embed NOTICE
var Notice string

// lines is what packed holds. A few megabytes, unpacked on the first use only.
var lines = sync.OnceValue(func() [][]byte {
	all, err := unpack(packed)
	if err != nil {
		panic("sample: " + err.Error()) // it is part of the binary
	}
	return all
})

// Lines gives every tweet as one line of v1.1 JSON without its line end, oldest id first, no id twice.
// The bytes are shared and not to be changed. It can be ranged over any number of times.
func Lines() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, line := range lines() {
			if !yield(line) {
				return
			}
		}
	}
}

// Count is how many lines there are.
func Count() int { return len(lines()) }

func unpack(b []byte) ([][]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(bufio.NewReader(z))
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for line := range bytes.SplitSeq(bytes.TrimSuffix(plain, []byte("\n")), []byte("\n")) {
		all = append(all, line[:len(line):len(line)])
	}
	return all, nil
}
