package query

import (
	"slices"
)

// everything is how "every tweet" is written where something must stand.
const everything = "include:nativeretweets"

// Build folds e into a T. It is the one walk over an Expr, for all engines.
func Build[T any](e Expr, b Builder[T]) T {
	switch e := e.(type) {
	case and:
		return b.And(buildEach(flat(e.xs), b))
	case or:
		return b.Or(buildEach(e.xs, b))
	case not:
		return b.Not(Build(e.x, b))
	case term:
		return b.Term(e.term)
	case prefix:
		return b.Prefix(e.term)
	case phrase:
		return b.Phrase(e.words, e.prefix)
	case near:
		return b.Near(e.words, e.n)
	case between:
		return b.Range(e.figure, e.lo, e.hi)
	case Circle:
		return b.Circle(e)
	case box:
		return Build(And(e.ranges()...), b)
	case all:
		return b.All()
	}
	panic("query: an Expr of another package")
}

func buildEach[T any](xs []Expr, b Builder[T]) []T {
	ts := make([]T, len(xs))
	for i, x := range xs {
		ts[i] = Build(x, b)
	}
	return ts
}

// flat puts the ranges of boxes among the children of a conjunction.
func flat(xs []Expr) []Expr {
	if !slices.ContainsFunc(xs, func(x Expr) bool { _, is := x.(box); return is }) {
		return xs
	}
	var ys []Expr
	for _, x := range xs {
		if b, is := x.(box); is {
			ys = append(ys, b.ranges()...)
		} else {
			ys = append(ys, x)
		}
	}
	return ys
}
