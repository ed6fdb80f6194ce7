package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/contexts"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/parity"
)

func (t *tool) parity() *cobra.Command {
	var app, appThere string
	all := false
	c := &cobra.Command{
		Use:   "parity A B [--app APP]",
		Short: "Hold two hosts against each other: are an app's secrets provisioned by the same rules?",
		Long: "Hold two hosts against each other, point by point: are an app's secrets provisioned by the same rules, from the same kinds of\n" +
			"sources, and are its services the same? A and B are contexts (local is this host's daemon), or files that 'fairlead provisioning\n" +
			"APP -o json' has written. What is expected to differ breaks nothing; parity: {ignore: [...]} in both apps' configurations says\n" +
			"more of that. Exit code 7 where parity is broken; -o markdown is for a ticket. Needs the role of an operator on both hosts.",
		Args:        exactly("A", "B"),
		Annotations: map[string]string{markdown: "yes"},
		RunE: func(c *cobra.Command, args []string) error {
			a, err := t.side(c.Context(), args[0], app)
			if err != nil {
				return err
			}
			if appThere == "" {
				appThere = app
			}
			b, err := t.side(c.Context(), args[1], appThere)
			if err != nil {
				return err
			}
			found, err := parity.Compare(a, b, parity.Options{NameA: args[0], NameB: args[1]})
			if err != nil {
				return err
			}
			if err := t.comparison(found, all); err != nil || found.Parity {
				return err
			}
			return toldFault(fault.Difference)
		},
	}
	c.Flags().StringVar(&app, "app", "", "the app; not needed where a daemon has only one")
	c.Flags().StringVar(&appThere, "app-there", "", "the app of B, where it is called otherwise there")
	c.Flags().BoolVar(&all, "all", false, "show also what is the same")
	c.AddCommand(t.parityRun())
	return c
}

// side returns the report of a context or a file.
func (t *tool) side(ctx context.Context, name, app string) (parity.Report, error) {
	known, err := t.knows(name)
	if err != nil {
		return parity.Report{}, err
	}
	if !known {
		return savedReport(name, app)
	}
	client := t.clientBy(name)
	defer client.Close()
	if app == "" {
		apps, err := client.Apps(ctx)
		if err != nil {
			return parity.Report{}, at(name, err)
		}
		if len(apps) != 1 {
			return parity.Report{}, fault.New(fault.Usage, "%s has %s: say which with --app", name, count(len(apps), "app", "apps"))
		}
		app = apps[0].Name
	}
	report, err := client.Provisioning(ctx, app)
	return report, at(name, err)
}

// at says at which host something failed.
func at(name string, err error) error {
	if err == nil {
		return nil
	}
	e := fault.Hide(err, fault.KindOf(err), "%s: %s", name, fault.Summary(err))
	e.Problems = fault.ProblemsOf(err)
	return e
}

// knows tells whether a name is that of a context.
func (t *tool) knows(name string) (bool, error) {
	if name == contexts.Local {
		return true, nil
	}
	path, err := contexts.Path(t.Getenv)
	if err != nil {
		return false, nil //nolint:nilerr // without a place for contexts, every name is a file's
	}
	s, err := contexts.Load(path)
	if err != nil {
		return false, err
	}
	_, ok := s.Find(name)
	return ok, nil
}

// maxReport bounds a saved report.
const maxReport = 16 << 20

// savedReport reads a report from a file.
func savedReport(name, app string) (parity.Report, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, "./") {
		return parity.Report{}, contexts.Unknown(name)
	}
	if err != nil {
		return parity.Report{}, fault.Hide(err, fault.Usage, "%q is no context, and cannot be read as a saved report", name)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxReport+1))
	if err != nil || len(text) > maxReport {
		return parity.Report{}, fault.Hide(err, fault.Usage, "%s cannot be read, or is longer than %d bytes", name, maxReport)
	}
	var r parity.Report
	if err := json.Unmarshal(text, &r); err != nil || r.Format == 0 || r.App == "" {
		return r, fault.Hide(err, fault.Usage, "%s is no report: 'fairlead provisioning APP -o json' writes one", name)
	}
	if app != "" && r.App != app {
		return r, fault.New(fault.Usage, "%s is a report on %s, and not on %s", name, r.App, app)
	}
	return r, nil
}
