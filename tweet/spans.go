package tweet

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// WordSpan is where a word of a text stands: code points [Start, End) of the text as it is given. The spans of pairs overlap, as the
// pairs do.
type WordSpan struct {
	Start, End int
	// Second is where the second unit of a pair begins; 0 for other words.
	Second int
	// AfterLink says that a URL was left out between the word and the one before it.
	AfterLink bool
}

// WordSpans says where the words stand that AddText takes from a text, in their order. Positions count what was taken from the text's front too: the
// first is shift. Where folding mixes characters, a span may be as wide as what stands between blanks.
func WordSpans(text string, e *Entities, shift int) []WordSpan {
	var t Terms
	var cuts []cut
	w := &t.work
	clean := appendClean(nil, text, e, shift, &cuts)
	s := spanner{text: text, cuts: cuts, point: shift}
	for from := 0; from < len(clean); {
		n := asciiSpan(clean[from:])
		w.found = w.found[:0]
		if n > 0 {
			t.segmentASCII(0, clean[from:from+n])
			s.take(w.found, from, nil)
		} else {
			if n = bytes.IndexAny(clean[from:], " \n"); n < 0 {
				n = len(clean) - from
			}
			t.segmentFull(0, clean[from:from+n])
			s.take(w.found, from, w.origins(clean[from:from+n]))
		}
		from += n
	}
	return s.spans
}

// origin says that the folded text up to an offset came from the text up to another.
type origin struct{ folded, text int }

// origins says from where in src each part of its folded text came, as far as can be told. w.folded is src folded.
func (w *scratch) origins(src []byte) []origin {
	whole := bytes.Clone(w.folded)
	parts := []origin{{}}
	var sum, folded []byte
	for from := 0; from < len(src); {
		n := runeLen(src[from:])
		for from+n < len(src) && !beginsPart(src[from+n:]) {
			n += runeLen(src[from+n:])
		}
		folded = w.fold(folded[:0], src[from:from+n])
		sum = append(sum, folded...)
		from += n
		parts = append(parts, origin{len(sum), from})
	}
	if !bytes.Equal(sum, whole) { // the parts depend on one another
		return []origin{{}, {len(whole), len(src)}}
	}
	return parts
}

// beginsPart reports whether the character that b begins with stands apart from the one before it: it neither joins it nor is invisible.
func beginsPart(b []byte) bool {
	r, _ := utf8.DecodeRune(b)
	return !isInvisible(r) && norm.NFKC.Properties(b).BoundaryBefore()
}

// spanner turns words that were found into spans of the text.
type spanner struct {
	text  string
	cuts  []cut
	spans []WordSpan
	next  int // the first of cuts that lies behind all words so far
	// The last place whose code point was asked for.
	pos, point int
}

// take takes the words of a stretch that begins at base. Without origins it is not folded.
func (s *spanner) take(words []found, base int, origins []origin) {
	for _, f := range words {
		from, mid, to := int(f.at), int(f.mid), int(f.end)
		if origins != nil {
			from, mid, to = before(origins, from), before(origins, mid), behind(origins, to)
		}
		w := WordSpan{Start: s.codePoint(base + from), End: s.codePoint(base + to), AfterLink: s.passLink(base + from)}
		if f.kind == runPair {
			w.Second = s.codePoint(base + mid)
		}
		s.spans = append(s.spans, w)
	}
}

// before is where the part of the text begins that a place in the folded text came from.
func before(origins []origin, folded int) int {
	i := sort.Search(len(origins), func(i int) bool { return origins[i].folded > folded })
	return origins[max(i-1, 0)].text
}

// behind is where the part of the text ends that what stands before a place in the folded text came from.
func behind(origins []origin, folded int) int {
	i := sort.Search(len(origins), func(i int) bool { return origins[i].folded >= folded })
	return origins[min(i, len(origins)-1)].text
}

// passLink reports whether a URL was left out before a place in the cleaned text, behind the place before.
func (s *spanner) passLink(clean int) (link bool) {
	for ; s.next < len(s.cuts) && s.cuts[s.next].clean <= clean; s.next++ {
		link = link || s.cuts[s.next].link
	}
	return link
}

// codePoint is which code point of the text a place in the cleaned text came from.
func (s *spanner) codePoint(clean int) int {
	pos := clean
	if i := sort.Search(len(s.cuts), func(i int) bool { return s.cuts[i].clean > clean }); i > 0 {
		pos = s.cuts[i-1].text + clean - s.cuts[i-1].clean
	}
	if pos >= s.pos {
		s.point += utf8.RuneCountInString(s.text[s.pos:pos])
	} else {
		s.point -= utf8.RuneCountInString(s.text[pos:s.pos])
	}
	s.pos = pos
	return s.point
}
