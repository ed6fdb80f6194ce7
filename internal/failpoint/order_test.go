package failpoint

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]order{
		"replace-created=kill":                    {{ReplaceCreated, 1, kill}},
		"replace-created:2=stall":                 {{ReplaceCreated, 2, freeze}},
		"any:17=exit":                             {{anywhere, 17, leave}},
		"clear-locked=panic,append-synced:3=kill": {{ClearLocked, 1, crash}, {AppendSynced, 3, kill}},
	} {
		if got, err := parse(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v, want %v", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"replace-creatd=kill":      `no point "replace-creatd"`,
		"replace-created":          "what to do",
		"replace-created=":         "what to do",
		"replace-created=die":      "what to do",
		"replace-created:0=kill":   "how manieth",
		"replace-created:two=kill": "how manieth",
		"replace-created=kill,":    `no point ""`,
		"=kill":                    `no point ""`,
	} {
		if got, err := parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v %v, want an error with %q", text, got, err, says)
		}
	}
}
