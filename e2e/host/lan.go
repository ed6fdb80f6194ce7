// Package host makes throw-away hosts: a real systemd as the first process, with a real Docker Engine, registry,
// PostgreSQL and SSH server from Debian's packages, in namespaces of this machine. Fairlead is installed there as an
// operator would install it, and the host is rebooted, or loses its power.
//
// A host is an overlay on a base system that is built once, so it boots in a second or two. What a host does to its
// network, mounts, processes and files does not leave it, and it cannot outlive the process that made it: the kernel ends
// its first process then, and with it everything. Only root can make one.
package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// LAN is a network of hosts, which reach each other and nothing else. It is safe for concurrent use.
type LAN struct {
	dir    string // of everything that the hosts keep
	lock   *os.File
	ns     *os.File
	rootfs string

	mu    sync.Mutex
	hosts []*Host
	ports int // that were ever plugged into the bridge
}

// prefix begins the name of a LAN's directory, and of its hosts' control groups.
const prefix = "fairlead-host-"

// NewLAN makes a network without hosts. It builds the base system if need be, which takes a minute or two, and removes
// what killed runs have left. The caller closes it.
func NewLAN(ctx context.Context) (*LAN, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("only root can make throw-away hosts")
	}
	if err := sweep(); err != nil {
		return nil, err
	}
	rootfs, err := Rootfs(ctx)
	if err != nil {
		return nil, err
	}
	l := &LAN{rootfs: rootfs}
	if l.dir, l.lock, err = claim(); err != nil {
		return nil, err
	}
	if l.ns, err = newNetns(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if err := ip(ctx, l.ns, "link set lo up", "link add br0 type bridge", "address add "+address(1)+"/24 dev br0", "link set br0 up"); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// ForTest is NewLAN for a test, which fails when it fails; the hosts and the network go when the test ends. A test that
// failed is told what the hosts' journals say.
func ForTest(t testing.TB) *LAN {
	t.Helper()
	l, err := NewLAN(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, h := range l.all() {
				t.Logf("the journal of %s ends with:\n%s", h.Name, h.Journal())
			}
		}
		if err := l.Close(); err != nil {
			t.Errorf("remove the throw-away hosts: %v", err)
		}
	})
	return l
}

// Close removes the hosts, however they are, and the network. It may be called twice.
func (l *LAN) Close() error {
	if l.lock == nil {
		return nil
	}
	var errs []error
	for _, h := range l.all() {
		errs = append(errs, h.Down())
	}
	if l.ns != nil {
		errs = append(errs, l.ns.Close())
	}
	errs = append(errs, os.RemoveAll(l.dir), l.lock.Close())
	l.lock = nil
	return errors.Join(errs...)
}

func (l *LAN) all() []*Host {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.hosts)
}

// port returns a name for the next port of the bridge.
func (l *LAN) port() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ports++
	return fmt.Sprintf("port%d", l.ports)
}

// address returns the n-th address of every LAN. The LANs do not see each other.
func address(n int) string { return fmt.Sprintf("10.78.0.%d", n) }

// claim makes the directory of a LAN, with a lock that is held for as long as this process lives.
func claim() (string, *os.File, error) {
	dir, err := os.MkdirTemp("", "claim-"+prefix) // no sweep looks at it until it has its name
	if err != nil {
		return "", nil, fmt.Errorf("make the hosts' directory: %w", err)
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return "", nil, fmt.Errorf("make the hosts' lock: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	named := filepath.Join(filepath.Dir(dir), strings.TrimPrefix(filepath.Base(dir), "claim-"))
	if err := errors.Join(os.Chmod(dir, 0o755), os.Rename(dir, named)); err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	return named, lock, nil
}

// sweep removes what LANs of dead processes have left: files and empty control groups. All else went with them.
func sweep() error {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		lock, err := os.Open(filepath.Join(dir, "lock"))
		if err != nil {
			continue // being made, or being removed
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			groups, globErr := filepath.Glob(filepath.Join(cgroups(), filepath.Base(dir)+"-*"))
			errs := []error{globErr}
			for _, group := range groups {
				errs = append(errs, removeGroup(group))
			}
			err = errors.Join(append(errs, os.RemoveAll(dir))...)
		}
		if err := errors.Join(err, lock.Close()); err != nil {
			return fmt.Errorf("remove the hosts of a killed run: %w", err)
		}
	}
	return nil
}

// until calls try every 20 ms until it returns nil or ctx ends.
func until(ctx context.Context, try func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-tick.C:
		}
	}
}

// Name returns the LAN's name, which stands in the path of everything on this machine that is its own.
func (l *LAN) Name() string { return filepath.Base(l.dir) }
