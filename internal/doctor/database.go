package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps"
)

// skew is from what difference between two clocks on it is worth a word.
const skew = 5 * time.Second

// database says whether the database can be asked and written to as a clean-up does it, and what it still holds.
func (e *examination) database(ctx context.Context, app config.App, known func() (steps.Provisioned, error)) []Finding {
	p, err := known()
	switch {
	case err != nil:
		return []Finding{warning("not looked at, since the app's environment is not known", "fairlead config check "+e.Path)}
	case p.Unknown != nil && len(p.Unseen) > 0:
		return []Finding{warning("not looked at, since its address may come from what only the daemon can read", "ask the daemon: fairlead residue "+app.Name)}
	case p.Unknown != nil:
		if e.Self != 0 && e.Self != e.UID && !p.Whole {
			return []Finding{barred("the database's address")}
		}
		return failed(p.Unknown, "set it in the env file")
	}
	before := e.Now()
	g, err := e.Database.Grants(ctx, *p.Legacy)
	var out []Finding
	if !g.Now.IsZero() {
		out = append(out, ok(fmt.Sprintf("PostgreSQL %s answers; the user is %s", g.Server, g.User)), clocks(before, e.Now(), g.Now))
	}
	switch kind := fault.KindOf(err); {
	case err != nil && kind == fault.NotFound:
		return append(out, warning(fault.Text(err), "none, if the app has not made its table yet; else mend apps."+app.Name+".legacy"))
	case err != nil:
		return append(out, failed(err, "mend what the address names, or the way to it")...)
	}
	if lacking := g.lacking(); len(lacking) > 0 {
		return append(out, lacking...)
	}
	return append(out, e.residue(ctx, app, p)...)
}

// lacking returns the privileges that a clean-up needs and the user does not have.
func (g Grants) lacking() []Finding {
	var out []Finding
	for _, l := range []struct {
		verb    string
		columns []string
		cannot  string
	}{{"SELECT", g.Unreadable, "read"}, {"UPDATE", g.Unwritable, "update"}} {
		if len(l.columns) > 0 {
			list := strings.Join(l.columns, ", ")
			out = append(out, problem(fmt.Sprintf("the user %s may not %s these columns of %s: %s", g.User, l.cannot, g.Table, list),
				fmt.Sprintf("as the table's owner: GRANT %s (%s) ON %s TO %s;", l.verb, list, g.Table, g.User)))
		}
	}
	return out
}

// residue says what the database holds, and what else would keep a clean-up from working.
func (e *examination) residue(ctx context.Context, app config.App, p steps.Provisioned) []Finding {
	if len(p.Unseen) > 0 {
		return []Finding{warning("the legacy values were not compared, since the daemon alone can read all of the environment", "ask the daemon: fairlead residue "+app.Name)}
	}
	if !p.Whole {
		return []Finding{warning("the legacy values were not compared, since the env files cannot be read as a whole", "mend the env files first")}
	}
	all, err := e.Database.Inspect(ctx, *p.Legacy, p.Expected)
	switch kind := fault.KindOf(err); {
	case err != nil && kind == fault.NotFound:
		return []Finding{warning(fault.Text(err), "none, if the app has not made its row yet; else mend apps."+app.Name+".legacy.row")}
	case err != nil:
		return failed(err, "mend apps."+app.Name+".legacy, or the table")
	}
	var out []Finding
	for _, r := range all {
		switch r.Verdict {
		case secret.Empty:
		case secret.Same:
			out = append(out, warning(fmt.Sprintf("%s is still stored in column %q, with the environment's value", r.Secret, r.Column), "once it is proved that the app does not use it: fairlead cleanup "+app.Name))
		case secret.Differs:
			out = append(out, warning(fmt.Sprintf("%s is stored in column %q, with another value than the environment's", r.Secret, r.Column),
				"find out which one is right; on_mismatch says what a clean-up does with it"))
		}
	}
	if len(out) == 0 {
		can := "the table can be read and updated"
		if app.Legacy.Function != "" {
			can = "the function " + app.Legacy.Function + " answers"
		}
		out = []Finding{ok(fmt.Sprintf("%s, and the table holds no legacy value (%s)", can, count(len(all), "column", "columns")))}
	}
	return out
}

// clocks compares the database's clock with ours, which was looked at before and after.
func clocks(before, after, theirs time.Time) Finding {
	var off time.Duration
	switch {
	case theirs.Before(before):
		off = before.Sub(theirs)
	case theirs.After(after):
		off = theirs.Sub(after)
	}
	if off > skew {
		return warning(fmt.Sprintf("its clock and this host's are %s apart", off.Round(time.Second)), "timedatectl set-ntp true, on both")
	}
	return ok("its clock agrees with this host's")
}
