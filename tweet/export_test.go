package tweet

// AddTextFull is AddText without the short way for ASCII, for the tests that hold the two equal.
func (t *Terms) AddTextFull(text string, e *Entities, shift int) {
	t.work.clean = appendClean(t.work.clean[:0], text, e, shift)
	t.segmentFull(0, func(s span, _ wordKind) { t.words = append(t.words, s) })
	t.addAlts()
}
