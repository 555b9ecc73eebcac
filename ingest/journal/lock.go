package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrLocked: another process has the data folder.
var ErrLocked = errors.New("data folder is in use")

// LockFile is the name of the file in a data folder that is locked.
const LockFile = "lock"

// Lock keeps a data folder to one process. It goes with the process, however that ends.
type Lock struct{ file *os.File }

// LockFolder takes the folder, made when missing, or fails with ErrLocked and the number of the process that has it.
func LockFolder(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	name := filepath.Join(dir, LockFile)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	if err := tryLock(f); err != nil {
		f.Close()
		if !errors.Is(err, errHeld) {
			return nil, fmt.Errorf("lock data folder: %w", err)
		}
		if pid, err := os.ReadFile(name); err == nil && len(pid) > 0 {
			return nil, fmt.Errorf("%w by process %s", ErrLocked, strings.TrimSpace(string(pid)))
		}
		return nil, ErrLocked
	}
	if err := f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock data folder: %w", err), f.Close())
		}
	}
	return &Lock{f}, nil
}

// Release gives the folder up.
func (l *Lock) Release() error { return l.file.Close() }
