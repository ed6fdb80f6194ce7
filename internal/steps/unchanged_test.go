package steps

import (
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// Only a whole app that runs with the present environment is unchanged. A comment and the order of lines mean nothing.
func TestUnchanged(t *testing.T) {
	r := newRig(t)
	app, err := r.app("shop")
	if err != nil {
		t.Fatal(err)
	}
	is := func(want bool, why string) {
		t.Helper()
		if got, env, err := r.Unchanged(t.Context(), "shop"); err != nil || got != want || env == "" {
			t.Errorf("%s: %t, %v", why, got, err)
		}
	}
	p, problems := r.provision(t.Context(), app)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for i := range r.found {
		r.found[i].Ours, r.found[i].Status, r.found[i].Env = true, workload.Running, p.env
	}
	is(true, "what runs is what the file says")
	r.write("# a comment\n\nSMTP_PASSWORD=" + smtp + "\nDATABASE_URL=" + dsn + "\nAZURE_OPENAI_API_KEY=" + azure + "\n")
	is(true, "a comment and another order")
	for why, change := range map[string]func(c *workload.Container){
		"one service has another environment": func(c *workload.Container) { c.Env = "another" },
		"one service does not run":            func(c *workload.Container) { c.Status = workload.Exited },
		"one service is to be taken over":     func(c *workload.Container) { c.Ours = false },
		"one service is absent":               func(c *workload.Container) { c.Service = "gone" },
	} {
		was := r.found[1]
		change(&r.found[1])
		is(false, why)
		r.found[1] = was
	}
	r.write(provisioned + "MORE=1\n")
	is(false, "a variable more")
	r.write("AZURE_OPENAI_API_KEY=short\nSMTP_PASSWORD=" + smtp + "\nDATABASE_URL=" + dsn + "\n")
	if _, _, err := r.Unchanged(t.Context(), "shop"); fault.KindOf(err) != fault.Refused {
		t.Errorf("a file that is refused: %v", err)
	}
	if _, _, err := r.Unchanged(t.Context(), "shoe"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an app that is not there: %v", err)
	}
}
