package embedded

import "birdwatch/query"

// Parts is how many walks a query takes, and whether one of them has to be checked.
func Parts(e query.Expr) (n int, check bool) {
	parts := partsOf(e)
	for _, p := range parts {
		check = check || p.check
	}
	return len(parts), check
}
