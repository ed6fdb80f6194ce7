package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/systemd"
)

// lookingAfter are the flags of what has systemd look after an app.
type lookingAfter struct {
	config, dir, onChange, schedule string
	dryRun, noReload                bool
}

func (t *tool) systemd() *cobra.Command {
	c := &cobra.Command{
		Use:   "systemd COMMAND",
		Short: "Have systemd look after an app's env files and its database",
		Args:  subcommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return misused(c, "say what: fairlead systemd enable APP")
		},
	}
	c.AddCommand(t.systemdEnable(), t.systemdDisable(), t.systemdStatus(), t.systemdChanged())
	return c
}

func (t *tool) systemdEnable() *cobra.Command {
	var f lookingAfter
	c := &cobra.Command{
		Use:   "enable APP",
		Short: "Have systemd look after an app",
		Long: "Write the drop-ins with which fairlead-change@APP looks after the app's env files, and enable its path and its timer; for an app\n" +
			"with a legacy database also the timer of fairlead-residue@APP, the periodic verification that nothing is left there.\n\n" +
			"When an env file changes, it is checked (--on-change=validate), or, if the change means anything, the app is rotated\n" +
			"(--on-change=rotate). The unit fails with the command's exit code, so that OnFailure= can tell somebody. Run it again after\n" +
			"the env files of the configuration have changed, or to change the mode.",
		Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error { return t.lookAfter(c.Context(), args[0], f) },
	}
	f.flags(c)
	c.Flags().StringVar(&f.onChange, "on-change", string(systemd.Validate), "validate or rotate")
	c.Flags().StringVar(&f.schedule, "schedule", "", "when to look besides, as systemd writes it (Mon..Fri 03:00); hourly for env files and daily for the database, if not given")
	c.Flags().StringVar(&f.config, "config", defaultConfig, "the configuration")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "print the drop-ins, and change nothing")
	return c
}

func (f *lookingAfter) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.dir, "unit-dir", systemd.Dir, "where the drop-ins are")
	c.Flags().BoolVar(&f.noReload, "no-reload", false, "only write the files, and leave systemd alone")
}

func (t *tool) lookAfter(ctx context.Context, name string, f lookingAfter) error {
	app, err := configured(f.config, name)
	if err != nil {
		return err
	}
	p := systemd.Plan{App: name, OnChange: systemd.Mode(f.onChange), Schedule: f.schedule, Residue: app.Legacy != nil}
	for _, source := range app.Env {
		if path := source.Path(); path != "" {
			p.Files = append(p.Files, path)
		}
	}
	if err := p.Validate(); err != nil {
		return err
	}
	if f.dryRun {
		for _, d := range p.DropIns() {
			t.say("# %s/%s\n%s", f.dir, d.Path, d.Content)
		}
		return nil
	}
	if f.schedule != "" && !f.noReload {
		if err := t.Manager.Calendar(ctx, f.schedule); err != nil {
			return err
		}
	}
	if err := p.Write(f.dir); err != nil {
		return err
	}
	if f.noReload {
		t.say("the drop-ins are written; systemd takes them up with: systemctl daemon-reload && systemctl enable --now %s", strings.Join(p.Units(), " "))
		return nil
	}
	if !p.Residue {
		if err := t.Manager.Disable(ctx, systemd.Instance("residue", name, "timer")); err != nil {
			return err
		}
	}
	if err := t.Manager.Enable(ctx, p.Units()...); err != nil {
		return fault.Hide(err, fault.KindOf(err), "the drop-ins are written, and systemd did not take them up: %s", fault.Text(err))
	}
	what := "they are checked"
	if p.OnChange == systemd.Rotate {
		what = name + " is rotated"
	}
	t.say("systemd looks after %s: when one changes, %s", strings.Join(p.Files, " "), what)
	t.say("enabled: %s", strings.Join(p.Units(), " "))
	return nil
}

func (t *tool) systemdDisable() *cobra.Command {
	var f lookingAfter
	c := &cobra.Command{
		Use:   "disable APP",
		Short: "Have systemd look after an app no longer",
		Long:  "Disable the app's units, and take away the drop-ins that enable has written. It may be run for an app that is configured no more.",
		Args:  exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			units := systemd.Plan{App: args[0], Residue: true}.Units()
			if !config.PlainName(args[0]) {
				return fault.New(fault.Usage, "%q is not what an app can be called", args[0])
			}
			if !f.noReload {
				if err := t.Manager.Disable(c.Context(), units...); err != nil {
					return err
				}
			}
			if err := systemd.Remove(f.dir, args[0]); err != nil {
				return err
			}
			if !f.noReload {
				if err := t.Manager.Reload(c.Context()); err != nil {
					return err
				}
			}
			t.say("systemd looks after %s no longer", args[0])
			return nil
		},
	}
	f.flags(c)
	return c
}

// unitState is what is told of one unit.
type unitState struct {
	Unit   string `json:"unit"`
	Active string `json:"active"`
	Result string `json:"result"`
	Exit   string `json:"exit,omitempty"` // of a service's last run
	Next   string `json:"next,omitempty"` // of a timer
}

func (t *tool) systemdStatus() *cobra.Command {
	return &cobra.Command{
		Use:   "status APP",
		Short: "Show how systemd looks after an app",
		Args:  exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			units := systemd.Plan{App: args[0], Residue: true}.Units()
			units = append(units, systemd.Instance("change", args[0], "service"), systemd.Instance("residue", args[0], "service"))
			var all []unitState
			for _, u := range units {
				p, err := t.Manager.Show(c.Context(), u, "ActiveState", "Result", "ExecMainStatus", "ExecMainExitTimestamp", "NextElapseUSecRealtime")
				if err != nil {
					return err
				}
				s := unitState{Unit: u, Active: p["ActiveState"], Result: p["Result"], Next: p["NextElapseUSecRealtime"]}
				if p["ExecMainExitTimestamp"] != "" {
					s.Exit = p["ExecMainStatus"]
				}
				all = append(all, s)
			}
			if t.json() {
				return t.encode(all)
			}
			rows := [][]string{{"UNIT", "STATE", "RESULT", "EXIT", "NEXT"}}
			for _, s := range all {
				rows = append(rows, []string{s.Unit, s.Active, s.Result, s.Exit, s.Next})
			}
			t.table(rows)
			if !slices.ContainsFunc(all, func(s unitState) bool { return s.Active == "active" }) {
				t.hint("systemd does not look after %s; have it do so with: fairlead systemd enable %s", args[0], args[0])
			}
			return nil
		},
	}
}
