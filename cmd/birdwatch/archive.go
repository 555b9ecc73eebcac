package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/embedded"
)

// dataFlags say where the data is.
type dataFlags struct {
	Data    string       `type:"path" default:"birdwatch-data" placeholder:"DIR" help:"Folder of the journal and the archive${made}."`
	Elastic []string     `placeholder:"URL" help:"Keep the archive in this Elasticsearch, not in the folder. May be given for each of its nodes."`
	With    elasticFlags `embed:"" prefix:"elastic-"`
	// countries are those whose withheld tweets are hidden.
	countries []string
}

// elasticFlags say how Elasticsearch is reached and used.
type elasticFlags struct {
	CloudID  string        `name:"cloud-id" placeholder:"ID" help:"Elastic Cloud's id of the deployment, instead of --elastic."`
	User     string        `placeholder:"NAME" help:"User for basic authentication."`
	Password string        `placeholder:"PASSWORD" help:"Its password; better given as BIRDWATCH_ELASTIC_PASSWORD, which ps does not show."`
	APIKey   string        `name:"api-key" placeholder:"KEY" help:"API key (base64 of id:key); better given as BIRDWATCH_ELASTIC_API_KEY."`
	CA       string        `name:"ca" placeholder:"FILE" help:"Certificates (PEM) that the servers' are signed by, where the system does not know them."`
	Prefix   string        `default:"birdwatch" placeholder:"NAME" help:"What the names of indices begin with: one archive, one prefix."`
	Period   string        `default:"year" enum:"year,month" help:"Time that one index is for: year, or month for very many tweets. Fixed when the archive is made."`
	Shards   int           `default:"1" help:"Shards of each index that is made."`
	Replicas int           `default:"0" help:"Replicas of each index that is made."`
	Refresh  time.Duration `default:"1s" help:"How often Elasticsearch makes what was written searchable by itself."`
}

// existing refuses a folder that is not there. Commands that only use an archive ask it first: of a name with a slip in it they would make an
// empty archive, and find nothing there.
func existing(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usage(fmt.Errorf("%s: there is no such folder; birdwatch import or serve makes one", dir))
	case err != nil:
		return usage(err)
	case !info.IsDir():
		return usage(fmt.Errorf("%s is not a folder", dir))
	}
	return nil
}

// outside reports whether the archive is in Elasticsearch.
func (f *dataFlags) outside() bool { return len(f.Elastic) > 0 || f.With.CloudID != "" }

// openArchive opens the archive that the flags name. stale lets one be opened that has to be indexed again.
func (f *dataFlags) openArchive(ctx context.Context, readOnly, stale bool, log *slog.Logger) (search.Archive, error) {
	if !f.outside() {
		a, err := embedded.Open(ctx, filepath.Join(f.Data, archiveFile), embedded.Options{ReadOnly: readOnly, Stale: stale, Countries: f.countries})
		if err != nil {
			return nil, err
		}
		return a, nil
	}
	if err := f.checkElastic(); err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	// A folder has one process at a time, so that the next one may follow at once on one that was killed.
	owner := host + " " + f.Data
	if f.Data == "" {
		owner = fmt.Sprintf("%s, process %d", host, os.Getpid())
	}
	a, err := elastic.Open(ctx, elastic.Options{
		URLs: f.Elastic, CloudID: f.With.CloudID, Username: f.With.User, Password: f.With.Password, APIKey: f.With.APIKey, CAFile: f.With.CA,
		Prefix: f.With.Prefix, Period: f.With.Period, Shards: f.With.Shards, Replicas: f.With.Replicas, Refresh: f.With.Refresh,
		Owner: owner, ReadOnly: readOnly, Countries: f.countries, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// at makes flags of a place that a person names: a folder, or the URL of an Elasticsearch.
func (f dataFlags) at(place string) dataFlags {
	if strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://") {
		f.Elastic, f.Data = []string{place}, ""
		return f
	}
	f.Elastic, f.With.CloudID, f.Data = nil, "", place
	return f
}

// The files of a data folder.
const (
	archiveFile = "archive.db"
	journalFile = "journal.db"
)
