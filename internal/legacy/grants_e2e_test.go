//go:build e2e

package legacy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// Grants names exactly the columns that the user may not read or not update, and what the server is.
func TestGrants(t *testing.T) {
	d := fresh(t, settings)
	before := time.Now().Add(-time.Second)
	g, err := inside().Grants(t.Context(), d.target())
	if err != nil || len(g.Unreadable)+len(g.Unwritable) > 0 || g.User != `"app_`+d.name+`"` || g.Table != `"public"."SystemSettings"` || g.Server == "" ||
		g.Now.Before(before) || g.Now.After(time.Now().Add(time.Second)) {
		t.Errorf("the owner: %+v, %v", g, err)
	}
	d.do(`ALTER TABLE "SystemSettings" OWNER TO admin`, `GRANT SELECT (id, seed, "aiKey", "geminiKey"), UPDATE (seed, "aiKey") ON "SystemSettings" TO APP`)
	g, err = inside().Grants(t.Context(), d.target())
	if err != nil || !slices.Equal(g.Unreadable, []string{`"smtpPassword"`}) || !slices.Equal(g.Unwritable, []string{`"geminiKey"`, `"smtpPassword"`}) {
		t.Errorf("a user with some rights: %+v, %v", g, err)
	}
	d.do(`ALTER TABLE "SystemSettings" RENAME COLUMN seed TO seeds`)
	if _, err := inside().Grants(t.Context(), d.target()); fault.KindOf(err) != fault.Refused || !strings.Contains(fault.Text(err), `column "seed" does not exist`) {
		t.Errorf("a column that is not there: %v", err)
	}
	gone := d.target()
	gone.Table = "Settings"
	if g, err := inside().Grants(t.Context(), gone); fault.KindOf(err) != fault.NotFound || g.Now.IsZero() {
		t.Errorf("a table that is not there: %+v, %v", g, err)
	}
}
