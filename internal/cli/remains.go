package cli

import (
	"strings"

	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// remains says what the clearing did not erase, and the one thing that makes every copy worthless. A clear that took
// nothing away says nothing.
func remains(c rollout.Cleared) []string {
	names := c.Names()
	if len(names) == 0 {
		return nil
	}
	facts := []string{"not erased: copies in the database's files and write-ahead log until they are overwritten, in backups, and in snapshots of the disk"}
	facts = append(facts, hazards("not erased: ", c.Remains)...)
	facts = append(facts, c.Notes...)
	return append(facts, "have a new value issued at the provider, and rotate to it, for "+strings.Join(names, ", ")+": this alone makes every copy worthless")
}

func hazards(prefix string, all []secret.Hazard) []string {
	lines := make([]string, len(all))
	for i, h := range all {
		lines[i] = prefix + h.Text
	}
	return lines
}

// warnOfCopies says, before a clear, what it will not erase.
func (t *tool) warnOfCopies(report rollout.ResidueReport) {
	for _, line := range hazards("a cleanup does not erase every copy: ", report.Hazards) {
		t.say("%s", line)
	}
	for _, note := range report.Notes {
		t.say("note: %s", note)
	}
}
