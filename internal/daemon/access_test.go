package daemon

import (
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/config"
)

func TestAccessIsResolvedToNumbers(t *testing.T) {
	got, err := resolveAccess(config.Access{
		Viewers:   config.Principals{Users: []string{"root"}, Groups: []string{"4711"}},
		Operators: config.Principals{Groups: []string{"root"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Viewers.UIDs, []uint32{0}) || !slices.Equal(got.Viewers.GIDs, []uint32{4711}) || !slices.Equal(got.Operators.GIDs, []uint32{0}) {
		t.Errorf("resolved to %+v", got)
	}
}

func TestUnknownNamesAreAllNamed(t *testing.T) {
	_, err := resolveAccess(config.Access{
		Viewers: config.Principals{Users: []string{"no-such-user"}},
		Admins:  config.Principals{Groups: []string{"no-such-group"}},
	})
	for _, want := range []string{"access.viewers.users", "no-such-user", "access.admins.groups", "no-such-group"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}
