package rig

import (
	"os"
	"slices"
)

// Temp returns the directory that the daemon has for temporary files.
func (r *Rig) Temp() string { return r.path("tmp") }

// environment returns the daemon's environment, and makes the directory that it names.
func (r *Rig) environment() ([]string, error) {
	return slices.Concat(os.Environ(), []string{"TMPDIR=" + r.Temp()}, r.Environ), os.MkdirAll(r.Temp(), 0o700)
}
