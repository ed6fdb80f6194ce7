package daemon

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// The files of the state directory beside the journal.
const (
	lockFile = "lock"
	keyFile  = "host.key"
)

// state is the state directory, held by this daemon alone.
type state struct {
	lock *os.File
	key  secret.Key
}

// openState takes the state directory for this process alone and reads the host's key, which it makes at the first
// start. The lock goes with the process, however it ends. A file system that has become read-only is no hindrance.
func openState(dir string) (*state, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.New(fault.Unavailable, "%s: the state directory cannot be made: %s", dir, reason(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "%s: the state directory cannot be opened: %s", dir, reason(err))
	}
	defer root.Close() //nolint:errcheck // only read from
	if info, err := root.Stat("."); err != nil || info.Mode().Perm()&0o022 != 0 {
		return nil, fault.New(fault.Refused, "%s: others than the daemon's user may write to the state directory, and so replace its journal; chmod 0700 %s", dir, dir)
	}
	lock, err := root.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, unix.EROFS) {
		lock, err = root.Open(lockFile)
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "%s/%s: cannot be opened: %s", dir, lockFile, reason(err))
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fault.New(fault.Busy, "%s: another fairlead daemon holds this state directory", dir)
	}
	key, err := hostKey(root)
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	return &state{lock: lock, key: key}, nil
}

func (s *state) close() error { return s.lock.Close() }

// hostKey reads the key for fingerprints, and makes it when there is none. A new key is durable before it is used, or
// the fingerprints of one journal could be of two keys.
func hostKey(root *os.Root) (secret.Key, error) {
	var b [secret.KeySize]byte
	content, err := root.ReadFile(keyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := rand.Read(b[:]); err != nil {
			return secret.Key{}, fault.New(fault.Internal, "no random bytes for the host's key")
		}
		if err := writeDurably(root, keyFile, b[:]); err != nil {
			return secret.Key{}, fault.New(fault.Unavailable, "%s/%s: cannot be written: %s", root.Name(), keyFile, reason(err))
		}
		return secret.NewKey(b), nil
	case err != nil:
		return secret.Key{}, fault.New(fault.Unavailable, "%s/%s: cannot be read: %s", root.Name(), keyFile, reason(err))
	case len(content) != secret.KeySize:
		return secret.Key{}, fault.New(fault.Unavailable, "%s/%s: is damaged (%d bytes, not %d); restore it, or remove it and lose only the knowledge of which secrets changed since",
			root.Name(), keyFile, len(content), secret.KeySize)
	}
	copy(b[:], content)
	return secret.NewKey(b), nil
}

// writeDurably makes a file that is either whole or not there, whenever the machine stops.
func writeDurably(root *os.Root, name string, content []byte) error {
	temporary := name + ".new"
	f, err := root.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	failpoint.Hit(failpoint.KeyWritten)
	if err := root.Rename(temporary, name); err != nil {
		return err
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// reason returns why a file operation failed, without the path, which the message names already.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return "unknown reason"
}
