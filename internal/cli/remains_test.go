package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// TestWhatAClearDoesNotErase: the result of a clear says the truth about copies, and asks for a new value.
func TestWhatAClearDoesNotErase(t *testing.T) {
	wiped := []secret.Residue{{Secret: "smtp", Column: "smtpPassword", Verdict: secret.Same, Cleared: true}, {Secret: "ai", Column: "aiKey", Verdict: secret.Same, Cleared: true}}
	const always = "not erased: copies in the database's files and write-ahead log until they are overwritten, in backups, and in snapshots of the disk"
	const rotate = "have a new value issued at the provider, and rotate to it, for smtp, ai: this alone makes every copy worthless"
	for name, c := range map[string]struct {
		cleared rollout.Cleared
		want    []string
	}{
		"nothing was cleared": {rollout.Cleared{Residue: []secret.Residue{{Secret: "smtp", Verdict: secret.Empty}}, Remains: []secret.Hazard{{Kind: "archive", Text: "x"}}}, nil},
		"nothing was found":   {rollout.Cleared{Residue: wiped}, []string{always, rotate}},
		"hazards and notes": {rollout.Cleared{Residue: wiped, Remains: []secret.Hazard{{Kind: "trigger", Text: "trigger keep runs"}}, Notes: []string{"ANALYZE did not succeed"}},
			[]string{always, "not erased: trigger keep runs", "ANALYZE did not succeed", rotate}},
	} {
		if diff := cmp.Diff(c.want, remains(c.cleared)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
