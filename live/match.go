package live

import "birdwatch/query"

// work is what a match uses and the next one uses again.
type work struct {
	found []uint32 // ids
	spans []span   // of sealed posts: those of the terms that the tweet has
	posts []uint32 // places of sealed posts, then references to programs
	many  []uint32 // ids found of groups with several posts
	tried idSet    // the same
	touch uint32
}

type span struct{ from, to uint32 }

// find gives the ids of the groups that the tweet matches.
func (x *index) find(t *query.Target) []uint32 {
	if x.learns() {
		x.common.learn(&t.Terms)
	}
	x.terms.begin()
	for i := range t.Terms.Words() {
		x.terms.mark(t.Terms.Word(i), uint32(i))
	}
	for i := range t.Terms.Alts() {
		at, form := t.Terms.Alt(i)
		x.terms.mark(form, uint32(at))
	}
	for i := range t.Terms.Fields() {
		x.terms.markField(t.Terms.Field(i), firstField+uint32(i))
	}
	x.terms.exact = t.Terms.Words() <= 64 && t.Terms.Fields() <= 64 && len(x.terms.hits) <= hitsTold
	x.sift(x.gather())
	for _, ref := range x.work.posts {
		x.decide(x.root.code, ref, t)
	}
	for _, hit := range x.terms.hits {
		x.findLoose(hit, t)
	}
	for _, place := range x.always {
		x.decide(x.loose.code, place, t)
	}
	for _, id := range x.work.many {
		x.work.tried.unset(id)
	}
	x.work.many = x.work.many[:0]
	return x.work.found
}

// gather notes the sealed posts whose second term the tweet has, in work.posts. No branch depends on a post: half of them pass,
// and no processor foresees which.
func (x *index) gather() (n int) {
	w, posts, start := &x.work, x.root.posts, x.root.start
	w.spans = w.spans[:0]
	total := 0
	for _, hit := range x.terms.hits {
		if int(hit)+1 >= len(start) {
			continue
		}
		if s := (span{start[hit], start[hit+1]}); s.from < s.to {
			w.spans = append(w.spans, s)
			w.touch += posts[s.from].second // all begin to come from memory before the first is waited for
			total += int(s.to - s.from)
		}
	}
	w.posts = grown(w.posts, total)
	out, seen := w.posts, x.terms.seen
	for _, s := range w.spans {
		for i, p := range posts[s.from:s.to] {
			out[n] = s.from + uint32(i)
			n += one(seen[p.second] != 0)
		}
	}
	return n
}

// sift takes those of the first n gathered posts whose third term is as they want it: found are groups of which that is the whole query,
// work.posts are references to the programs of others.
func (x *index) sift(n int) {
	w, posts, seen := &x.work, x.root.posts, x.terms.seen
	w.found = grown(w.found, n)
	found, refs := w.found, w.posts
	plain, others := 0, 0
	for _, place := range refs[:n] {
		p := &posts[place]
		ok := one(seen[p.third&^notThere] != 0) ^ int(p.third>>31)
		program := int(p.ref >> 31)
		found[plain] = p.ref
		plain += ok &^ program
		refs[others] = p.ref
		others += ok & program
	}
	w.found, w.posts = found[:plain], refs[:others]
	if len(x.dead) == 0 {
		return
	}
	kept := w.found[:0]
	for _, id := range w.found {
		if !x.gone.has(id) {
			kept = append(kept, id)
		}
	}
	w.found = kept
}

// findLoose tries the loose posts of a term.
func (x *index) findLoose(term uint32, t *query.Target) {
	seen := x.terms.seen
	for n := *x.loose.chain(term); n != 0; n = x.loose.nodes[n].next {
		p := &x.loose.nodes[n]
		switch {
		case p.term != term || seen[p.second] == 0 || (seen[p.third&^notThere] != 0) == (p.third&notThere != 0):
		case p.ref&postProgram != 0:
			x.decide(x.loose.code, p.ref, t)
		case !x.gone.has(p.ref):
			x.work.found = append(x.work.found, p.ref)
		}
	}
}

// decide runs a program and adds its group to those found.
func (x *index) decide(code []uint32, ref uint32, t *query.Target) {
	at := int(ref &^ postProgram)
	id, many := code[at]&idMask, code[at]&programMany != 0
	if x.gone.has(id) || many && x.work.tried.has(id) {
		return
	}
	if code[at+1]&^argMask == opMatcher {
		if !x.matchers[id].Match(t) {
			return
		}
	} else if ok, _ := x.terms.run(code, at+1, &t.Figures); !ok {
		return
	}
	if many {
		x.work.tried.set(id)
		x.work.many = append(x.work.many, id)
	}
	x.work.found = append(x.work.found, id)
}

// one is 1 for true.
func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// grown is s with room for one more than n, whatever it holds.
func grown(s []uint32, n int) []uint32 {
	if cap(s) <= n {
		return make([]uint32, n+n/4+64)
	}
	return s[:cap(s)]
}
