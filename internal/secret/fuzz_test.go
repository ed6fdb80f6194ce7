package secret_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/secret"
)

// FuzzRedact hides a value in a text in the ways in which programs write one: afterwards it is nowhere in it.
func FuzzRedact(f *testing.F) {
	for _, value := range []string{"hunter2-hunter2", "postgres://u:p%40ssword1@h/db", "two lines\nof a key", "a\"b\\c<d>&e f", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", "aaaaaaaaaaaa", "[CANARY][CANARY]"} {
		f.Add("before ", value, " after")
	}
	f.Fuzz(func(t *testing.T, before, value, after string) {
		if len(value) < secret.MinRedacted || strings.Contains("[CANARY]", value) || strings.Contains(value, "CANARY") {
			return // our own word for it is not a leak
		}
		r := secret.NewRedactor(secret.NewEnv(secret.Var{Name: "CANARY", Value: secret.NewValue(value)}))
		for _, form := range []string{value, url.QueryEscape(value), hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value))} {
			text := before + form + after
			if len(r.Found(text)) == 0 {
				t.Errorf("%q is not found in %q", value, text)
			}
			if got := r.Redact(text); strings.Contains(got, value) {
				t.Errorf("%q is left in %q", value, got)
			}
		}
	})
}
