package engine

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/registry"

	"github.com/capakraken/fairlead/internal/fault"
)

func TestFindLogin(t *testing.T) {
	pair := base64.StdEncoding.EncodeToString([]byte("deployer:" + canary + ":with:colons"))
	for _, tt := range []struct {
		name, host, file, user, password string
	}{
		{"host", "r.example.com", `{"auths": {"r.example.com": {"auth": "` + pair + `"}}}`, "deployer", canary + ":with:colons"},
		{"old url", "r.example.com", `{"auths": {"https://r.example.com/v1/": {"auth": "` + pair + `"}}}`, "deployer", canary + ":with:colons"},
		{"host and port", "127.0.0.1:5000", `{"auths": {"127.0.0.1:5000": {"username": "u", "password": "p"}}}`, "u", "p"},
		{"Docker Hub", "docker.io", `{"auths": {"https://index.docker.io/v1/": {"username": "u", "password": "p"}}}`, "u", "p"},
		{"another host", "r.example.com", `{"auths": {"q.example.com": {"username": "u", "password": "p"}}}`, "", ""},
		{"another port", "r.example.com", `{"auths": {"r.example.com:5000": {"username": "u", "password": "p"}}}`, "", ""},
		{"nothing", "r.example.com", `{}`, "", ""},
		{"another host's helper", "r.example.com", `{"credHelpers": {"gcr.io": "gcloud"}, "auths": {"r.example.com": {"username": "u", "password": "p"}}}`, "u", "p"},
		{"a store that was not used", "r.example.com", `{"credsStore": "pass", "auths": {"r.example.com": {"username": "u", "password": "p"}}}`, "u", "p"},
	} {
		l, err := findLogin([]byte(tt.file), "docker.json", tt.host)
		if err != nil || l.user != tt.user || l.password.Reveal() != tt.password {
			t.Errorf("%s: the login is %q with %d bytes (%v)", tt.name, l.user, l.password.Len(), err)
		}
	}
}

func TestFindLoginRefuses(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"no JSON", `auths: ` + canary, "not valid JSON"},
		{"another form", `{"auths": ["` + canary + `"]}`, "not valid JSON"},
		{"no base64", `{"auths": {"r.example.com": {"auth": "` + canary + `"}}}`, "not base64"},
		{"no colon", `{"auths": {"r.example.com": {"auth": "` + base64.StdEncoding.EncodeToString([]byte(canary)) + `"}}}`, "not base64"},
		{"a helper", `{"credHelpers": {"r.example.com": "` + canary + `"}}`, "docker.json leaves the login for r.example.com to a credential helper"},
		{"a store", `{"credsStore": "` + canary + `", "auths": {"r.example.com": {}}}`, "docker.json leaves the login for r.example.com to a credential helper"},
	} {
		_, err := findLogin([]byte(tt.file), "docker.json", "r.example.com")
		if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		silent(t, err)
	}
}

func TestLoginHeader(t *testing.T) {
	l, err := findLogin([]byte(`{"auths": {"r.example.com": {"identitytoken": "i", "registrytoken": "r"}}}`), "docker.json", "r.example.com")
	if err != nil {
		t.Fatal(err)
	}
	h, err := l.header()
	if err != nil {
		t.Fatal(err)
	}
	got, err := registry.DecodeAuthConfig(h.Reveal())
	if err != nil || got.IdentityToken != "i" || got.RegistryToken != "r" || got.ServerAddress != "r.example.com" {
		t.Errorf("the header holds %+v (%v)", got, err)
	}
	if h, err := (login{}).header(); err != nil || !h.IsEmpty() {
		t.Errorf("an anonymous login has a header (%v)", err)
	}
}

func TestCredentialsFile(t *testing.T) {
	e := testEngine(t)
	e.registryConfig = filepath.Join(t.TempDir(), "docker.json")
	if _, err := e.credentials("r.example.com/app"); fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), e.registryConfig) {
		t.Errorf("a missing file is told as %v", err)
	}
	if err := os.WriteFile(e.registryConfig, make([]byte, maxRegistryConfig+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.credentials("r.example.com/app"); fault.KindOf(err) != fault.Refused {
		t.Errorf("a huge file is told as %v", err)
	}
	if err := os.WriteFile(e.registryConfig, []byte(`{"auths": {"r.example.com": {"username": "u", "password": "p"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if h, err := e.credentials("r.example.com/app"); err != nil || h.IsEmpty() {
		t.Errorf("no header (%v)", err)
	}
}

func FuzzFindLogin(f *testing.F) {
	f.Add([]byte(`{"auths": {"r.example.com": {"auth": "dTpw"}}}`), "r.example.com")
	f.Add([]byte(`{"auths": {"https://index.docker.io/v1/": {}}, "credsStore": "pass"}`), "docker.io")
	f.Add([]byte(`{"credHelpers": {"r.example.com": "x"}}`), "r.example.com")
	f.Fuzz(func(t *testing.T, text []byte, host string) {
		l, err := findLogin(text, "docker.json", host)
		if err != nil {
			if fault.KindOf(err) != fault.Refused {
				t.Errorf("kind %s", fault.KindOf(err))
			}
			return
		}
		if l.server != "" && (!json.Valid(text) || hostOf(l.server) != hostOf(host)) {
			t.Errorf("a login of %q for %q", l.server, host)
		}
	})
}
