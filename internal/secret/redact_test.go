package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func environment(pairs ...string) Env {
	var vars []Var
	for i := 0; i < len(pairs); i += 2 {
		vars = append(vars, Var{Name: pairs[i], Value: NewValue(pairs[i+1])})
	}
	return NewEnv(vars...)
}

func TestARedactorFindsEveryForm(t *testing.T) {
	const value = `p"ss/wörd+&=12`
	r := NewRedactor(environment("KEY", value))
	quoted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"raw":             value,
		"JSON":            string(quoted),
		"query":           url.QueryEscape(value),
		"path":            url.PathEscape(value),
		"hex":             hex.EncodeToString([]byte(value)),
		"HEX":             strings.ToUpper(hex.EncodeToString([]byte(value))),
		"base64":          base64.StdEncoding.EncodeToString([]byte(value)),
		"base64, shifted": base64.StdEncoding.EncodeToString([]byte("x" + value + "tail")),
		"base64, by two":  base64.URLEncoding.EncodeToString([]byte("xy" + value + "tail")),
	} {
		line := "before " + text + " after"
		if got := r.Found(line); !slices.Equal(got, []string{"KEY"}) {
			t.Errorf("%s: found %v", name, got)
		}
		got := r.Redact(line)
		if strings.Contains(got, text) || !strings.Contains(got, "[KEY]") || !strings.HasPrefix(got, "before ") {
			t.Errorf("%s: redacted to %q", name, got)
		}
	}
	if got := r.Found("nothing of it here, not even wörd+&"); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

func TestARedactorKnowsPartsThatAreSecretsThemselves(t *testing.T) {
	r := NewRedactor(environment(
		"DATABASE_URL", "postgres://app:hunter2hunter2@db/x",
		"KEY_FILE", "-----BEGIN KEY-----\nMIIBVgIBADANBg\n-----END KEY-----",
		"LONG", "abcdefgh-ijklmnop", "PART", "abcdefgh",
	))
	for text, want := range map[string]string{
		"password=hunter2hunter2":   "password=[DATABASE_URL]",
		"line MIIBVgIBADANBg":       "line [KEY_FILE]",
		"abcdefgh-ijklmnop":         "[LONG]", // the longer one first, so that no rest of it remains
		"abcdefgh and nothing more": "[PART] and nothing more",
	} {
		if got := r.Redact(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestShortValues(t *testing.T) {
	env := environment("FLAG", "true", "PIN", "4711", "TINY", "abc")
	if got := NewRedactor(env).Redact("true 4711 abc"); got != "true 4711 abc" {
		t.Errorf("common words are blacked out: %q", got)
	}
	if got := NewSecretRedactor(env).Redact("true 4711 abc"); got != "[FLAG] [PIN] abc" {
		t.Errorf("got %q", got)
	}
	if got := (Redactor{}).Redact("text"); got != "text" {
		t.Errorf("the zero Redactor gives %q", got)
	}
}

func TestFingerprints(t *testing.T) {
	key := NewKey([KeySize]byte{1})
	other := NewKey([KeySize]byte{2})
	v := NewValue(canary)
	same, fp := key.Of("A", v), key.Of("A", NewValue(canary))
	switch {
	case same != fp:
		t.Error("one value has two fingerprints")
	case key.Of("B", v) == fp:
		t.Error("two variables with one value show it")
	case other.Of("A", v) == fp:
		t.Error("two keys make one fingerprint")
	case strings.Contains(string(fp), canary[:4]) || len(fp) != 32 || fp.Short() != string(fp[:8]):
		t.Errorf("the fingerprint is %q", fp)
	case key.OfEnv(environment("A", "bc")) == key.OfEnv(environment("Ab", "c")):
		t.Error("two environments run into each other")
	case key.OfText("a", "bc") == key.OfText("ab", "c"):
		t.Error("two texts run into each other")
	}
}
