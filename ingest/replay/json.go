package replay

import "bytes"

// members calls f with every key and value of the object that b begins with (after blanks). base is the place
// of b in the whole, and at the value's place in it. Keys are as written, without their quotes. It is
// lenient: of broken JSON it gives what comes before the damage, and it never reads past b.
func members(b []byte, base int, f func(key, value []byte, at int)) {
	i := blank(b, 0)
	if i >= len(b) || b[i] != '{' {
		return
	}
	for i = blank(b, i+1); i < len(b) && b[i] == '"'; i = blank(b, i+1) {
		end := skipString(b, i)
		if end < 0 {
			return
		}
		key := b[i+1 : end-1]
		if i = blank(b, end); i >= len(b) || b[i] != ':' {
			return
		}
		start := blank(b, i+1)
		if end = skip(b, start); end < 0 {
			return
		}
		f(key, b[start:end], base+start)
		if i = blank(b, end); i >= len(b) || b[i] != ',' {
			return
		}
	}
}

// elements is members for a list.
func elements(b []byte, base int, f func(value []byte, at int)) {
	i := blank(b, 0)
	if i >= len(b) || b[i] != '[' {
		return
	}
	for {
		start := blank(b, i+1)
		end := skip(b, start)
		if end < 0 {
			return
		}
		f(b[start:end], base+start)
		if i = blank(b, end); i >= len(b) || b[i] != ',' {
			return
		}
	}
}

// skip gives the end of the value that starts at i; -1 when there is none or it does not end.
func skip(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	n := bytes.IndexAny(b[i:], ",]}: \t\r\n\"")
	switch n {
	case 0:
		return -1
	case -1:
		return len(b)
	}
	return i + n
}

func skipNested(b []byte, i int) int {
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end := skipString(b, i)
			if end < 0 {
				return -1
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}
