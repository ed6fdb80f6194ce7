package daemon

import (
	"os"
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

func TestOnlyADaemonsUserHoldsAName(t *testing.T) {
	release, err := holdInstance("test-holder", "")
	if err != nil {
		t.Fatal(err)
	}
	defer release() //nolint:errcheck // the process ends
	if got := holder("@fairlead/test-holder"); got != uint32(os.Geteuid()) {
		t.Errorf("the holder is said to be %d", got)
	}
	if got := holder("@fairlead/nobody-listens-here"); got != 0 {
		t.Errorf("the holder of nothing is said to be %d", got)
	}
	if !trusted(0) || !trusted(uint32(os.Geteuid())) || trusted(uint32(os.Geteuid())+1) {
		t.Error("the wrong users are trusted")
	}
}
