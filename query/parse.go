package query

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a query. They are checked before anything is made of it.
const (
	// MaxLength is how many characters (code points) a query may have, as written and as String prints it.
	MaxLength = 4096
	// MaxLeaves is how many words, phrases and operators it may have.
	MaxLeaves = 512
	// MaxNesting is how deep parentheses may stand in one another, and how many alternating
	// conjunctions and disjunctions. Elasticsearch 7 refuses more than 20.
	MaxNesting = 16
	// MaxNear is how many words a phrase with ~N may have.
	MaxNear = 32
	// MaxApart is the greatest N of ~N.
	MaxApart = 20
	// MinPrefix is how many characters must stand before a star.
	MinPrefix = 2
)

// Query is a text that was parsed.
type Query struct {
	Expr Expr
	Text string // as it was given; Expr.String() has every instant resolved
	// Relative says that it names times relative to now.
	Relative bool
	// Until is the instant from which nothing can match, required by its
	// conjunction; zero when there is none.
	Until time.Time
}

// Parse reads a query. Times relative to now are resolved here, once. The error is a *SyntaxError.
func Parse(text string, now time.Time) (q *Query, err error) {
	p := &parser{text: text, now: now}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*SyntaxError)
			if !ok {
				panic(r)
			}
			q, err = nil, e
		}
	}()
	p.bound()
	q = &Query{Text: text, Expr: All()}
	if p.blanks(); p.pos < len(text) {
		q.Expr = p.or("the query")
	}
	if p.pos < len(text) {
		p.fail(p.pos, p.pos+1, "this parenthesis closes nothing", "take it away, or open one before it")
	}
	p.boundNormal(q.Expr)
	q.Relative = p.relative
	if ms, ok := endOf(q.Expr); ok {
		q.Until = time.UnixMilli(ms).UTC()
	}
	return q, nil
}

// parser is a recursive descent over text. It panics with a *SyntaxError, which Parse takes up.
type parser struct {
	text     string
	pos      int
	now      time.Time
	depth    int // parentheses that are open
	deepest  int // where the deepest one stands
	deep     int // and how deep that is
	leaves   int
	relative bool
}

func (p *parser) fail(pos, end int, message, hint string) {
	panic(&SyntaxError{Text: p.text, Pos: pos, End: min(max(end, pos), len(p.text)), Message: message, Hint: hint})
}

// bound refuses what is too long, or no text, before it is looked at.
func (p *parser) bound() {
	if len(p.text) > MaxLength {
		n := 0
		for i := range p.text {
			if n++; n > MaxLength {
				p.fail(i, len(p.text), "the query is longer than 4,096 characters", "split it into several queries")
			}
		}
	}
	for i, r := range p.text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(p.text[i:], "\uFFFD"):
			p.fail(i, i+1, "this byte is not UTF-8", "send the query as UTF-8")
		case r >= firstPrivate && r <= lastPrivate:
			p.fail(i, i+utf8.RuneLen(r), "private-use characters cannot be searched", "take it away")
		}
	}
}

// boundNormal holds the normal form to the limits that its own text must pass.
func (p *parser) boundNormal(e Expr) {
	// grows is the least length of a text whose normal form can exceed MaxLength: folding and the writing
	// out of times make no more than 18 characters of one.
	const grows = MaxLength / 18
	if len(p.text) > grows && utf8.RuneCountInString(e.String()) > MaxLength {
		p.fail(0, len(p.text), "the query is longer than 4,096 characters when it is written out", "split it into several queries")
	}
	if p.deep > MaxNesting/2-1 && height(e) > MaxNesting {
		p.fail(p.deepest, p.deepest+1, "the query is nested deeper than 16", "use fewer parentheses")
	}
}

// or reads a disjunction; what says for whom, in errors.
func (p *parser) or(what string) Expr {
	first := p.and(what)
	if p.orAhead() == 0 {
		return first
	}
	xs := []Expr{first}
	for n := p.orAhead(); n > 0; n = p.orAhead() {
		p.pos += n
		p.blanks()
		xs = append(xs, p.and("OR"))
	}
	return Or(xs...)
}

// orAhead is the length of the OR that stands here, 0 for none.
func (p *parser) orAhead() int {
	switch {
	case p.pos == len(p.text):
	case p.text[p.pos] == '|':
		return len("|")
	case p.keyword("OR"):
		return len("OR")
	}
	return 0
}

