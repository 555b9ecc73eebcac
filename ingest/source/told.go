package source

import (
	"context"
	"strings"
)

// ToldError is an error that a server told in the stream before it ended it.
type ToldError struct {
	Title, Detail string
	Type          string // "" or DisconnectType, as X gives them
}

func (e *ToldError) Error() string {
	if e.Detail == "" {
		return "the server says: " + e.Title
	}
	return "the server says: " + e.Title + ": " + e.Detail
}

// word is the cause: the last part of the type.
func (e *ToldError) word() string {
	name := e.Type[strings.LastIndexByte(e.Type, '/')+1:]
	if name == "" {
		return "told"
	}
	return "told-" + strings.ToLower(name)
}

// RuleError is a rule that X refused, and what it says.
type RuleError struct {
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

// RulesError are rules that X refused.
type RulesError []RuleError

func (e *RulesError) Error() string {
	var parts []string
	for _, r := range *e {
		parts = append(parts, r.Value+": "+r.Reason)
	}
	return "refused rules: " + strings.Join(parts, "; ")
}

// Streamer is a source of either kind.
type Streamer interface {
	Run(ctx context.Context, sink Sink) error
	State() State
}
