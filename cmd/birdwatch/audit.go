package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"birdwatch/ingest/journal"
)

type auditCommand struct {
	Data  string `type:"path" default:"birdwatch-data" placeholder:"DIR" help:"Folder of the journal; a server may have it."`
	After int64  `placeholder:"N" help:"Only lines behind this number."`
	JSON  bool   `name:"json" help:"One JSON object a line."`
}

// Run prints the audit log, oldest first. It reads the file beside a server that writes it.
func (c *auditCommand) Run(env *environment) error {
	if err := existing(c.Data); err != nil {
		return err
	}
	for a, err := range journal.Audit(env.ctx, filepath.Join(c.Data, journalFile), c.After) {
		if err != nil {
			return err
		}
		if c.JSON {
			line, err := json.Marshal(a)
			if err != nil {
				return err
			}
			fmt.Fprintf(env.stdout, "%s\n", line)
			continue
		}
		whose := ""
		if a.User != 0 {
			whose = fmt.Sprintf(" user %d", a.User)
		}
		from := a.Origin.From
		if a.Origin.File != "" {
			from += " " + a.Origin.File
		}
		if a.Origin.Pos > 0 {
			from += fmt.Sprintf(":%d", a.Origin.Pos)
		}
		fmt.Fprintf(env.stdout, "%d %s %s %d%s: %s (%s)\n", a.N, time.UnixMilli(a.At).UTC().Format(time.RFC3339), a.What, a.ID, whose, a.Why, from)
	}
	return nil
}
