package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/compose"
	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
)

func (t *tool) config() *cobra.Command {
	c := &cobra.Command{
		Use:   "config COMMAND",
		Short: "Check a configuration",
		Args:  subcommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return misused(c, "say what: fairlead config check FILE")
		},
	}
	c.AddCommand(t.configCheck())
	return c
}

func (t *tool) configCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Find every fault of a configuration, without the daemon",
		Long: "Find every fault of a configuration, each with its file, line and field, also in the Compose files that it names. What is\n" +
			"only worth knowing is a warning. The daemon is not asked, no env file is read, and nothing is changed. Exit code 3 when there\n" +
			"are faults.",
		Args: exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0])
			if err != nil && len(fault.ProblemsOf(err)) == 0 {
				return err
			}
			found, away := composed(c.Context(), cfg)
			consequence := "a daemon with this configuration would not start"
			if err == nil && away == len(found.Problems) {
				consequence = "the rollouts of what it defines would be refused"
			}
			found.Problems = byLine(args[0], slices.Concat(fault.ProblemsOf(err), found.Problems))
			if t.json() {
				return t.encodeFindings(args[0], found)
			}
			for _, w := range found.Warnings {
				t.say("warning: %s", w)
			}
			if len(found.Problems) > 0 {
				t.faults(args[0], found.Problems, consequence)
				return toldFault(fault.Refused)
			}
			t.say("%s: ok, %s", args[0], contents(cfg))
			return nil
		},
	}
}

// composed returns what is to be said of the service definitions of every app, as far as the apps could be read, and how
// many of the problems are with Compose files, which keep no daemon from starting.
func composed(ctx context.Context, cfg config.Config) (all compose.Findings, away int) {
	for _, name := range slices.Sorted(maps.Keys(cfg.Apps)) {
		app := cfg.Apps[name]
		in := compose.Input{Project: app.Name, Secrets: app.SecretVariables()}
		if c := app.Compose; c != nil {
			if len(c.Files) == 0 || slices.Contains(c.Files, "") || len(app.Services) == 0 {
				continue // the configuration has its fault already
			}
			in.Files = &compose.Files{Paths: c.Files, Project: c.Project, Repository: app.Repository, Asked: app.Asked()}
		}
		for _, d := range app.Services {
			in.Source = d.Source
			in.Services = append(in.Services, compose.Raw{Name: d.Name, YAML: d.YAML, Line: d.Line})
		}
		found := compose.Check(ctx, in)
		all.Problems = append(all.Problems, found.Problems...)
		all.Warnings = append(all.Warnings, slices.Concat(found.Warnings, found.Noted)...)
		if app.Compose != nil {
			away += len(found.Problems)
		}
	}
	return all, away
}

// byLine returns the problems of one file in the order of its lines; those of the whole file come first.
func byLine(file string, problems []fault.Problem) []fault.Problem {
	line := func(p fault.Problem) int {
		rest, _ := strings.CutPrefix(p.Where, file+":")
		number, _, _ := strings.Cut(rest, ":")
		n, _ := strconv.Atoi(number) // 0 where there is none
		return n
	}
	return slices.SortedStableFunc(slices.Values(problems), func(a, b fault.Problem) int { return cmp.Compare(line(a), line(b)) })
}

func (t *tool) faults(file string, problems []fault.Problem, consequence string) {
	for _, p := range problems {
		t.say("%s", p)
	}
	t.say("%s: %s; %s", file, count(len(problems), "fault", "faults"), consequence)
}

func (t *tool) encodeFindings(file string, found compose.Findings) error {
	listed := func(problems []fault.Problem) []fault.Problem {
		return append([]fault.Problem{}, problems...) // an empty list is [], not null
	}
	err := t.encode(map[string]any{"file": file, "faults": listed(found.Problems), "warnings": listed(found.Warnings)})
	if err == nil && len(found.Problems) > 0 {
		err = toldFault(fault.Refused)
	}
	return err
}

// contents says what a configuration holds.
func contents(cfg config.Config) string {
	services, secrets := 0, 0
	for _, app := range cfg.Apps {
		services += len(app.Services)
		secrets += len(app.Secrets)
	}
	return fmt.Sprintf("%s, %s, %s", count(len(cfg.Apps), "app", "apps"), count(services, "service", "services"), count(secrets, "secret", "secrets"))
}

// defaultConfig is where the daemon's unit has its configuration.
const defaultConfig = "/etc/fairlead/fairlead.yaml"

// configured returns an app of a configuration file.
func configured(file, name string) (config.App, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return config.App{}, err
	}
	app, ok := cfg.Apps[name]
	if !ok {
		return app, fault.New(fault.NotFound, "there is no app %q in %s", name, file)
	}
	return app, nil
}
