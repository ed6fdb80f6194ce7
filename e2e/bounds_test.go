//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// mostMemory is what the daemon may use at most, in MiB, whatever is done to it.
const mostMemory = 128

// gauge keeps the most memory that the daemon of a stage has used.
type gauge struct {
	*stage
	peak int // MiB
}

var highWater = regexp.MustCompile(`(?m)^VmHWM:\s+([0-9]+) kB$`)

// measured reads the daemon's peak of resident memory since the last look, lets it count anew, and fails the test if it
// was too much.
func (g *gauge) measured(t *testing.T, scene string) {
	t.Helper()
	process := fmt.Sprintf("/proc/%d", g.PID())
	status, err := os.ReadFile(process + "/status")
	g.must(err)
	m := highWater.FindSubmatch(status)
	if m == nil {
		t.Fatalf("the kernel does not tell the daemon's peak:\n%s", status)
	}
	kib, err := strconv.Atoi(string(m[1]))
	g.must(err)
	mib := (kib + 1023) / 1024
	t.Logf("%s: the daemon used %d MiB at most", scene, mib)
	if g.peak = max(g.peak, mib); mib >= mostMemory {
		t.Errorf("%s: the daemon used %d MiB, and %d are too much", scene, mib, mostMemory)
	}
	g.must(os.WriteFile(process+"/clear_refs", []byte("5"), 0)) // proc(5): resets the peak
}

// reports tells the highest peak of all, and that the daemon has lost nothing by it.
func (g *gauge) reports(t *testing.T) {
	t.Helper()
	t.Attr("mib-at-most", strconv.Itoa(g.peak))
	g.told(0, []string{"audit", "verify", "--state", g.State()}, "the journal is whole")
}
