package elastic

import (
	"math"

	"birdwatch/query"
	"birdwatch/tweet"
)

// Compiled gives the query that finds all matches and the one that finds only matches; equal where the server can decide.
func Compiled(e query.Expr) (most, sure string) {
	c := compile(e)
	every := interval{1, math.MaxInt64}
	return c.most().where(every), c.sure().where(every)
}

// Stored is a tweet as it is stored.
func Stored(p *tweet.Payload) ([]byte, error) {
	b, err := tweet.Encode(p)
	if err != nil {
		return nil, err
	}
	d := tweet.NewDocument(&tweet.Record{ID: p.Data.ID, Payload: b}, 1)
	return appendContent(appendHead(nil, d, nil), d, p, nil)
}

// Inside is inside.
func Inside(c query.Circle) query.Expr { return inside(c) }
