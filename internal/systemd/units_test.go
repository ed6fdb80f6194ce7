package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// shipped is where the units are.
const shipped = "../../systemd"

// exposure returns what systemd's own analysis makes of a unit: 0 for one that is cut off from everything, 10 for one that
// may do all.
func exposure(t *testing.T, files map[string]string, unit string) float64 {
	t.Helper()
	dir := t.TempDir()
	for name, from := range files {
		content, err := os.ReadFile(filepath.Join(shipped, from))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=yes", "--no-pager", filepath.Join(dir, unit)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no level is told: %s", out)
	}
	level, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return level
}

func TestExposure(t *testing.T) {
	needsAnalyze(t)
	for unit, most := range map[string]float64{"fairlead.service": 1.5, "fairlead-change@.service": 0.8, "fairlead-residue@.service": 0.8, "fairlead-audit.service": 0.8} {
		if got := exposure(t, map[string]string{unit: unit}, unit); got > most {
			t.Errorf("%s has an exposure of %.1f, more than %.1f", unit, got, most)
		} else {
			t.Logf("%s: %.1f", unit, got)
		}
	}
	sealed := map[string]string{"fairlead.service": "fairlead.service", "fairlead.service.d/sealed.conf": "fairlead.service.d/sealed.conf.example"}
	if got := exposure(t, sealed, "fairlead.service"); got > 0.8 {
		t.Errorf("the sealed unit has an exposure of %.1f, more than 0.8", got)
	} else {
		t.Logf("sealed: %.1f", got)
	}
}

// What the daemon cannot do without must not be hardened away, and what tests on this machine do not see must stay.
func TestUnitsHold(t *testing.T) {
	text := func(name string) string {
		content, err := os.ReadFile(filepath.Join(shipped, name))
		if err != nil {
			t.Fatal(err)
		}
		return "\n" + string(content)
	}
	for unit, lines := range map[string][]string{
		"fairlead.service": {"User=fairlead", "SupplementaryGroups=docker", "StateDirectoryMode=0700", "RuntimeDirectoryPreserve=yes", "LimitCORE=0", "Requires=fairlead.socket",
			"KillMode=mixed", "WatchdogSec=30s", "Restart=on-failure"},
		"fairlead.socket":          {"ListenStream=/run/fairlead/fairlead.sock", "SocketGroup=fairlead", "SocketMode=0660"},
		"fairlead-change@.service": {"User=fairlead", "Environment=FAIRLEAD_ON_CHANGE=validate", "TimeoutStartSec=infinity"},
	} {
		for _, line := range lines {
			if !strings.Contains(text(unit), "\n"+line+"\n") {
				t.Errorf("%s lacks %s", unit, line)
			}
		}
	}
	if strings.Contains(text("fairlead.service"), "\nPrivateUsers=yes") {
		t.Error("with PrivateUsers=yes every operator has the number 65534, and nobody gets in")
	}
}
