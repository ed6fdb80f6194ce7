package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/doctor"
	"github.com/capakraken/fairlead/internal/fault"
)

func (t *tool) doctor() *cobra.Command {
	var where doctor.Where
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that a rollout depends on",
		Long: "Check everything that a rollout depends on, each with what was found and how to mend it: the configuration, the Engine,\n" +
			"sockets and rights, registries, env files, databases, status endpoints, disks, clocks, leftovers. The daemon need not run, and\n" +
			"nothing is changed. Run it as root or as the daemon's user; what another may not look at is said. Exit code 1 where there is a\n" +
			"problem; warnings alone are 0.",
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if t.Doctor == nil {
				return fault.New(fault.Internal, "this program was built without a doctor")
			}
			where.Socket = t.localSocket()
			return t.diagnosis(t.Doctor(c.Context(), where))
		},
	}
	c.Flags().StringVar(&where.Config, "config", defaultConfig, "the configuration")
	c.Flags().StringVar(&where.State, "state", "/var/lib/fairlead", "the daemon's state directory")
	return c
}

// diagnosis tells of all findings, and ends the command by them.
func (t *tool) diagnosis(r doctor.Report) error {
	problems, warnings := r.Count(doctor.Problem), r.Count(doctor.Warning)
	if t.json() {
		if err := t.encode(map[string]any{"findings": r.Findings, "problems": problems, "warnings": warnings}); err != nil {
			return err
		}
	} else {
		for _, f := range r.Findings {
			t.say("%s", diagnosed(f))
			if f.Remedy != "" && f.Verdict != doctor.OK {
				t.say("         -> %s", flat(f.Remedy))
			}
		}
		t.say("%s, %s", count(problems, "problem", "problems"), count(warnings, "warning", "warnings"))
	}
	if problems > 0 {
		return toldFault(fault.Unavailable)
	}
	return nil
}

// diagnosed returns a finding on one line.
func diagnosed(f doctor.Finding) string {
	verdict := string(f.Verdict)
	if f.Verdict == doctor.Problem {
		verdict = strings.ToUpper(verdict)
	}
	return fmt.Sprintf("%-8s %s: %s", verdict, flat(f.Check+" "+f.Subject), flat(f.Found))
}
