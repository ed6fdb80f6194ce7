//go:build e2e && full

package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/host"
)

// The same commit gives the same bytes, wherever they are built; Debian's own critic has nothing to say; and the list of what
// the binary is made of names every library that the binary names.
func TestPackage(t *testing.T) {
	first, err := packages[oldPackage]()
	if err != nil {
		t.Fatal(err)
	}
	second, err := packageIn(filepath.Join(t.TempDir(), "elsewhere"), oldPackage)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{".deb", ".tar.gz", ".cdx.json"} {
		a, b := sum(t, strings.TrimSuffix(first, ".deb")+kind), sum(t, strings.TrimSuffix(second, ".deb")+kind)
		if a != b {
			t.Errorf("two builds of the %s differ: %x and %x", kind, a, b)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "lintian", "--allow-root", "--fail-on", "error,warning", first).CombinedOutput(); err != nil {
		t.Errorf("lintian: %v\n%s", err, out)
	}
	text, err := os.ReadFile(strings.TrimSuffix(first, ".deb") + ".cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, c := range list.Components {
		listed[c.Name] = c.Version
	}
	said, err := exec.CommandContext(t.Context(), "go", "version", "-m", filepath.Join(filepath.Dir(first), "stage/usr/bin/fairlead")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(said)) {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "dep" && listed[f[1]] != f[2] {
			t.Errorf("%s %s is linked, and listed as %q", f[1], f[2], listed[f[1]])
		}
	}
	if listed["github.com/spf13/cobra"] == "" || listed["std"] == "" {
		t.Errorf("%d libraries are listed, without cobra or Go's own", len(listed))
	}
}

func sum(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(text)
}

// What the package does to a host: it starts nothing at first, and what it stops, leaves and takes away is what docs/install.md
// says.
func TestPackageOnAHost(t *testing.T) {
	s := bare(t, host.ForTest(t), "alpha")
	s.sh(0, "apt-get install -y "+delivered, "installed, and not started")
	s.sh(3, "systemctl is-active fairlead.service", "inactive")
	s.sh(0, "fairlead version; fairlead --version", oldPackage)
	s.sh(0, "fairlead config check /etc/fairlead/fairlead.yaml", "ok, 0 apps")
	s.sh(0, "systemctl start fairlead; fairlead status", "no app is configured")
	s.sh(0, "systemctl stop fairlead fairlead.socket")
	s.sh(0, "stat -c '%U:%G %a %n' /etc/fairlead /etc/fairlead/fairlead.yaml /var/lib/fairlead; id fairlead",
		"root:fairlead 750 /etc/fairlead", "root:fairlead 640 /etc/fairlead/fairlead.yaml", "fairlead:fairlead 700 /var/lib/fairlead", "(docker)")

	s = configured(s)
	s.image("2.0.0")
	s.sh(0, "fairlead deploy shop --image 2.0.0", "succeeded")
	s.sh(0, "fairlead systemd enable shop --on-change=rotate")
	s.completes("rotate ''", "shop")
	s.completes("show ''", strings.Fields(s.sh(0, "fairlead rollouts --output json | sed -n 's/.*\"id\": *\"\\([^\"]*\\)\".*/\\1/p'"))[0])
	s.completes("status --output ''", "text", "json")
	s.sh(0, "systemctl stop fairlead.socket fairlead")
	s.completes("rotate ''", "shop") // from the configuration

	s.sh(0, "apt-get remove -y fairlead")
	s.sh(0, "test -d /var/lib/fairlead/journal && test -e /etc/fairlead/fairlead.yaml && docker ps | grep -q shop-web")
	s.sh(0, "! systemctl list-units --no-legend 'fairlead*' | grep -v failed | grep .")
	s.sh(0, "apt-get install -y "+delivered+"; systemctl start fairlead; fairlead status shop", "2.0.0")
	s.runs("2.0.0")

	s.sh(0, "apt-get purge -y fairlead", "the audit journal stays in /var/lib/fairlead")
	s.sh(0, "test -d /var/lib/fairlead/journal && docker ps | grep -q shop-web")
	s.sh(0, "! find /etc -name '*fairlead*' -not -path '*/dpkg/*' | grep .")
	s.sh(0, "apt-get install -y "+delivered)
	s = configured(s)
	s.sh(0, "fairlead status shop", "2.0.0")
	s.runs("2.0.0")
}

// completes expects bash to complete a command line of fairlead with these words.
func (s *site) completes(line string, words ...string) {
	s.t.Helper()
	out := s.sh(0, "fairlead __complete "+line+" 2>/dev/null")
	for _, w := range words {
		if !strings.Contains("\n"+out, "\n"+w) {
			s.t.Errorf("%q is not completed with %q: %s", line, w, out)
		}
	}
}
