package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// rule is one that the server has.
type rule struct {
	ID    string `json:"id"`
	Value string `json:"value"`
	Tag   string `json:"tag,omitempty"`
	match func(payload []byte) bool
}

// rules are those of all accounts together: an app has one set.
type rules struct {
	mu   sync.Mutex // guards what follows
	all  []rule
	last int64
}

func (r *rules) now() []rule {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

func (s *Server) listRules(w http.ResponseWriter, r *http.Request) error {
	all := s.rules.now()
	answer := map[string]any{"meta": map[string]any{"sent": s.o.Now().UTC().Format(time.RFC3339Nano), "result_count": len(all)}}
	if len(all) > 0 {
		answer["data"] = all
	}
	writeX(w, http.StatusOK, answer)
	return nil
}

// changeRules answers POST …/rules.
func (s *Server) changeRules(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Add    []rule
		Delete *struct{ IDs, Values []string }
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil || json.Unmarshal(b, &body) != nil || (len(body.Add) == 0) == (body.Delete == nil) {
		return xProblem(http.StatusBadRequest, "Invalid Request", "The body has to have add or delete.", "invalid-request")
	}
	dry := r.URL.Query().Get("dry_run") == "true"
	meta := map[string]any{"sent": s.o.Now().UTC().Format(time.RFC3339Nano)}
	if d := body.Delete; d != nil {
		n := s.rules.remove(append(d.IDs, d.Values...), dry)
		meta["summary"] = map[string]int{"deleted": n, "not_deleted": len(d.IDs) + len(d.Values) - n}
		writeX(w, http.StatusOK, map[string]any{"meta": meta})
		return nil
	}
	added, faults := s.addRules(body.Add, dry)
	meta["summary"] = map[string]int{"created": len(added), "not_created": len(faults), "valid": len(added), "invalid": len(faults)}
	answer := map[string]any{"meta": meta}
	if len(added) > 0 {
		answer["data"] = added
	}
	if len(faults) > 0 {
		answer["errors"] = faults
	}
	writeX(w, http.StatusCreated, answer)
	return nil
}

func (s *Server) addRules(add []rule, dry bool) (added []rule, faults []any) {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	most := s.o.X.MaxRules
	if most <= 0 {
		most = 1000
	}
	all := slices.Clone(s.rules.all)
	for _, r := range add {
		var err error
		if i := slices.IndexFunc(all, func(h rule) bool { return h.Value == r.Value }); i >= 0 {
			faults = append(faults, map[string]any{"value": r.Value, "id": all[i].ID, "title": "DuplicateRule", "type": xProblems + "duplicate-rules"})
			continue
		}
		if len(all) >= most {
			faults = append(faults, map[string]any{"value": r.Value, "title": "RulesCapExceeded", "type": xProblems + "rule-cap", "details": []string{fmt.Sprintf("there are %d rules, no more are allowed", most)}})
			continue
		}
		if r.match, err = s.o.X.Rule(r.Value); err != nil {
			faults = append(faults, map[string]any{"value": r.Value, "title": "UnprocessableEntity", "type": xProblems + "invalid-rules", "details": []string{err.Error()}})
			continue
		}
		s.rules.last++
		r.ID = strconv.FormatInt(1_400_000_000_000_000_000+s.rules.last, 10)
		all, added = append(all, r), append(added, r)
	}
	if !dry {
		s.rules.all = all
	}
	return added, faults
}

// remove deletes rules by their ids or values, and gives how many there were.
func (r *rules) remove(names []string, dry bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	named := func(h rule) bool { return slices.Contains(names, h.ID) || slices.Contains(names, h.Value) }
	n := 0
	for _, h := range r.all {
		if named(h) {
			n++
		}
	}
	if !dry {
		r.all = slices.DeleteFunc(slices.Clone(r.all), named)
	}
	return n
}
