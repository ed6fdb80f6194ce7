//go:build e2e && full

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/host"
)

// home is a throw-away host on which Fairlead runs under its own units, with the reference application beside it.
type home struct {
	*host.Host
	t   *testing.T
	env map[string]string // of the application
}

const (
	homeEnv    = "/etc/capakraken/.env.production"
	homeConfig = "/etc/fairlead/fairlead.yaml"
)

// homeApp is the configuration of the host, but for how the service proves itself and where its database is.
const homeApp = `instance: home
access: {operators: {groups: [fairlead]}}
apps:
  capakraken:
    environment: production
    image: 127.0.0.1:5000/capakraken/app
    env: [{file: /etc/capakraken/.env.production}]
    timeouts: {verify: 60s, restart: 60s}
    services:
      web: {command: [web], restart: unless-stopped, stop_grace_period: 2s, container_name: capakraken-web}
    verify:
      web:
        PROOF
        query: '{healthy: .ok, version: .version, secrets: [.runtimeSecrets | to_entries[] | {name: .key, source: .value.source, present: .value.configured}]}'
        stay_up: 1s
    secrets:
      - {name: primary-ai, env: AZURE_OPENAI_API_KEY, required: true, min_length: 20, legacy: {column: azureOpenAiApiKey}}
      - {name: smtp, env: SMTP_PASSWORD, required: true, legacy: {column: smtpPassword}}
    legacy: {dsn: DSN, table: SystemSettings, row: {id: singleton}}
    clear: manual
`

// newHome boots a host and installs there what a package installs: the binary, the units, the user and the directories.
func newHome(t *testing.T) *home {
	t.Helper()
	lan := host.ForTest(t)
	h, err := lan.Boot(t.Context(), "home")
	if err != nil {
		t.Fatal(err)
	}
	s := &home{Host: h, t: t, env: map[string]string{
		"AZURE_OPENAI_API_KEY": "canary-azure-0123456789abcdef", "SMTP_PASSWORD": "canary-smtp-1",
		"DATABASE_URL": "postgres://app:secret-of-app@172.17.0.1:5432/app",
	}}
	bin := t.TempDir()
	for target, pkg := range map[string]string{"fairlead": "../cmd/fairlead", "refapp": "./refapp"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, target), pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", target, err, out)
		}
		content, err := os.ReadFile(filepath.Join(bin, target))
		s.must(err)
		s.must(s.Write("/usr/bin/"+target, content, 0o755))
	}
	units, err := filepath.Glob("../systemd/fairlead*")
	s.must(err)
	for _, unit := range units {
		content, err := os.ReadFile(unit)
		if err != nil {
			continue // a directory
		}
		s.must(s.Write("/lib/systemd/system/"+filepath.Base(unit), content, 0o644))
	}
	s.write(homeConfig, s.config("url: http://{container}:3000/api/runtime-status", "{env: DATABASE_URL}"))
	s.run(0, `groupadd -f docker
		useradd --system --user-group --groups docker --no-create-home --home-dir /var/lib/fairlead fairlead
		useradd --create-home --groups fairlead oona
		useradd --create-home stranger
		chgrp fairlead /etc/fairlead/fairlead.yaml && chmod 0640 /etc/fairlead/fairlead.yaml
		mkdir -p /etc/capakraken`)
	s.run(0, `cd /etc/postgresql/*/main
		echo "listen_addresses = '*'" >>postgresql.conf
		printf 'host all all all scram-sha-256\nlocal app app scram-sha-256\n' | cat - pg_hba.conf >pg_hba.new && cat pg_hba.new >pg_hba.conf
		systemctl restart postgresql
		runuser -u postgres -- psql -qc "CREATE ROLE app LOGIN PASSWORD 'secret-of-app'" -c "CREATE DATABASE app OWNER app"`)
	s.image("1.0.1", "")
	s.writeEnv("")
	s.run(0, `docker run --rm -e DATABASE_URL=`+s.env["DATABASE_URL"]+` 127.0.0.1:5000/capakraken/app:1.0.1 migrate
		runuser -u postgres -- psql -q app -c "INSERT INTO \"SystemSettings\" (id) VALUES ('singleton') ON CONFLICT DO NOTHING"`)
	return s
}

