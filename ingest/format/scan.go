package format

import "encoding/binary"

// state is what a scan has come to.
type state uint8

const (
	more   state = iota // sound so far, but not at an end
	done                // one whole value
	broken              // no JSON
	deep                // nests deeper than maxDepth
)

// What the scanner may meet next.
const (
	wantValue   = iota // a value
	wantElement        // a value or ]
	wantKey            // a string
	wantMember         // a string or }
	wantColon
	wantComma // a comma, or what closes
)

// scanner checks JSON, in one pass and no stricter or laxer than encoding/json.Valid, several times as fast. A text may be fed
// in pieces that end at a line end: no token goes over one.
type scanner struct {
	want  uint8
	depth int
	list  [maxDepth + 1]bool // by depth: an array, not an object
	keys  keys               // of the outermost object
}

// feed takes the next piece; n is where it ended or broke.
func (s *scanner) feed(b []byte) (n int, st state) {
	for i := 0; i < len(b); {
		c := b[i]
		if c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			i++
			continue
		}
		next := -1
		switch s.want {
		case wantColon:
			if c == ':' {
				s.want, next = wantValue, i+1
			}
		case wantComma:
			next = s.after(c, i)
		case wantKey, wantMember:
			if c == '"' {
				if next = endOfString(b, i+1); next > 0 {
					s.want = wantColon
					if s.depth == 1 {
						s.keys |= keyOf(b[i+1 : next-1])
					}
				}
			} else if c == '}' && s.want == wantMember {
				next = s.close(i)
			}
		default:
			switch {
			case c == '{' || c == '[':
				if !s.open(c) {
					return i, deep
				}
				next = i + 1
			case c == ']' && s.want == wantElement:
				next = s.close(i)
			default:
				next = endOfScalar(b, i)
				s.want = wantComma
			}
		}
		if next < 0 {
			return i, broken
		}
		if i = next; s.depth == 0 && s.want == wantComma {
			return i, done
		}
	}
	return len(b), more
}

func (s *scanner) open(c byte) bool {
	if s.depth++; s.depth > maxDepth {
		return false
	}
	s.list[s.depth] = c == '['
	if s.want = wantMember; c == '[' {
		s.want = wantElement
	}
	return true
}

func (s *scanner) close(i int) int {
	s.depth--
	s.want = wantComma
	return i + 1
}

// after takes what stands behind a value inside an object or array.
func (s *scanner) after(c byte, i int) int {
	switch {
	case c == ',' && s.list[s.depth]:
		s.want = wantValue
	case c == ',':
		s.want = wantKey
	case c == ']' && s.list[s.depth], c == '}' && !s.list[s.depth]:
		return s.close(i)
	default:
		return -1
	}
	return i + 1
}

// plainByte are the bytes that mean nothing special inside a string.
var plainByte = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// arePlain reports whether eight bytes are plain ones, all together.
func arePlain(w uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, backslash := w^ones*'"', w^ones*'\\'
	return ((w-ones*' ')&^w|(quote-ones)&^quote|(backslash-ones)&^backslash)&highs == 0
}

// endOfString is where the string ends whose first byte, behind the quote, is b[i]; -1 when it does not.
func endOfString(b []byte, i int) int {
	for i < len(b) {
		for i+8 <= len(b) && arePlain(binary.LittleEndian.Uint64(b[i:])) {
			i += 8
		}
		for i < len(b) && plainByte[b[i]] {
			i++
		}
		if i == len(b) {
			break
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c != '\\' || i+1 >= len(b):
			return -1
		default:
			switch b[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if i+6 > len(b) || !isHex(b[i+2]) || !isHex(b[i+3]) || !isHex(b[i+4]) || !isHex(b[i+5]) {
					return -1
				}
				i += 6
			default:
				return -1
			}
		}
	}
	return -1
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// endOfScalar is where the string, number or word that begins at b[i] ends; -1 when it is none.
func endOfScalar(b []byte, i int) int {
	switch b[i] {
	case '"':
		return endOfString(b, i+1)
	case 't':
		return endOfWord(b, i, "true")
	case 'f':
		return endOfWord(b, i, "false")
	case 'n':
		return endOfWord(b, i, "null")
	}
	return endOfNumber(b, i)
}

func endOfWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

func endOfNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	begin := i
	if i = skipDigits(b, i); i == begin || b[begin] == '0' && i > begin+1 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		begin = i + 1
		if i = skipDigits(b, begin); i == begin {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		begin = i
		if i = skipDigits(b, i); i == begin {
			return -1
		}
	}
	return i
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}
