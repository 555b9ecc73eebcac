package query

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// entityAhead finds the row of #tag, $CASH or @name and the length of its sign. A $ before a digit is money.
func entityAhead(s string) (o *Operator, sign int) {
	r, n := utf8.DecodeRuneInString(s)
	switch r {
	case '#', '＃':
		return named["#"], n
	case '@', '＠':
		return named["@"], n
	case '$', '＄':
		if next, _ := utf8.DecodeRuneInString(s[n:]); unicode.IsLetter(next) {
			return named["$"], n
		}
	}
	return nil, 0
}

func (p *parser) entity(o *Operator, sign int) Expr {
	start := p.pos
	p.pos = p.tokenEnd(start)
	v := value{text: p.text[start+sign : p.pos], pos: start, end: p.pos, start: start}
	return p.leaf(start, o.parse(p, o, v))
}

// quoted reads a phrase and its ~N.
func (p *parser) quoted() Expr {
	start := p.pos
	text := p.quotes()
	end := p.pos
	if p.pos < len(p.text) && p.text[p.pos] == '*' {
		p.fail(p.pos, p.pos+1, "a star cannot follow a phrase", "write the star after a word")
	}
	if p.pos == len(p.text) || p.text[p.pos] != '~' {
		return p.leaf(start, p.textLeaf(start, end, text, false))
	}
	n := p.apart()
	words := p.nearWords(start, end, text)
	printed := quote(canonical(words, text)) + "~" + strconv.Itoa(n)
	return p.leaf(start, near{printed, texts(0, words), n})
}

// apart reads ~N.
func (p *parser) apart() int {
	start := p.pos
	p.pos = p.tokenEnd(start)
	digits := p.text[start+1 : p.pos]
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > MaxApart || digits[0] < '0' || digits[0] > '9' {
		p.fail(start, p.pos, "after ~ stands no number from 1 to 20", `write "two words"~5`)
	}
	return n
}

// quotes reads a text in quotes; \" is a quote and \\ a backslash.
func (p *parser) quotes() string {
	start := p.pos
	for i := start + 1; i < len(p.text); i++ {
		switch p.text[i] {
		case '\\':
			i++
		case '"':
			p.pos = i + 1
			return unescape.Replace(p.text[start+1 : i])
		}
	}
	p.pos = len(p.text)
	p.fail(start, start+1, "this quote is never closed", `put a " where the text ends; a quote in the text is \"`)
	return ""
}

var (
	unescape = strings.NewReplacer(`\"`, `"`, `\\`, `\`)
	escape   = strings.NewReplacer(`"`, `\"`, `\`, `\\`)
)

// quote writes s so that quotes reads it.
func quote(s string) string {
	if strings.ContainsAny(s, `"\`) {
		s = escape.Replace(s)
	}
	return `"` + s + `"`
}

// bare reads a word, an operator, a time or a URL.
func (p *parser) bare() Expr {
	start, end := p.pos, p.tokenEnd(p.pos)
	token := p.text[start:end]
	if colon := strings.IndexByte(token, ':'); colon > 0 {
		after := token[colon+1:]
		switch {
		case strings.HasPrefix(after, "//"):
			end = p.urlEnd(start)
			p.pos = end
			o := named["url"]
			return p.leaf(start, o.parse(p, o, value{text: p.text[start:end], pos: start, end: end, start: start}))
		case !timeLike(token[0], after):
			return p.operator(colon)
		}
	}
	p.pos = end
	text, star := strings.CutSuffix(token, "*")
	if i := strings.IndexByte(text, '*'); i >= 0 || text == "" {
		p.fail(start+max(i, 0), start+max(i, 0)+1, "a star may stand only at the end of a word", `write abc*; to search for the text itself use quotes`)
	}
	if i := strings.LastIndexByte(text, '~'); i > 0 && digitsOnly(text[i+1:]) {
		p.fail(start+i, end, "~N may follow only a phrase", `write "two words"~5`)
	}
	return p.leaf(start, p.textLeaf(start, end, text, star))
}

// timeLike tells 12:30 from an operator.
func timeLike(first byte, after string) bool {
	return first >= '0' && first <= '9' && after != "" && after[0] >= '0' && after[0] <= '9'
}

func digitsOnly(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// urlEnd is where a bare URL ends: parentheses belong to it as long as they are balanced.
func (p *parser) urlEnd(pos int) int {
	open := 0
	for ; pos < len(p.text); pos++ {
		switch rest := p.text[pos:]; {
		case rest[0] == '(':
			open++
		case rest[0] == ')' && open > 0:
			open--
		case delimits(rest):
			return pos
		}
	}
	return pos
}

// value is what stands after an operator's colon, or after an entity's sign.
type value struct {
	text     string
	quoted   bool
	start    int // where the operator begins
	pos, end int // where the value stands
}

// operator reads NAME:value, whose colon stands colon bytes from here.
func (p *parser) operator(colon int) Expr {
	start := p.pos
	name := strings.ToLower(p.text[start : start+colon])
	o := named[name]
	if o == nil || o.Kind == KindEntity {
		p.unknown(start, start+colon, name)
	}
	p.pos = start + colon + 1
	v := value{start: start, pos: p.pos}
	switch rest := p.text[p.pos:]; {
	case rest == "" || delimits(rest) && rest[0] != '"':
		p.fail(start, p.pos, "after "+name+": a value is missing", "write it without a blank, such as "+o.Example)
	case rest[0] == '"':
		v.text, v.quoted = p.quotes(), true
	case rest[0] == '[':
		n := strings.IndexByte(rest, ']')
		if n < 0 {
			p.fail(p.pos, p.pos+1, "this bracket is never closed", "put a ] after the last number")
		}
		v.text, p.pos = rest[:n+1], p.pos+n+1
	case o.Kind == KindURL:
		p.pos = p.urlEnd(p.pos)
		v.text = p.text[v.pos:p.pos]
	default:
		p.pos = p.tokenEnd(p.pos)
		v.text = p.text[v.pos:p.pos]
	}
	v.end = p.pos
	return p.leaf(start, o.parse(p, o, v))
}

// unknown refuses a name before a colon that is no operator's.
func (p *parser) unknown(start, end int, name string) {
	if reason := refused(name); reason != nil {
		p.fail(start, end, reason.message(name), reason.hint)
	}
	whole := p.text[start:p.tokenEnd(start)]
	hint := "to search for the text itself, write " + quote(excerpt(whole))
	if near := nearest(name, operatorNames); near != "" {
		hint = "did you mean " + near + ":? Or, " + hint
	}
	p.fail(start, end, "no operator is named "+strconv.Quote(excerpt(p.text[start:end])), hint)
}
