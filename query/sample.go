package query

import (
	"math"

	"birdwatch/tweet"
)

// SampleOf is which hundredth of all tweets an id belongs to, 0 to 99: by a fixed hash, so that every engine has the same ones. The
// square keeps ids that come at even distances, as those of robots do, from being in or out together. All of it is within int64, so that
// databases can compute it.
func SampleOf(id tweet.ID) int64 {
	x := int64(id)
	low, mid, high := x&(1<<21-1), x>>21&(1<<21-1), x>>42
	y := (low*7_368_787 + mid*1_915_587_277 + high*1_267_000_013) % 2_147_483_647
	return y * y % 1_999_999_973 % 100
}

// RelevancyOf orders tweets by how much they may matter: each tenfold of what readers did with one counts as much as 12 hours of
// being newer. It is a whole number of seconds, the same in every engine.
func RelevancyOf(createdAt, likes, reposts, replies, quotes int64) int64 {
	did := float64(max(likes, 0)) + 2*float64(max(reposts, 0)) + float64(max(replies, 0)) + 2*float64(max(quotes, 0))
	return createdAt/1000 + int64(math.Log10(1+did)*12*60*60)
}
