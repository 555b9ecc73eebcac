package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"

	"github.com/tidwall/gjson"

	"birdwatch/search"
	"birdwatch/tweet"
)

// formatVersion is of the documents' fields. A newer one is not opened; an older one wants the index made again.
const formatVersion = 2

// What one index is for.
const (
	yearly  = "year"
	monthly = "month"
)

// schema is what this process knows of the indices.
type schema struct {
	prefix  string
	monthly bool // fixed once the archive is checked

	mu      sync.Mutex // guards what follows
	periods periods
}

// state, letters and all are names of indices, and of the alias over all periods.
func (s *schema) state() string   { return s.prefix + "-state" }
func (s *schema) letters() string { return s.prefix + "-deadletters" }
func (s *schema) all() string     { return s.prefix }

// alias is the name that a period's index is read and written by.
func (s *schema) alias(p period) string { return s.prefix + "-" + p.String() }

// index is the name of a period's index itself, of a generation.
func (s *schema) index(p period, generation int) string {
	return fmt.Sprintf("%s-%s-%06d", s.prefix, p, generation)
}

// prefixForm are names that Elasticsearch takes for an index.
var prefixForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}$`)

// ErrNewer says that the archive was made by a newer version of this program.
var ErrNewer = errors.New("the archive was made by a newer version of birdwatch: use that one")

// meta is what template and indices say of themselves.
type meta struct {
	Format   int    `json:"format"`
	Analysis int    `json:"analysis"`
	Period   string `json:"period"`
}

func (s *schema) meta() meta {
	m := meta{Format: formatVersion, Analysis: tweet.AnalysisVersion, Period: yearly}
	if s.monthly {
		m.Period = monthly
	}
	return m
}

func (m meta) newer() bool { return m.Format > formatVersion || m.Analysis > tweet.AnalysisVersion }
func (m meta) stale() bool { return m.Format < formatVersion || m.Analysis < tweet.AnalysisVersion }

// ready sees to it, once, that the schema is there and that this program knows its version. It comes before whatever else is asked of
// the server.
func (a *Archive) ready(ctx context.Context) error {
	if a.checked.Load() {
		return nil
	}
	a.schema.mu.Lock()
	defer a.schema.mu.Unlock()
	if a.checked.Load() {
		return nil
	}
	there, err := a.checkTemplate(ctx)
	if err == nil {
		_, err = a.staleIndices(ctx)
	}
	if err == nil && !a.o.ReadOnly {
		there, err = true, a.makeSchema(ctx)
	}
	a.checked.Store(err == nil && there)
	return err
}

// checkTemplate reads what the template says and takes the period from it; false when there is none.
func (a *Archive) checkTemplate(ctx context.Context) (bool, error) {
	body, err := a.call(ctx, http.MethodGet, "/_index_template/"+a.o.Prefix, nil)
	if isMissing(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("index template: %w", err)
	}
	var m meta
	found := gjson.GetBytes(body, "index_templates.0.index_template._meta")
	if err := json.Unmarshal([]byte(found.Raw), &m); err != nil || m.Format == 0 {
		return false, fmt.Errorf("the index template %s is not of birdwatch: choose another prefix", a.o.Prefix)
	}
	if m.newer() {
		return false, fmt.Errorf("%w (format %d, analysis %d)", ErrNewer, m.Format, m.Analysis)
	}
	if a.o.Period != "" && a.o.Period != m.Period {
		a.o.Logger.Warn("the archive keeps the stretch that it was made with", "index of a", m.Period, "asked for", a.o.Period)
	}
	a.schema.monthly = m.Period == monthly
	return true, nil
}

// staleIndices gives the names of those data indices that are of an older format or analysis. One of a newer is an error.
func (a *Archive) staleIndices(ctx context.Context) ([]string, error) {
	body, err := a.call(ctx, http.MethodGet, "/"+a.schema.all()+"/_mapping?filter_path=*.mappings._meta", nil)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("mappings: %w", err)
	}
	var stale []string
	gjson.ParseBytes(body).ForEach(func(name, index gjson.Result) bool {
		var m meta
		switch found := index.Get("mappings._meta"); {
		case json.Unmarshal([]byte(found.Raw), &m) != nil || m.Format == 0:
			err = fmt.Errorf("the index %s is in the alias %s, but was not made by birdwatch", name.Str, a.schema.all())
		case m.newer():
			err = fmt.Errorf("%w (%s has format %d, analysis %d)", ErrNewer, name.Str, m.Format, m.Analysis)
		case m.stale():
			stale = append(stale, name.Str)
		}
		return err == nil
	})
	return stale, err
}

// makeSchema makes template, state index and dead letters, or brings them up to date.
func (a *Archive) makeSchema(ctx context.Context) error {
	if _, err := a.call(ctx, http.MethodPut, "/_index_template/"+a.o.Prefix, a.template()); err != nil {
		return fmt.Errorf("index template: %w", err)
	}
	for _, index := range [...][2]string{{a.schema.state(), stateMappings}, {a.schema.letters(), letterMappings}} {
		body := fmt.Sprintf(`{"settings":{"number_of_shards":1,"number_of_replicas":%d},"mappings":%s}`, a.o.Replicas, index[1])
		if err := a.makeIndex(ctx, index[0], body); err != nil {
			return err
		}
	}
	return a.addFields(ctx)
}

// addFields gives indices that were made before it the field that says where tweets are hidden.
func (a *Archive) addFields(ctx context.Context) error {
	_, err := a.call(ctx, http.MethodPut, "/"+a.schema.all()+"/_mapping", []byte(`{"properties":{"`+hiddenField+`":{"type":"keyword","ignore_above":1024}}}`))
	if err != nil && !isMissing(err) {
		return fmt.Errorf("add fields: %w", err)
	}
	return nil
}

// makeIndex makes an index that may be there already, or be made by another process at the same time.
func (a *Archive) makeIndex(ctx context.Context, name, body string) error {
	if _, err := a.call(ctx, http.MethodHead, "/"+name, nil); err == nil {
		return nil
	}
	_, err := a.call(ctx, http.MethodPut, "/"+name, []byte(body))
	if e := asServerError(err); e != nil && e.has("resource_already_exists_exception") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make index %s: %w", name, err)
	}
	return nil
}

// template is what every index of tweets is made by. It has no alias: an index that is being filled must not be searched.
func (a *Archive) template() []byte {
	t := map[string]any{
		// No id is before 2010 or after 2080.
		"index_patterns": []string{a.o.Prefix + "-0-*", a.o.Prefix + "-20*"},
		"priority":       500,
		"_meta":          a.schema.meta(),
		"template": map[string]any{
			"settings": map[string]any{"index": map[string]any{
				"number_of_shards": a.o.Shards, "number_of_replicas": a.o.Replicas, "refresh_interval": fmt.Sprintf("%dms", a.o.Refresh.Milliseconds()),
				"sort": map[string]any{"field": "id", "order": "desc"},
				// What is purged may come again at once, as the older sighting that it is. Tombstones do not depend on this: they are documents.
				"gc_deletes": "0s",
			}},
			"mappings": map[string]any{"_meta": a.schema.meta(), "dynamic": false, "properties": properties,
				"_source": map[string]any{"excludes": []string{"terms", "forms"}}},
		},
	}
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // of constants
	}
	return b
}

type field = map[string]any

// properties are the fields of a tweet. Searches use only ours (id, first_seq, flags, terms, forms and the figures); the rest is for
// people who look with other tools.
var properties = func() field {
	of := func(typ string) field { return field{"type": typ} }
	kept := field{"type": "long", "index": false, "doc_values": false}
	terms := field{"type": "text", "analyzer": "whitespace", "norms": false}
	p := field{"id": of("long"), "first_seq": of("long"), "flags": of("short"), "at": kept, "body_at": kept, "frame": of("binary"), "terms": terms, "forms": terms,
		"text":     field{"type": "keyword", "index": false, "doc_values": false},
		"location": field{"type": "geo_point", "ignore_malformed": true}}
	for _, name := range figureNames {
		p[name] = of(figureTypes[name])
	}
	// As a number it takes every time that a tweet can have. Other tools want a date.
	p["created_at"] = field{"type": "long", "fields": field{"date": field{"type": "date", "format": "epoch_millis", "ignore_malformed": true}}}
	for _, name := range []string{hiddenField, "author", "author_id", "hashtags", "mentions", "links", "domains", "lang", "source", "place", "country"} {
		p[name] = field{"type": "keyword", "ignore_above": 1024}
	}
	return p
}()

// key is what documents of the two are listed by.
const (
	stateMappings  = `{"dynamic":false,"properties":{"kind":{"type":"keyword"},"key":{"type":"keyword"}}}`
	letterMappings = `{"dynamic":false,"properties":{"key":{"type":"keyword"},"id":{"type":"long"},"seq":{"type":"long"}}}`
)

// errGone says that something was there and is not any more.
var errGone = fmt.Errorf("%w: gone from Elasticsearch", search.ErrUnavailable)

func gone(what string) error { return fmt.Errorf("%w: %s", errGone, what) }
