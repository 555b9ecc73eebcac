package elastic

import "birdwatch/tweet"

// Present is what a writer knows of the ids of a period.
type Present struct{ present }

func NewPresent(highest tweet.ID, most int) *Present {
	return &Present{present{highest, map[tweet.ID]struct{}{}, most}}
}

func (p *Present) Perhaps(id tweet.ID) bool { return p.perhaps(id) }
func (p *Present) Add(id tweet.ID)          { p.add(id) }
