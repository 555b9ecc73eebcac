package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"birdwatch/ingest/journal"
)

type backupCommand struct {
	Data string `type:"path" default:"birdwatch-data" placeholder:"DIR" help:"The data folder. It may be in use."`
	To   string `arg:"" type:"path" name:"dir" help:"Folder to be made: a data folder of its own, with the archive, the journal and the table of ids."`
}

// backupFiles are in the order in which they are copied: the archive's place in the journal must not lie behind the journal's end.
var backupFiles = []string{archiveFile, journalFile}

// Run copies the folder while it is in use.
func (c *backupCommand) Run(env *environment) error {
	if _, err := os.Stat(filepath.Join(c.Data, journalFile)); err != nil {
		return usage(fmt.Errorf("backup: %w", err))
	}
	if err := os.Mkdir(c.To, 0o700); err != nil {
		return usage(fmt.Errorf("backup: %w", err))
	}
	started := time.Now()
	for _, file := range backupFiles {
		from := filepath.Join(c.Data, file)
		if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) && file == archiveFile {
			fmt.Fprintln(env.stderr, "birdwatch: there is no embedded archive here; an archive in Elasticsearch has its own snapshots")
			continue
		}
		if err := copyDatabase(env.ctx, from, filepath.Join(c.To, file)); err != nil {
			return fmt.Errorf("backup of %s: %w", file, err)
		}
	}
	fmt.Fprintf(env.stdout, "copied to %s in %s; birdwatch restore %s --data DIR brings it back\n", c.To, time.Since(started).Round(time.Millisecond), c.To)
	return nil
}

// copyDatabase copies a SQLite file as it is at one moment, while others write it: checked, on disk, and then under its name.
func copyDatabase(ctx context.Context, from, to string) (err error) {
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	}
	part := to + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	if err := withDatabase(from, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "VACUUM INTO ?", part)
		return err
	}); err != nil {
		return err
	}
	if err := withDatabase(part, func(db *sql.DB) error {
		var found string
		if err := db.QueryRowContext(ctx, "PRAGMA quick_check").Scan(&found); err != nil || found == "ok" {
			return err
		}
		return fmt.Errorf("the copy is not sound: %s", found)
	}); err != nil {
		return err
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, to)
}

func withDatabase(path string, f func(*sql.DB) error) (err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return f(db)
}

type restoreCommand struct {
	From string `arg:"" type:"existingdir" name:"dir" help:"What birdwatch backup made."`
	Data string `type:"path" default:"birdwatch-data" placeholder:"DIR" help:"The data folder to make; it must have no archive and no journal."`
}

// Run makes a data folder of a backup. The journal gets a new epoch: its places from here on are others than those that were
// given out after the backup was made.
func (c *restoreCommand) Run(env *environment) (err error) {
	lock, err := journal.LockFolder(c.Data)
	if err != nil {
		return usage(fmt.Errorf("restore to %s: %w", c.Data, err))
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	for _, file := range backupFiles {
		if _, err := os.Stat(filepath.Join(c.Data, file)); !errors.Is(err, fs.ErrNotExist) {
			return usage(fmt.Errorf("restore: %s has %s already", c.Data, file))
		}
	}
	for _, file := range backupFiles {
		from := filepath.Join(c.From, file)
		if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) && file == archiveFile {
			continue
		}
		if err := copyDatabase(env.ctx, from, filepath.Join(c.Data, file)); err != nil {
			return fmt.Errorf("restore %s: %w", file, err)
		}
	}
	if err := journal.Renew(env.ctx, filepath.Join(c.Data, journalFile)); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	fmt.Fprintf(env.stdout, "%s is ready\n", c.Data)
	return nil
}
