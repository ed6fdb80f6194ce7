package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/cli"
)

// TestCheckOfBrokenFiles looks at the service definitions of every file that the configuration's own tests refuse: a
// file that is broken in one way is still looked at in every other, and nothing of it is quoted that could be a secret.
func TestCheckOfBrokenFiles(t *testing.T) {
	files, err := filepath.Glob("../config/testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files (%v)", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var out, errs strings.Builder
			code := cli.Run(t.Context(), []string{"config", "check", file}, cli.Options{In: strings.NewReader(""), Out: &out, Err: &errs, Version: "test"})
			if code != 3 || errs.Len() > 0 {
				t.Errorf("exit %d, and on standard error %q", code, &errs)
			}
			if strings.Contains(out.String(), "hunter2") {
				t.Error("a secret is quoted")
			}
		})
	}
}

// TestCheckOfComposeFiles looks at the Compose files that a configuration names: what is only worth knowing is a warning,
// and keeps the exit code 0.
func TestCheckOfComposeFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := write("fairlead.yaml", "instance: prod-1\napps:\n  shop:\n    environment: production\n    image: registry.example.com/shop\n    env: [{file: /etc/shop/.env}]\n    compose: {file: DIR/compose.yaml, services: [web]}\n")
	for _, tt := range []struct {
		compose  string
		code     int
		text     string
		encoding string
	}{
		{"services:\n  web: {command: [web]}\n", 0, "DIR/fairlead.yaml: ok, 1 app, 1 service, 0 secrets\n", `"faults": [],`},
		{"services:\n  web:\n    build: .\n", 0, "warning: DIR/compose.yaml:3: services.web.build: is not acted on: the image comes from the rollout and is never built here\nDIR/fairlead.yaml: ok, ", `"where": "DIR/compose.yaml:3: services.web.build"`},
		{"services:\n  web:\n    build: .\n    scale: 2\n", 3, "DIR/compose.yaml:4: services.web.scale: is not honoured: exactly one container of a service runs; write 1, or take it out\nDIR/fairlead.yaml: 1 fault; the rollouts of what it defines would be refused\n", `"where": "DIR/compose.yaml:4: services.web.scale"`},
	} {
		write("compose.yaml", tt.compose)
		for format, want := range map[string]string{"text": tt.text, "json": tt.encoding} {
			var out, errs strings.Builder
			code := cli.Run(t.Context(), []string{"config", "check", config, "--output", format}, cli.Options{In: strings.NewReader(""), Out: &out, Err: &errs, Version: "test"})
			if code != tt.code || errs.Len() > 0 || !strings.Contains(strings.ReplaceAll(out.String(), dir, "DIR"), want) {
				t.Errorf("exit %d, %q, and on standard error %q", code, &out, &errs)
			}
		}
	}
}
