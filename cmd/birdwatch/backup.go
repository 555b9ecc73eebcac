package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"birdwatch/ingest/journal"
	"birdwatch/search/embedded"
)

type backupCommand struct {
	Data string `type:"path" default:"birdwatch-data" placeholder:"DIR" help:"The data folder. It may be in use."`
	To   string `arg:"" type:"path" name:"dir" help:"Folder to be made: a data folder of its own, with the archive, the journal and the table of ids."`
}

// Run copies the folder while it is in use. Archive and journal are copied as they were at one moment: what the one has of an import,
// the other knows.
func (c *backupCommand) Run(env *environment) (err error) {
	if err := existing(c.Data); err != nil {
		return err
	}
	journalPath, archivePath := filepath.Join(c.Data, journalFile), filepath.Join(c.Data, archiveFile)
	if _, err := os.Stat(journalPath); err != nil {
		return usage(fmt.Errorf("backup: %w", err))
	}
	_, missing := os.Stat(archivePath)
	if err := os.Mkdir(c.To, 0o700); err != nil {
		return usage(fmt.Errorf("backup: %w", err))
	}
	started := time.Now()
	var js *journal.Snapshot
	take := func() (err error) { js, err = journal.OpenSnapshot(env.ctx, journalPath); return err }
	if errors.Is(missing, fs.ErrNotExist) {
		fmt.Fprintln(env.stderr, "birdwatch: there is no embedded archive here; an archive in Elasticsearch has its own snapshots")
		if err := take(); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	} else {
		as, err := embedded.OpenSnapshot(env.ctx, archivePath, take)
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		if err := errors.Join(as.Copy(env.ctx, filepath.Join(c.To, archiveFile), nil), as.Close()); err != nil {
			return errors.Join(fmt.Errorf("backup: %w", err), js.Close())
		}
	}
	if err := errors.Join(js.Copy(env.ctx, filepath.Join(c.To, journalFile), nil), js.Close()); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	fmt.Fprintf(env.stdout, "copied to %s in %s; birdwatch restore %s --data DIR brings it back\n", c.To, time.Since(started).Round(time.Millisecond), c.To)
	return nil
}

type restoreCommand struct {
	From string `arg:"" type:"existingdir" name:"dir" help:"What birdwatch backup made."`
	Data string `type:"path" default:"birdwatch-data" placeholder:"DIR" help:"The data folder to make; it must have no archive and no journal."`
}

// Run makes a data folder of a backup. The journal gets a new epoch: its places from here on are others than those that were
// given out after the backup was made.
func (c *restoreCommand) Run(env *environment) error {
	folder := !exists(c.Data) // it is made, and so are the files that are not there
	made := slices.DeleteFunc([]string{archiveFile, archiveFile + "-wal", archiveFile + "-shm", journalFile, journalFile + "-wal", journalFile + "-shm", journal.LockFile},
		func(file string) bool { return exists(filepath.Join(c.Data, file)) })
	lock, err := journal.LockFolder(c.Data)
	if err != nil {
		return usage(fmt.Errorf("restore to %s: %w", c.Data, err))
	}
	for _, file := range []string{archiveFile, journalFile} {
		if _, err := os.Stat(filepath.Join(c.Data, file)); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(usage(fmt.Errorf("restore: %s has %s already", c.Data, file)), lock.Release())
		}
	}
	if err := c.restore(env); err != nil {
		return errors.Join(err, undo(c.Data, folder, made, lock))
	}
	if err := lock.Release(); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "%s is ready\n", c.Data)
	return nil
}

// undo removes what a restore made, which would be taken for an archive: the files while nobody else can have the folder, then the folder.
func undo(dir string, folder bool, made []string, lock *journal.Lock) error {
	var errs []error
	for _, file := range made {
		if err := os.Remove(filepath.Join(dir, file)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, lock.Release())
	if folder {
		errs = append(errs, os.Remove(dir))
	}
	return errors.Join(errs...)
}

func (c *restoreCommand) restore(env *environment) error {
	if from := filepath.Join(c.From, archiveFile); exists(from) {
		as, err := embedded.OpenSnapshot(env.ctx, from, nil)
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		if err := errors.Join(as.Copy(env.ctx, filepath.Join(c.Data, archiveFile), nil), as.Close()); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	js, err := journal.OpenSnapshot(env.ctx, filepath.Join(c.From, journalFile))
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	to := filepath.Join(c.Data, journalFile)
	if err := errors.Join(js.Copy(env.ctx, to, nil), js.Close()); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := journal.Renew(env.ctx, to); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
