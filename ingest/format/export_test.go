package format

// Scan is the scanner's judgement of a whole text, for tests: sound, and whether it is too deep to say.
func Scan(b []byte) (sound, tooDeep bool) {
	_, st := scan(b)
	return st == done, st == deep
}
