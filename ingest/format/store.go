package format

import (
	"fmt"
	"regexp"
	"strings"
)

// An academictwitteR store has, for each answer, data_N.json with the tweets and users_N.json with what came with them.
var storeData = regexp.MustCompile(`^data_\d+\.json(?:\.\w+)?$`)

// maxBeside bounds a file that is read whole, to be joined with the tweets of another.
const maxBeside = 64 << 20

// besides joins the tweets of a store with the file of users beside them. It is false when nobody wants more.
func (b *batcher) besides(at site, rd *reading, emit func(framed) bool) bool {
	base := at.base()
	if at.folder == nil || !storeData.MatchString(base) {
		return true
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(base, "data_"), ".")
	name := at.folder.find("users_" + number + ".json")
	if name == "" {
		return true
	}
	users, err := at.folder.read(name, maxBeside)
	if err == nil {
		if n, st, _ := scan(users); st != done {
			err = jsonError(users, n, st)
		}
	}
	if err != nil {
		return emit(framed{err: fmt.Errorf("%s, which has the authors of these tweets: %w; the tweets are read without them", name, err)})
	}
	pg := &page{includes: users}
	rd.parse = pg.parse
	return true
}
