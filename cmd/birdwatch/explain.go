package main

import (
	"birdwatch/api"
	"birdwatch/query"
)

// explainers say what each engine makes of a query.
func (r *running) explainers() map[string]api.Explainer {
	m := map[string]api.Explainer{"live": func(e query.Expr) (any, error) { return r.hub.Explain(e), nil }}
	if a, ok := r.archive.(interface{ Explain(query.Expr) any }); ok {
		m["archive"] = func(e query.Expr) (any, error) { return a.Explain(e), nil }
	}
	return m
}
