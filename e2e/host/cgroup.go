package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// cgroups returns where this machine has its control groups of version 2: beside those of version 1 on an older one.
func cgroups() string {
	const beside = "/sys/fs/cgroup/unified"
	if _, err := os.Stat(beside); err == nil {
		return beside
	}
	return "/sys/fs/cgroup"
}

// makeGroup makes a control group and opens it.
func makeGroup(path string) (*os.File, error) {
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the host's control group: %w", err)
	}
	return os.Open(path)
}

// removeGroup removes a control group with all below it. Processes that have just ended may hold it for a moment.
func removeGroup(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return until(ctx, func() error {
		var groups []string
		err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				groups = append(groups, path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		for _, group := range slices.Backward(groups) {
			if gone := os.Remove(group); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
		return err
	})
}
