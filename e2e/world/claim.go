package world

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// claim makes the directory of a run and locks it for as long as the returned file is open, at most as long as this
// process lives. The lock is held before the directory gets its name, so no sweep takes it for a dead one.
func claim(run string) (dir string, lock *os.File, err error) {
	unnamed, err := os.MkdirTemp("", "fairlead-claim-")
	if err != nil {
		return "", nil, fmt.Errorf("make the run's directory: %w", err)
	}
	// Others than the owner must reach it: PostgreSQL runs under a user of its own.
	if err := os.Chmod(unnamed, 0o755); err != nil {
		return "", nil, fmt.Errorf("open the run's directory to others: %w", err)
	}
	lock, err = lockDir(unnamed)
	if err != nil {
		return "", nil, err
	}
	dir = strings.Replace(runDirs(), "*", run, 1)
	if err := os.Rename(unnamed, dir); err != nil {
		return "", nil, errors.Join(fmt.Errorf("name the run's directory: %w", err), lock.Close())
	}
	return dir, lock, nil
}

// errHeld says that the run lives.
var errHeld = errors.New("the run is alive")

// lockDir takes the lock of a run's directory, or returns errHeld.
func lockDir(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the run's lock: %w", err)
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return lock, nil
	}
	_ = lock.Close() // nothing was written
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errHeld
	}
	return nil, fmt.Errorf("lock %s: %w", dir, err)
}
