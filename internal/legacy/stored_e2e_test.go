//go:build e2e

package legacy

import (
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

func TestStored(t *testing.T) {
	d := fresh(t, settings)
	env, err := inside().Stored(t.Context(), d.target())
	if err != nil {
		t.Fatal(err)
	}
	if names := env.Names(); len(names) != 3 || env.Value("smtpPassword").Reveal() != "c4n4ry-smtp" || !env.Value("geminiKey").IsEmpty() {
		t.Errorf("stored are %v", names)
	}
	gone := d.target()
	gone.Table = "Settings"
	if _, err := inside().Stored(t.Context(), gone); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a table that is not there is: %v", err)
	}
}
