//go:build !full

package systemd

import (
	"os/exec"
	"testing"
)

// needsAnalyze leaves a test out where systemd's own analysis is not installed. make test-full fails there instead.
func needsAnalyze(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed; make test-full does not go without it")
	}
}
