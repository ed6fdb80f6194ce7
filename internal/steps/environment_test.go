package steps

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// second makes the app read a second env file, which holds content.
func second(t *testing.T, content string) (edit []string, path string) {
	path = t.TempDir() + "/second.env"
	if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	return []string{"env: [{file: ENV}]", "env: [{file: ENV}, {file: " + path + "}]"}, path
}

func TestProvisionTellsAllFaultsAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		edits   []string
		want    []string // one problem each, in order; ENV stands for the file
	}{
		"nothing wrong": {content: provisioned},
		"a required secret is missing": {
			content: "DATABASE_URL=" + dsn + "\n",
			want:    []string{"ENV: AZURE_OPENAI_API_KEY is missing (Primary AI credential, required); add the line AZURE_OPENAI_API_KEY=…"},
		},
		"it is empty": {
			content: "AZURE_OPENAI_API_KEY=\nDATABASE_URL=" + dsn + "\n",
			want:    []string{"ENV:1: AZURE_OPENAI_API_KEY is required and empty (Primary AI credential)"},
		},
		"it is a placeholder": {
			content: "DATABASE_URL=" + dsn + "\nAZURE_OPENAI_API_KEY=changeme\n",
			want:    []string{"ENV:2: AZURE_OPENAI_API_KEY still holds a placeholder (Primary AI credential)"},
		},
		"it is too short": {
			content: "AZURE_OPENAI_API_KEY=canary-azure\nDATABASE_URL=" + dsn + "\n",
			want:    []string{"ENV:1: AZURE_OPENAI_API_KEY is shorter than 20 bytes (Primary AI credential)"},
		},
		"only comments": {
			content: "# nothing yet\n",
			want:    []string{"ENV: AZURE_OPENAI_API_KEY is missing (Primary AI credential, required)"},
		},
		"a line that is refused is not also missing": {
			content: "AZURE_OPENAI_API_KEY={\"key\": \"" + azure + "\"}\nSMTP_PASSWORD=changeme\nDATABASE_URL=" + dsn + "\n",
			want:    []string{"ENV:1: the value of AZURE_OPENAI_API_KEY holds quotes", "ENV:2: SMTP_PASSWORD still holds a placeholder (smtp)"},
		},
		"twice in one file": {
			content: "AZURE_OPENAI_API_KEY=" + azure + "\nAZURE_OPENAI_API_KEY=" + azure + "\nDATABASE_URL=" + dsn + "\n",
			want:    []string{"ENV:2: AZURE_OPENAI_API_KEY"},
		},
		"a definition blanks a secret": {
			content: provisioned,
			edits:   []string{"{command: [work]}", "{command: [work], environment: {SMTP_PASSWORD: \"\"}}"},
			want:    []string{"fairlead.yaml:9: service worker sets SMTP_PASSWORD to another value than the env sources; remove the entry"},
		},
		"a definition brings its own value": {
			content: "AZURE_OPENAI_API_KEY=" + azure + "\nDATABASE_URL=" + dsn + "\n",
			edits:   []string{"{command: [work]}", "{command: [work], environment: {SMTP_PASSWORD: hunter2hunter2}}"},
			want:    []string{"fairlead.yaml:9: service worker sets SMTP_PASSWORD to another value than the env sources"},
		},
		"a definition passes a secret on": {
			content: provisioned,
			edits:   []string{"{command: [work]}", "{command: [work], environment: {SMTP_PASSWORD: \"${SMTP_PASSWORD}\", AZURE_OPENAI_API_KEY: null}}"},
		},
		"a definition holds a copy of a secret": {
			content: provisioned,
			edits:   []string{"{command: [work]}", "{command: [work, " + smtp + "]}"},
			want:    []string{"fairlead.yaml:9: apps.shop.services.worker.command"},
		},
		"a definition holds a copy of the database's address": {
			content: provisioned,
			edits:   []string{"{command: [work]}", "{command: [work], labels: {db: \"" + dsn + "\"}}"},
			want:    []string{"fairlead.yaml:9: apps.shop.services.worker.labels"},
		},
		"file and definition are wrong": {
			content: "AZURE_OPENAI_API_KEY=short\nSMTP_PASSWORD=" + smtp + "\nDATABASE_URL=" + dsn + "\n",
			edits:   []string{"{command: [work]}", "{command: [work], environment: [SMTP_PASSWORD=]}"},
			want:    []string{"ENV:1: AZURE_OPENAI_API_KEY is shorter", "fairlead.yaml:9: service worker sets SMTP_PASSWORD"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, test.edits...)
			r.write(test.content)
			_, problems := r.provision(t.Context(), r.Options.Apps["shop"])
			if len(problems) != len(test.want) {
				t.Fatalf("problems %q, want %q", problems, test.want)
			}
			for i, p := range problems {
				silent(t, p.String())
				if want := strings.ReplaceAll(test.want[i], "ENV:", r.env+":"); !strings.HasPrefix(p.String(), want) {
					t.Errorf("problem %q, want %q", p, want)
				}
			}
		})
	}
}

