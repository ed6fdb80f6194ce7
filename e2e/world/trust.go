package world

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// certificates is where a Docker Engine looks for the authorities of registries, each in a directory of its HOST:PORT.
const certificates = "/etc/docker/certs.d"

// trusted begins the names of the files of a run's directory that tell for which registries it did that.
const trusted = "trusted-"

// Trust has the Engine trust the certificates that the authority signs, for this registry alone and until the returned
// function is called or the run ends. It writes a file of the host, and so wants root.
func (w *World) Trust(r *Registry, a *Authority) (distrust func() error, err error) {
	dir := filepath.Join(certificates, r.Host)
	if err := os.WriteFile(filepath.Join(w.Dir, trusted+r.Host), nil, 0o600); err != nil {
		return nil, fmt.Errorf("record that a registry is trusted: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("trust a registry: %w", err)
	}
	distrust = func() error { return os.RemoveAll(dir) }
	w.onClose(distrust)
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), a.PEM, 0o644); err != nil {
		return nil, fmt.Errorf("trust a registry: %w", err)
	}
	return distrust, nil
}

// distrustRecorded takes the trust away that a dead run recorded in dir. The registries were its own: their ports are
// nobody's by now, or somebody's who must not inherit it.
func distrustRecorded(dir string) error {
	records, err := filepath.Glob(filepath.Join(dir, trusted+"*"))
	if err != nil {
		return fmt.Errorf("look for trusted registries: %w", err)
	}
	var errs []error
	for _, record := range records {
		errs = append(errs, os.RemoveAll(filepath.Join(certificates, strings.TrimPrefix(filepath.Base(record), trusted))))
	}
	return errors.Join(errs...)
}
