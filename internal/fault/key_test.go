package fault

import (
	"strings"
	"testing"
)

func TestKey(t *testing.T) {
	for key, want := range map[string]string{
		"min_length":                     "min_length",
		"com.example/label":              "com.example/label",
		"SMTP_PASSWORD=hunter22":         "SMTP_PASSWORD…",
		"A B":                            "A B",
		"=hunter22":                      "…",
		"":                               "",
		strings.Repeat("é", 60):          strings.Repeat("é", 40) + "…",
		"x" + strings.Repeat("é", 60):    "x" + strings.Repeat("é", 39) + "…",
		"export\tSMTP_PASSWORD=hunter22": "export…",
	} {
		if got := Key(key); got != want {
			t.Errorf("%q is shown as %q, want %q", key, got, want)
		}
	}
}