// and reads a conjunction, up to the end, a closing parenthesis or an OR.
func (p *parser) and(after string) Expr {
	p.operand(after)
	first := p.unary()
	p.blanks()
	if p.pos == len(p.text) {
		return first
	}
	xs := []Expr{first}
	for p.pos < len(p.text) && p.text[p.pos] != ')' && p.orAhead() == 0 {
		if p.keyword("AND") {
			p.pos += len("AND")
			p.blanks()
			p.operand("AND")
		}
		xs = append(xs, p.unary())
		p.blanks()
	}
	return And(xs...)
}

// operand makes sure that something stands here that an operator or a parenthesis can hold.
func (p *parser) operand(after string) {
	what := ""
	switch {
	case p.pos == len(p.text):
		p.fail(p.pos, p.pos, "after "+after+" something is missing", "a word, a phrase or an operator")
	case p.text[p.pos] == ')':
		p.fail(p.pos, p.pos+1, "after "+after+" something is missing before the parenthesis", "a word, a phrase or an operator")
	case p.text[p.pos] == '|':
		what = "|"
	case p.keyword("OR"):
		what = "OR"
	case p.keyword("AND"):
		what = "AND"
	default:
		return
	}
	p.fail(p.pos, p.pos+len(what), what+" has nothing on its left", "put a word before it; for the word itself write it in quotes")
}

// unary reads a primary with the negation before it.
func (p *parser) unary() Expr {
	start, sign := p.pos, "-"
	switch {
	case p.text[p.pos] == '-':
		p.pos++
		if p.pos == len(p.text) || p.blankAhead() {
			p.fail(start, p.pos, "after - something is missing", "write -word, without a blank between")
		}
	case p.keyword("NOT"):
		sign = "NOT"
		p.pos += len(sign)
		p.blanks()
	default:
		return p.primary()
	}
	p.operand(sign)
	if p.text[p.pos] == '-' || p.keyword("NOT") {
		p.fail(start, p.pos+1, "two negations follow each other", "take both away")
	}
	return Not(p.primary())
}

func (p *parser) primary() Expr {
	switch c := p.text[p.pos]; {
	case c == '(':
		return p.group()
	case c == '"':
		return p.quoted()
	}
	if o, sign := entityAhead(p.text[p.pos:]); o != nil {
		return p.entity(o, sign)
	}
	return p.bare()
}

func (p *parser) group() Expr {
	start := p.pos
	p.depth++
	if p.depth > MaxNesting {
		p.fail(start, start+1, "parentheses are nested deeper than 16", "use fewer of them")
	}
	if p.depth > p.deep {
		p.deep, p.deepest = p.depth, start
	}
	p.pos++
	p.blanks()
	e := p.or("(")
	if p.pos == len(p.text) {
		p.fail(start, start+1, "this parenthesis is never closed", "put a ) where the group ends")
	}
	p.pos++
	p.depth--
	return e
}

// leaf counts one leaf and gives it back.
func (p *parser) leaf(pos int, e Expr) Expr {
	if p.leaves++; p.leaves > MaxLeaves {
		p.fail(pos, p.pos, "the query has more than 512 words, phrases and operators", "split it into several queries")
	}
	return e
}

// keyword reports whether the bare token here is exactly the word.
func (p *parser) keyword(word string) bool {
	rest := p.text[p.pos:]
	return strings.HasPrefix(rest, word) && (len(rest) == len(word) || delimits(rest[len(word):]))
}

func (p *parser) blanks() {
	for p.pos < len(p.text) {
		r, n := utf8.DecodeRuneInString(p.text[p.pos:])
		if !unicode.IsSpace(r) {
			return
		}
		p.pos += n
	}
}

func (p *parser) blankAhead() bool {
	r, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	return unicode.IsSpace(r)
}

// delimits reports whether a bare token ends before s.
func delimits(s string) bool {
	switch c := s[0]; {
	case c == '(' || c == ')' || c == '"' || c == '|':
		return true
	case c < utf8.RuneSelf:
		return c == ' ' || c >= '\t' && c <= '\r'
	}
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(r)
}

// tokenEnd is where the bare token that begins at pos ends.
func (p *parser) tokenEnd(pos int) int {
	for pos < len(p.text) && !delimits(p.text[pos:]) {
		pos++
	}
	return pos
}
