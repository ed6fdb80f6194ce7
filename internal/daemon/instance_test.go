package daemon

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

func TestOneDaemonOfAName(t *testing.T) {
	release, err := holdInstance("test-instance", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holdInstance("test-instance", ""); fault.KindOf(err) != fault.Busy || !strings.Contains(err.Error(), `"test-instance"`) {
		t.Errorf("a second one is told %v", err)
	}
	for _, other := range [][2]string{{"another-instance", ""}, {"test-instance", "unix:///run/other.sock"}} {
		also, err := holdInstance(other[0], other[1])
		if err != nil {
			t.Errorf("%q is kept out: %v", other, err)
			continue
		}
		if err := also(); err != nil {
			t.Error(err)
		}
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if release, err = holdInstance("test-instance", ""); err != nil {
		t.Errorf("the name is not let go: %v", err)
	} else if err := release(); err != nil {
		t.Error(err)
	}
}
