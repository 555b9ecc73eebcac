package embedded

import (
	"fmt"

	"birdwatch/query"
	"birdwatch/search"
)

// Explanation is what a query means to SQLite: the walks whose finds are merged, by id, until a page is full. None: nothing can match.
type Explanation struct {
	Walks []Walk `json:"walks"`
	// Checked says that the walks find every match and may find others: each find is decided by the matcher.
	Checked bool `json:"checked"`
}

// Walk is one of them. Match is what the full-text index is asked, where it is; terms of entities begin with characters of private use.
type Walk struct {
	SQL   string `json:"sql"`
	Match string `json:"match,omitempty"`
	Args  []any  `json:"args,omitempty"` // the others
}

// Explain gives the Explanation of an expression; it is encoded as JSON.
func (a *Archive) Explain(e query.Expr) any {
	p := planOf(&search.Request{Query: e}, false)
	x := Explanation{Walks: []Walk{}, Checked: p.matcher != nil}
	for i := range p.parts {
		part := &p.parts[i]
		text, _, args := p.from(part, false)
		w := Walk{SQL: text, Args: args}
		if fts := part.fts(); fts != "" {
			w.Match, w.Args = fts, args[1:]
		}
		for i, arg := range w.Args {
			w.Args[i] = fmt.Sprint(arg) // numbers exceed what JavaScript holds
		}
		x.Walks = append(x.Walks, w)
	}
	return x
}
