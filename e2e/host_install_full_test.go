//go:build e2e && full

package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/host"
)

// Every command of docs/install.md is run as it stands there, in its order, on a host that has nothing of Fairlead: an indented
// block is what somebody pastes into root's shell. "make deb" alone is for another machine; the package is made by it here too.
func TestInstallationByTheDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	pasted := blocks(string(text))
	if len(pasted) < 8 {
		t.Fatalf("only %d blocks were found", len(pasted))
	}
	s := bare(t, host.ForTest(t), "bare")
	s.image("2.0.0")
	rotated := false
	for _, block := range pasted {
		if block == "make deb\n" {
			continue
		}
		s.sh(0, "set -e\ncd "+directory+"\n"+block)
		if strings.Contains(block, "--on-change=rotate") { // the page says that it takes some seconds
			s.eventually("the app was rotated", "fairlead rollouts | grep rotate | grep -q succeeded")
			rotated = true
		}
	}
	if !rotated {
		t.Error("the page rotates nothing")
	}
	s.sh(0, "fairlead secrets shop", "environment")
	s.sh(0, "systemctl is-active fairlead.service fairlead.socket fairlead-audit.timer fairlead-change@shop.path")
}

// blocks returns the indented blocks of a page, without their indentation.
func blocks(page string) []string {
	var all []string
	inside := false
	for line := range strings.Lines(page) {
		code, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented && inside:
			all[len(all)-1] += code
		case indented:
			all = append(all, code)
		}
		inside = indented
	}
	return all
}
