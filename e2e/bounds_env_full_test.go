//go:build e2e && full

package e2e

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// An env file may have as many lines and faults as its size allows. Above that it is refused by its size, before it is read.
func TestBoundsOfEnvFile(t *testing.T) {
	s := newTenant(t, rig.Options{})
	before := s.deployed("2.0.0")
	g := &gauge{stage: s}
	g.measured(t, "a deploy")
	// %d stands for the line's number.
	lines := map[string]string{"comments": "#\n", "blank": "\n", "variables": "A%d=b\n", "one variable": "A=b\n",
		"faults": "canary no assignment\n", "short faults": "x\n", "open quotes": "A%d='\n", "unset": "A%d=$B\n"}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			for _, size := range []int{1_000_000, 0} {
				scene := "a million lines of " + name
				if size == 0 {
					scene = "1 MiB of " + name
				}
				s.must(s.WriteEnvText(manyLines(lines[name], size)))
				res := s.told(3, []string{"rotate", rig.App}, s.EnvFile(), "nothing was changed")
				g.measured(t, scene)
				if n := len(res.Out) + len(res.Err); n > 256<<10 {
					t.Errorf("%s: the operator is shown %d bytes", scene, n)
				}
			}
			s.untouched(before)
		})
	}
	t.Run("a gigabyte", func(t *testing.T) {
		s := s.in(t)
		s.must(os.Truncate(s.EnvFile(), 1<<30))
		s.told(3, []string{"rotate", rig.App}, s.EnvFile(), "has 1073741824 bytes, more than the", "nothing was changed")
		g.measured(t, "a gigabyte")
	})
	if n := len(s.recorded()); n > 2<<20 {
		t.Errorf("the journal has %d bytes", n)
	}
	s.must(s.WriteEnv(goodEnv()))
	s.told(0, []string{"rotate", rig.App})
	g.reports(t)
}

// manyLines returns so many lines, or, for 0, as many as make up the largest file that is read.
func manyLines(line string, n int) string {
	var text strings.Builder
	for i := 0; n == 0 || i < n; i++ {
		next := strings.ReplaceAll(line, "%d", strconv.Itoa(i))
		if n == 0 && text.Len()+len(next) > 1<<20 {
			break
		}
		text.WriteString(next)
	}
	return text.String()
}
