package tweet

import (
	"strings"
	"unicode/utf8"
)

// IsMedia reports whether a link leads to the tweet's own media; older payloads show it by the address only.
func (u *URL) IsMedia() bool {
	return u.MediaKey != "" || strings.HasPrefix(u.DisplayURL, "pic.twitter.com/") || strings.HasPrefix(u.DisplayURL, "pic.x.com/")
}

// URLs finds the addresses in a text that came without entities. They have no positions.
func URLs(text string) (urls []URL) {
	for {
		i := strings.Index(text, "http")
		if i < 0 {
			return urls
		}
		text = text[i:]
		n := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r >= utf8.RuneSelf || r == '"' || r == '<' || r == '>' })
		if n < 0 {
			n = len(text)
		}
		address := strings.TrimRight(text[:n], ".,:;!?'\")]}")
		_, rest, ok := strings.Cut(address, "://")
		if ok && rest != "" && (strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://")) {
			urls = append(urls, URL{URL: address})
		} else {
			n = len("http")
		}
		text = text[n:]
	}
}
