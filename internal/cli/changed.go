package cli

import (
	"context"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/systemd"
)

const (
	// settling is how long the files must have stayed as they are: an editor writes more than once.
	settling = 2 * time.Second
	// restless is how long that is waited for. Then they are taken as they are: whoever reads them refuses a half one.
	restless = time.Minute
	// interval is how often they are looked at meanwhile.
	interval = 100 * time.Millisecond
	// rounds is how many rotations one change may give at most; more than that is no editor.
	rounds = 10
)

// systemdChanged is what the unit fairlead-change@ runs.
func (t *tool) systemdChanged() *cobra.Command {
	var file, onChange string
	c := &cobra.Command{
		Use:    "changed APP",
		Short:  "Deal with changed env files, as fairlead-change@APP.service does",
		Hidden: true,
		Args:   exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			app, err := configured(file, args[0])
			if err != nil {
				return err
			}
			mode := systemd.Mode(onChange)
			if mode != systemd.Validate && mode != systemd.Rotate {
				return misused(c, "--on-change is \""+onChange+"\", where validate or rotate belongs")
			}
			if err := settle(c.Context(), app); err != nil {
				return err
			}
			if mode == systemd.Rotate {
				return t.rotateChanged(c, app)
			}
			return t.validate(app)
		},
	}
	c.Flags().StringVar(&file, "config", defaultConfig, "the configuration")
	c.Flags().StringVar(&onChange, "on-change", string(systemd.Validate), "validate or rotate")
	return c
}

// settle waits until nobody has touched the app's env files for a while.
func settle(ctx context.Context, app config.App) error {
	began, since, was := time.Now(), time.Now(), looks(app)
	for time.Since(since) < settling && time.Since(began) < restless {
		select {
		case <-ctx.Done():
			return fault.Hide(ctx.Err(), fault.Unavailable, "interrupted while the env files settled; nothing was done")
		case <-time.After(interval):
		}
		if now := looks(app); !slices.Equal(now, was) {
			since, was = time.Now(), now
		}
	}
	return nil
}

// look is what the kernel says of a file; the zero look is of one that is not there.
type look struct {
	dev, ino     uint64
	size         int64
	mtime, ctime syscall.Timespec
}

func looks(app config.App) []look {
	out := make([]look, len(app.Env))
	for i, source := range app.Env {
		info, err := os.Stat(source.Path())
		if err != nil {
			continue
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			out[i] = look{s.Dev, s.Ino, s.Size, s.Mtim, s.Ctim}
		}
	}
	return out
}

// validate holds the app's env sources against what a rollout would refuse in them, as far as another process than the daemon can
// see them. What it cannot see it names, and does not call sound.
func (t *tool) validate(app config.App) error {
	policy := envfile.Policy{UID: os.Getuid(), GID: os.Getgid()}
	p := config.Provided{Whole: true}
	var problems []fault.Problem
	var unseen []string
	for _, source := range app.Env {
		var f envfile.File
		var err error
		switch source.Kind() {
		case config.FileSource:
			f, err = envfile.Read(source.File, policy)
			p.Whole = p.Whole && (err == nil || f.Env != nil || f.Faulty != nil)
		case config.AgeSource:
			_, err = envfile.ReadSealed(source.Age.File, policy)
			unseen, p.Whole = append(unseen, source.String()), false
		case config.ExecSource:
			unseen, p.Whole = append(unseen, source.String()), false
		case config.EnvironmentSource:
			unseen, p.Faulty = append(unseen, source.String()), append(p.Faulty, source.Environment...)
		}
		problems = append(problems, fault.ProblemsOf(err)...)
		p.Faulty = append(p.Faulty, f.Faulty...)
		for _, v := range f.Env {
			if old, twice := p.Env.Lookup(v.Name); twice && !source.Override {
				problems = append(problems, fault.Problem{Where: v.Origin.String(), What: v.Name + " is also set in " + old.Origin.String(),
					Fix: "keep it in one of the two, or write override: true at the later source for that one to count"})
			}
		}
		p.Env = p.Env.Under(f.Env)
		for _, found := range lint.Check(f.Content).Findings {
			if app.Lint.Of(found) == lint.Denied && !found.Refused { // else the reading has said so
				problems = append(problems, fault.Problem{Where: source.File, What: found.Rule + ": " + found.Text, Fix: found.Instead})
			}
		}
	}
	problems = append(problems, app.Catalog(p)...)
	if err := fault.Many(fault.Refused, "the env files of "+app.Name+" changed, and are refused; what runs was not touched", problems); err != nil {
		return err
	}
	if len(unseen) > 0 {
		t.say("what can be seen here of the env sources of %s is sound (%s); the daemon alone reads %s: see with fairlead secrets %[1]s",
			app.Name, count(len(p.Env), "variable", "variables"), strings.Join(unseen, ", "))
		return nil
	}
	t.say("the env files of %s are sound (%s); give them to the app with: fairlead rotate %s", app.Name, count(len(p.Env), "variable", "variables"), app.Name)
	return nil
}

// rotateChanged rotates the app until the files stay as they were when they were read. The path unit sees nothing while its service runs, so
// what changed meanwhile is looked for at the end.
func (t *tool) rotateChanged(c *cobra.Command, app config.App) error {
	client := t.client()
	defer client.Close()
	what := api.Trigger{Kind: rollout.Rotate, IfChanged: true, Reason: "an env file has changed"}
	f := triggering{queuing: queuing{wait: true}}
	for range rounds {
		before := looks(app)
		r, err := t.inTurn(c.Context(), client, app.Name, what, f, usualWait)
		if err != nil {
			return err
		}
		if r.ID == "" {
			t.say("%s", unneeded(app.Name))
			return nil
		}
		if err := t.follow(c.Context(), client, r.ID, f.following); err != nil {
			return err
		}
		if slices.Equal(before, looks(app)) { // and not asked again: a command may print something new each time
			return nil
		}
	}
	return fault.New(fault.Conflict, "the env files of %s changed again during each of %d rotations; it is left as it is until the next change", app.Name, rounds)
}

// unneeded says that a rotation would change nothing.
func unneeded(app string) string {
	return "nothing to do: " + app + " runs with what its env files hold"
}