func (s *home) config(proof, dsn string) string {
	return strings.NewReplacer("PROOF", proof, "DSN", dsn).Replace(homeApp)
}

func (s *home) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// image puts an image of the application into the host's registry.
func (s *home) image(tag, misbehave string) {
	s.t.Helper()
	s.run(0, `rm -rf /tmp/image && mkdir -p /tmp/image/tmp && cp /usr/bin/refapp /tmp/image/refapp
		tar -C /tmp/image -c . | docker import -c 'ENTRYPOINT ["/refapp"]' -c 'ENV REFAPP_VERSION=2.0.0' -c 'ENV REFAPP_MISBEHAVE=`+misbehave+`' - 127.0.0.1:5000/capakraken/app:`+tag+`
		docker push -q 127.0.0.1:5000/capakraken/app:`+tag)
}

// write puts a file onto the host that the daemon's group may read.
func (s *home) write(name, content string) {
	s.t.Helper()
	s.must(s.Write(name, []byte(content), 0o640))
	s.try("chgrp fairlead " + name)
}

// writeEnv puts the application's env file into place, as an editor does that renames: it has its group from the start.
func (s *home) writeEnv(comment string) {
	s.t.Helper()
	text := "# " + comment + "\n"
	for _, name := range []string{"AZURE_OPENAI_API_KEY", "SMTP_PASSWORD", "DATABASE_URL"} {
		if v, ok := s.env[name]; ok {
			text += name + "=" + v + "\n"
		}
	}
	s.must(s.Write("/etc/capakraken/.next", []byte(text), 0o640))
	s.run(0, "chgrp fairlead /etc/capakraken/.next && mv /etc/capakraken/.next "+homeEnv)
}

// try runs lines on the host.
func (s *home) try(lines string) host.Result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 4*time.Minute)
	defer cancel()
	res, err := s.Script(ctx, lines)
	s.must(err)
	return res
}

// run runs lines on the host, which must end with this code, and returns what they print.
func (s *home) run(code int, lines string) string {
	s.t.Helper()
	res := s.try("set -e\n" + lines)
	if res.Code != code {
		s.t.Fatalf("ended with %d, want %d: %s", res.Code, code, res)
	}
	return res.Out + res.Err
}

// eventually waits until try returns "".
func (s *home) eventually(what string, try func() string) {
	s.t.Helper()
	why := ""
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		if why = try(); why == "" {
			return
		}
		select {
		case <-s.t.Context().Done():
			s.t.Fatal(s.t.Context().Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	s.t.Fatalf("%s: not in time: %s", what, why)
}

// property returns what systemd says of a unit.
func (s *home) property(unit, name string) string {
	s.t.Helper()
	return strings.TrimSpace(s.run(0, "systemctl show --value --property="+name+" "+unit))
}

// rollouts returns the rollouts, newest first, each as kind and outcome.
func (s *home) rollouts() []string {
	s.t.Helper()
	var all []struct{ Kind, Outcome string }
	res := s.try("fairlead rollouts capakraken --output json")
	if err := json.Unmarshal([]byte(res.Out), &all); err != nil {
		s.t.Fatalf("%v: %s", err, res)
	}
	var out []string
	for _, r := range all {
		out = append(out, r.Kind+" "+r.Outcome)
	}
	return out
}

// container returns the id of the application's container that runs.
func (s *home) container() string {
	s.t.Helper()
	return strings.TrimSpace(s.run(0, "docker ps -q --no-trunc --filter name=capakraken-web"))
}

// started starts the daemon and has it bring the application up.
func (s *home) started() {
	s.t.Helper()
	s.run(0, "systemctl daemon-reload && systemctl enable --now fairlead")
	if res := s.try("fairlead deploy capakraken --image 1.0.1"); res.Code != 0 {
		s.t.Fatalf("%s\n%s", res, s.run(0, "tail -n 6 /var/log/postgresql/*"))
	}
}
