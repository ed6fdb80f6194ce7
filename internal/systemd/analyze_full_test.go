//go:build full

package systemd

import (
	"os/exec"
	"testing"
)

func needsAnalyze(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatal("systemd-analyze is not installed; apt-get install systemd")
	}
}
