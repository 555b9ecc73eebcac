package tweet

// AddTextFull is AddText without the short ways: the whole text folded by the rules and segmented as one, for the tests
// that hold both equal.
func (t *Terms) AddTextFull(text string, e *Entities, shift int) {
	w := &t.work
	var urls []URL
	if e != nil {
		urls = e.URLs
	}
	w.clean = appendCut(w.clean[:0], text, urls, shift, nil)
	w.found = w.found[:0]
	w.folded = w.foldFull(w.folded[:0], w.clean)
	(&run{t: t}).tokens(0)
	t.takeWords()
}

// Folder gives both ways of folding.
type Folder struct{ w scratch }

// Fold is the folding that AddText uses.
func (f *Folder) Fold(s string) string { return string(f.w.fold(nil, []byte(s))) }

// FoldFull is Fold by the rules alone.
func (f *Folder) FoldFull(s string) string { return string(f.w.foldFull(nil, []byte(s))) }

// PageKinds counts how the characters of a page are folded.
func PageKinds(first rune) (byRules, alone, bare, mark int) {
	for _, c := range newPage(first) {
		switch c.fold {
		case foldByRules:
			byRules++
		case foldAlone:
			alone++
		case foldBare:
			bare++
		case foldMark:
			mark++
		}
	}
	return byRules, alone, bare, mark
}
