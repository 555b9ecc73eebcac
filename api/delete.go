package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"birdwatch/search"
	"birdwatch/tweet"
)

// DeletePage is what DELETE /2/tweets answers: the tweets that were deleted, or would be, newest first.
type DeletePage struct {
	Data []DeletedTweet `json:"data"`
	Meta struct {
		ResultCount int  `json:"result_count"`
		DryRun      bool `json:"dry_run,omitempty"`
		// Next is the [until_id] that goes on, where there are more.
		Next string `json:"next_until_id,omitempty"`
	} `json:"meta"`
}

// DeletedTweet is one of a DeletePage.
type DeletedTweet struct {
	ID tweet.ID `json:"id,string"`
}

var removeParameters = []string{"query", "user_id", "dry_run", "until_id", "max_results"}

// removeMost bounds how many tweets one request deletes.
const removeMost = 500

// removeAll answers DELETE /2/tweets: all tweets that match a query, a page at a time, or those of a user, then and later. Hidden tweets are
// among them.
func (s *Server) removeAll(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, removeParameters...)
	if err != nil {
		return err
	}
	n, err := p.number("max_results", 1, removeMost, removeMost)
	if err != nil {
		return err
	}
	dry, err := p.flag("dry_run")
	if err != nil {
		return err
	}
	r := search.Request{Limit: n, Hidden: true}
	if r.BeforeID, err = p.id("until_id"); err != nil {
		return err
	}
	text, by := p.get("query"), "query: "+p.get("query")
	switch user, err := p.id("user_id"); {
	case err != nil:
		return err
	case user != 0 && p.has("query"), user == 0 && strings.TrimSpace(text) == "":
		return invalid("query", text, "One of [query] and [user_id] is needed, and only one.")
	case user != 0:
		if text = "from:" + user.String(); !dry {
			if err := s.Intake.DeleteUser(c.Request().Context(), user); err != nil {
				return err
			}
		}
		by = "user: " + user.String()
	}
	q, err := s.parseQuery(text, s.now())
	if err != nil {
		return err
	}
	r.Query = q.Expr
	return s.removeFound(c, r, dry, by)
}

func (s *Server) removeFound(c echo.Context, r search.Request, dry bool, by string) error {
	found, err := s.Searcher.Search(c.Request().Context(), r)
	if err != nil {
		return err
	}
	page := DeletePage{Data: []DeletedTweet{}}
	ids := make([]tweet.ID, len(found.Hits))
	for i, h := range found.Hits {
		ids[i] = h.ID
		page.Data = append(page.Data, DeletedTweet{h.ID})
	}
	if page.Meta.ResultCount, page.Meta.DryRun = len(ids), dry; found.More {
		page.Meta.Next = strconv.FormatInt(int64(ids[len(ids)-1]), 10)
	}
	if !dry && len(ids) > 0 {
		if _, err := s.Intake.Delete(c.Request().Context(), ids, by); err != nil {
			return err
		}
	}
	return writeJSON(c, http.StatusOK, page)
}
