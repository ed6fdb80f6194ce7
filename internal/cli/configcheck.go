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
		Long: "Find every fault of a configuration, each with its file, line and field. The daemon is not asked, no env file is read, and\n" +
			"nothing is changed. Exit code 3 when there are faults.",
		Args: exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0])
			if err != nil && len(fault.ProblemsOf(err)) == 0 {
				return err
			}
			problems := byLine(args[0], slices.Concat(fault.ProblemsOf(err), uncomposed(c.Context(), cfg)))
			if t.json() {
				return t.encodeFaults(args[0], problems)
			}
			if len(problems) > 0 {
				t.faults(args[0], problems)
				return toldFault(fault.Refused)
			}
			t.say("%s: ok, %s", args[0], contents(cfg))
			return nil
		},
	}
}

// uncomposed returns what is wrong with the service definitions of every app, as far as the apps could be read.
func uncomposed(ctx context.Context, cfg config.Config) []fault.Problem {
	var problems []fault.Problem
	for _, name := range slices.Sorted(maps.Keys(cfg.Apps)) {
		app := cfg.Apps[name]
		in := compose.Input{Project: app.Name, Secrets: app.SecretVariables()}
		for _, d := range app.Services {
			in.Source = d.Source
			in.Services = append(in.Services, compose.Raw{Name: d.Name, YAML: d.YAML, Line: d.Line})
		}
		problems = append(problems, compose.Check(ctx, in)...)
	}
	return problems
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

func (t *tool) faults(file string, problems []fault.Problem) {
	for _, p := range problems {
		t.say("%s", p)
	}
	t.say("%s: %s; a daemon with this configuration would not start", file, count(len(problems), "fault", "faults"))
}

func (t *tool) encodeFaults(file string, problems []fault.Problem) error {
	if problems == nil {
		problems = []fault.Problem{} // an empty list is [], not null
	}
	err := t.encode(map[string]any{"file": file, "faults": problems})
	if err == nil && len(problems) > 0 {
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
