package replay

// Members gives the keys and values of an object, as the splicing sees them.
func Members(b []byte) (keys, values []string) {
	members(b, 0, func(key, value []byte, at int) {
		if string(b[at:at+len(value)]) != string(value) {
			panic("the place is not the value's")
		}
		keys, values = append(keys, string(key)), append(values, string(value))
	})
	return keys, values
}

// Rewrite gives the lines as they are sent.
func Rewrite(o Options, lines ...[]byte) (out [][]byte, ids []int64) {
	r := newRewriter(newNumbers(o.Now, o.Seed), o)
	for _, line := range lines {
		m := parseMessage(line)
		b, id := r.apply(&m, o.Now())
		out, ids = append(out, b), append(ids, id)
	}
	return out, ids
}

// Match decides on one tweet.
func Match(raw []byte, track string) bool {
	terms, err := parseTrack(track)
	if err != nil {
		panic(err)
	}
	f := filter{track: terms}
	return f.match(raw)
}
