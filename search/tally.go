package search

// Count counts n tweets more that write a value of a facet so; i is the facet's place among those of NewTally. It is for engines
// that count written forms themselves: what Values gives, each once a tweet.
func (t *Tally) Count(i int, value string, n int64) { t.counts[i][value] += n }
