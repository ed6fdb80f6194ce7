package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// release is the Debian that the hosts run.
const release = "bookworm"

// packages are what a host has beyond the smallest Debian: what a self-managed host has, and what a test needs to look
// at it.
func packages() []string {
	return []string{"systemd", "systemd-sysv", "dbus", "ca-certificates", "iptables", "iproute2", "procps", "curl", "openssl", "bash-completion",
		"docker.io", "docker-registry", "postgresql", "openssh-server", "openssh-client"}
}

// Rootfs returns the directory with the base system of all hosts, and has debootstrap build it where it is not there yet.
// It is kept in $FAIRLEAD_E2E_CACHE, or in the user's cache directory, under a name that changes with what is in it.
func Rootfs(ctx context.Context) (string, error) {
	cache := os.Getenv("FAIRLEAD_E2E_CACHE")
	if cache == "" {
		own, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a place for the hosts' base system (FAIRLEAD_E2E_CACHE names one): %w", err)
		}
		cache = filepath.Join(own, "fairlead-e2e")
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make the directory of the hosts' base system: %w", err)
	}
	include := strings.Join(packages(), ",")
	dir := filepath.Join(cache, fmt.Sprintf("%s-%.4x", release, sha256.Sum256([]byte(include))))
	unlock, err := lock(ctx, dir+".lock") // several tests may want it at once
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fresh := dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return "", fmt.Errorf("remove a base system that was not finished: %w", err)
	}
	build := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--include="+include, release, fresh)
	if out, err := build.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", errors.New("debootstrap is not installed; FAIRLEAD_E2E_FULL=1 e2e/setup.sh installs it")
		}
		return "", fmt.Errorf("build the hosts' base system: %w\n%s", err, lastLines(out, 10))
	}
	if err := trim(fresh); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, dir); err != nil {
		return "", fmt.Errorf("name the hosts' base system: %w", err)
	}
	return dir, nil
}

// trim removes what no test looks at, which is most of it.
func trim(dir string) error {
	for _, pattern := range []string{"var/cache/apt/archives/*.deb", "var/lib/apt/lists/*", "usr/share/doc/*", "usr/share/locale/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return fmt.Errorf("look for %s: %w", pattern, err)
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("trim the hosts' base system: %w", err)
			}
		}
	}
	return os.MkdirAll(filepath.Join(dir, "var/lib/docker"), 0o710)
}

// lock waits for a lock file and returns what gives it free.
func lock(ctx context.Context, path string) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a lock: %w", err)
	}
	err = until(ctx, func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("wait for the lock %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