func TestProvisionOfTwoSources(t *testing.T) {
	edit, path := second(t, "SMTP_PASSWORD="+smtp+"\nEXTRA=1\n")
	r := newRig(t, edit...)
	_, problems := r.provision(t.Context(), r.Options.Apps["shop"])
	if len(problems) != 1 || problems[0].String() != path+":1: SMTP_PASSWORD is also set in "+r.env+":2; keep it in one of the two, or write override: true at the later source for that one to count" {
		t.Errorf("problems %q", problems)
	}
	app := r.Options.Apps["shop"]
	app.Env[1].Override = true
	if err := os.WriteFile(path, []byte("SMTP_PASSWORD="+smtp+"x\nEXTRA=1\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	p, problems := r.provision(t.Context(), app)
	if v, _ := p.base.Lookup("SMTP_PASSWORD"); len(problems) > 0 || v.Origin.String() != path+":1" || !v.Value.Equal(secret.NewValue(smtp+"x")) {
		t.Errorf("the later source must count: %s, %q", v.Origin, problems)
	}
	if got := p.sources; len(got) != 2 || got[0].Source != r.env || got[0].Kind != "file" || slices.Contains(got[0].Keys, "SMTP_PASSWORD") || !slices.Equal(got[0].Overridden, []string{"SMTP_PASSWORD"}) ||
		!slices.Equal(got[1].Keys, []string{"EXTRA", "SMTP_PASSWORD"}) {
		t.Errorf("what each source gave: %+v", got)
	}
	app.Env[1].Override = false
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	r.write("EXTRA=1\nDATABASE_URL=" + dsn + "\n")
	p, problems = r.provision(t.Context(), r.Options.Apps["shop"])
	if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), path+": does not exist") {
		t.Errorf("with a source missing, nothing else can be missed: %q", problems)
	}
	if len(p.units) != 0 {
		t.Errorf("with a source missing there are units: %d", len(p.units))
	}
}

func TestFingerprintsTellAChange(t *testing.T) {
	r := newRig(t)
	app := r.Options.Apps["shop"]
	before, _ := r.provision(t.Context(), app)
	again, _ := r.provision(t.Context(), app)
	if before.env == "" || before.env != again.env || before.definitions != again.definitions {
		t.Error("the same has another fingerprint")
	}
	r.write(strings.Replace(provisioned, smtp, smtp+"x", 1))
	after, _ := r.provision(t.Context(), app)
	if after.env == before.env || after.definitions != before.definitions {
		t.Error("a changed value must change the environment's fingerprint, and no other")
	}
	other := newRig(t, "command: [work]", "command: [work, harder]")
	changed, _ := other.provision(t.Context(), other.Options.Apps["shop"])
	if changed.definitions == before.definitions || changed.env != before.env {
		t.Error("a changed definition must change the definitions' fingerprint, and no other")
	}
}

func TestFactsHoldNoValue(t *testing.T) {
	r := newRig(t)
	s := r.validated(rollout.Deploy)
	facts := s.Validated.Secrets
	if len(facts) != 3 || len(s.Validated.Keys) != 3 {
		t.Fatalf("facts %+v of %v", facts, s.Validated.Keys)
	}
	if f := facts[0]; !f.Gated || !f.Provisioned || f.Fingerprint == "" || f.Origin != r.env+":1" {
		t.Errorf("a provisioned secret is recorded as %+v", f)
	}
	if f := facts[1]; !f.Gated {
		t.Errorf("an optional secret that is provisioned is gated: %+v", f)
	}
	if f := facts[2]; f.Gated || f.Provisioned || f.Fingerprint != "" || f.Origin != "" {
		t.Errorf("an optional secret that is absent is recorded as %+v", f)
	}
}

func TestUnreadableFileIsRefused(t *testing.T) {
	r := newRig(t)
	if err := os.Chmod(r.env, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := r.do(t.Context(), r.requested(rollout.Deploy), rollout.DoValidate, "")
	expect(t, err, fault.Refused, r.env, "mode 0644", "install ")
	if strings.Contains(err.Error(), "missing") {
		t.Errorf("what could not be read is said to be missing: %v", err)
	}
}
