package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
)

// defaultState is where the daemon keeps its state when systemd starts it.
const defaultState = "/var/lib/fairlead"

func (t *tool) auditVerify() *cobra.Command {
	state := defaultState
	if dirs := t.Getenv("STATE_DIRECTORY"); dirs != "" {
		state, _, _ = strings.Cut(dirs, ":")
	}
	c := &cobra.Command{
		Use:   "verify",
		Short: "Hold every record of the journal against its checksum and its chain",
		Long: "Hold every record of the journal against its checksum and its chain. The daemon is not asked, and nothing is written.\n\n" +
			"A journal that somebody cut off at an earlier record, or wrote anew as a whole, verifies as well: note the number of records and\n" +
			"the head elsewhere from time to time, and compare them.",
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			report, err := journal.Verify(filepath.Join(state, "journal"))
			if err != nil && fault.KindOf(err) != fault.Difference {
				return err
			}
			if t.json() {
				if failed := t.encode(report); failed != nil {
					return failed
				}
				return toldKind(err)
			}
			t.sound(report)
			return err
		},
	}
	c.Flags().StringVar(&state, "state", state, "the daemon's state directory")
	return c
}

// toldKind returns the end of a command that has told of err.
func toldKind(err error) error {
	if err == nil {
		return nil
	}
	return toldFault(fault.KindOf(err))
}

// sound says what of the journal verified.
func (t *tool) sound(r journal.Report) {
	switch {
	case r.Damage != nil:
		t.say("only the first %s verified; what lies behind cannot be trusted", count(int(r.Records), "record", "records"))
	case r.Records == 0:
		t.say("the journal is whole: it holds no record yet")
	default:
		t.say("the journal is whole: %s in %s, from %s to %s", count(int(r.Records), "record", "records"), count(r.Segments, "segment", "segments"),
			stamp(r.First.Time), stamp(r.Last.Time))
	}
	if r.Tear != nil {
		t.say("its end is incomplete (%s:%d, %s): a crash left it, or the daemon is writing just now; the next start cuts it off, and nothing that was acknowledged is lost",
			r.Tear.File, r.Tear.Line, size(r.Tear.Bytes))
	}
	if r.Records > 0 {
		t.say("head: %s (record %d)", r.Head, r.Last.Seq)
	}
}
