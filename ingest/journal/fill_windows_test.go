package journal_test

import "errors"

func fillDisk(string) error { return errors.New("no such limit here") }
