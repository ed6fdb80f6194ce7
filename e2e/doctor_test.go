//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// finding is what a doctor says of one thing.
type finding struct{ Check, Subject, Verdict, Found, Remedy string }

// examine runs a doctor and returns what is not in order of the rig itself: this machine's clock and systemd, and what other
// tests have on the Engine, are not the test's.
func (s *stage) examine(code int) []finding {
	s.t.Helper()
	res := s.run(code, "doctor", "--config", s.ConfigFile(), "--state", s.State(), "--output", "json")
	var report struct {
		Findings []finding
		Problems int
	}
	s.must(json.Unmarshal([]byte(res.Out), &report))
	if (report.Problems > 0) != (code == 1) || strings.Contains(res.Out+res.Err, "canary") || strings.Contains(res.Out+res.Err, s.Postgres.Password) {
		s.t.Errorf("%d problems, or a secret: %s", report.Problems, res)
	}
	return slices.DeleteFunc(report.Findings, func(f finding) bool {
		return f.Verdict == "ok" || slices.Contains([]string{"clock", "systemd", "disk"}, f.Check) || f.Subject == "other daemons"
	})
}

// ill expects a finding with its remedy.
func (s *stage) ill(code int, verdict, found, remedy string) {
	s.t.Helper()
	all := s.examine(code)
	if !slices.ContainsFunc(all, func(f finding) bool {
		return f.Verdict == verdict && strings.Contains(f.Check+" "+f.Subject+": "+f.Found, found) && strings.Contains(f.Remedy, remedy)
	}) {
		s.t.Errorf("no %s that says %q and %q in %+v", verdict, found, remedy, all)
	}
}

// On a host in order a doctor finds nothing. What is put out of order is named, with its remedy, and once it is mended
// nothing is found again.
func TestDoctor(t *testing.T) {
	t.Parallel()
	s := quietStage(t, rig.Options{Services: []string{"web"}})
	s.ill(0, "warning", "the daemon does not run", "systemctl enable --now fairlead")
	s.ill(0, "warning", "no container of it runs", "fairlead deploy capakraken")
	s.must(s.Start(t.Context()))
	s.run(0, "deploy", rig.App, "--image", s.image("2.0.0"))
	s.must(s.Store(t.Context(), map[string]string{"smtpPassword": ""})) // the one row
	well := func() {
		t.Helper()
		if all := s.examine(0); len(all) > 0 {
			t.Errorf("in order, and yet: %+v", all)
		}
	}
	well()

	s.must(os.Chmod(s.EnvFile(), 0o644))
	s.ill(1, "problem", s.EnvFile()+": has mode 0644", "install -m 0640 -o root")
	env := goodEnv()
	delete(env, "SMTP_PASSWORD")
	s.must(s.WriteEnv(env))
	s.ill(1, "problem", "SMTP_PASSWORD is missing (SMTP password, required)", "add the line SMTP_PASSWORD=…")
	s.must(s.WriteEnv(goodEnv()))
	well()

	s.must(os.Chmod(s.State(), 0o777))
	s.ill(1, "problem", "others than the daemon's user may replace the journal", "chmod 0700 "+s.State())
	s.must(os.Chmod(s.State(), 0o700))

	login := filepath.Join(s.Dir, "docker.json")
	s.must(os.Chmod(login, 0o644))
	s.ill(1, "problem", "holds logins, and has mode 0644", "chmod 0600")
	s.must(os.Chmod(login, 0o600))

	s.must(s.Postgres.Exec(t.Context(), `ALTER TABLE "SystemSettings" RENAME COLUMN "smtpPassword" TO gone`))
	s.ill(1, "problem", `column "smtpPassword" does not exist`, "mend what the address names")
	s.must(s.Postgres.Exec(t.Context(), `ALTER TABLE "SystemSettings" RENAME COLUMN gone TO "smtpPassword"`))
	s.must(s.Store(t.Context(), map[string]string{"smtpPassword": smtpPass}))
	s.ill(0, "warning", `smtp is still stored in column "smtpPassword"`, "fairlead cleanup capakraken")
	s.must(s.Store(t.Context(), map[string]string{"smtpPassword": ""}))
	well()
	s.doctorGrants()

	config, err := os.ReadFile(s.ConfigFile())
	s.must(err)
	s.must(os.WriteFile(s.ConfigFile(), []byte(strings.Replace(string(config), "["+s.Network.Name+"]", "["+s.Network.Name+", no-such-network]", 1)), 0o600))
	s.ill(1, "problem", "network no-such-network does not exist", "docker network create no-such-network")
	s.must(os.WriteFile(s.ConfigFile(), append([]byte("access: {operators: {groups: [no-such-group]}}\n"), config...), 0o600))
	s.ill(1, "problem", `no group "no-such-group" on this host`, "mend access in ")
	s.must(os.WriteFile(s.ConfigFile(), append([]byte("acess: {}\n"), config...), 0o600))
	s.ill(1, "problem", "acess", "access")
	s.must(os.WriteFile(s.ConfigFile(), config, 0o600))

	web := s.live("web")["web"]
	s.leftover(web)
	s.must(s.World.Engine.Call(t.Context(), "POST", "/containers/"+web.ID+"/pause", nil, nil, nil))
	s.ill(1, "problem", "status capakraken/web: ", "docker logs --tail 50 "+s.Container("web"))
	s.must(s.World.Engine.Call(t.Context(), "POST", "/containers/"+web.ID+"/unpause", nil, nil, nil))
	well()

	s.must(s.Registry.Stop())
	s.ill(1, "problem", "the registry cannot be reached from the Docker Engine", "the way to the registry")
}

// doctorGrants takes a privilege away from a user that owns nothing.
func (s *stage) doctorGrants() {
	s.t.Helper()
	for _, sql := range []string{`CREATE ROLE reader LOGIN PASSWORD 'canary-reader'`, `GRANT SELECT ON "SystemSettings" TO reader`} {
		s.must(s.Postgres.Exec(s.t.Context(), sql))
	}
	u, err := url.Parse(s.Postgres.URL())
	s.must(err)
	u.User = url.UserPassword("reader", "canary-reader")
	env := goodEnv()
	env["DATABASE_URL"] = u.String()
	s.must(s.WriteEnv(env))
	s.ill(1, "problem", `the user "reader" may not update these columns`, `TO "reader";`)
	s.must(s.WriteEnv(goodEnv()))
}

// leftover leaves a container behind as a rollout does that nobody has finished.
func (s *stage) leftover(web rig.Container) {
	s.t.Helper()
	name := s.Container("web") + ".old-abcdefgh"
	request := map[string]any{"Image": web.Config.Image, "Labels": web.Config.Labels}
	var made struct{ ID string }
	s.must(s.World.Engine.Call(s.t.Context(), "POST", "/containers/create", url.Values{"name": {name}}, request, &made))
	s.ill(1, "problem", "container "+name+" is called as in the middle of a rollout, and none is under way", "docker rm -f "+name)
	s.must(s.World.Existing(made.ID).Remove(s.t.Context()))
}

// A container that was started by hand is drafted, the draft is sound, and once what it marks is filled in, the first
// rollout takes the container over. No value of its environment is in the draft.
func TestInitFromContainer(t *testing.T) {
	t.Parallel()
	s := quietStage(t, rig.Options{Services: []string{"web"}})
	spec := world.ContainerSpec{Name: s.Container("web"), Image: s.Repository() + ":" + s.image("1.0.0"), Cmd: []string{"web"}, Network: s.Network, Restart: "always",
		Env:     []string{"DATABASE_URL=" + s.Postgres.URL(), "SMTP_PASSWORD=" + smtpPass, "AZURE_OPENAI_API_KEY=" + aiKey, "MODE=canary-mode"},
		Publish: []string{fmt.Sprintf("127.0.0.1:%d:3000", s.Port)}}
	old, err := s.World.Container(t.Context(), spec)
	s.must(err)

	s.must(os.Remove(s.ConfigFile()))
	res := s.run(0, "init", "--from-container", s.Container("web"), "--app", rig.App, "--instance", s.Instance, "--write", s.ConfigFile())
	s.says(res, "written; decide what is marked CHANGE")
	draft, err := os.ReadFile(s.ConfigFile())
	s.must(err)
	if text := string(draft); strings.Contains(text, "canary") || strings.Contains(text, s.Postgres.Password) || !strings.Contains(text, "MODE") {
		t.Fatalf("a value, or not every name, is in the draft:\n%s", text)
	}
	s.run(0, "config", "check", s.ConfigFile())

	filled := strings.NewReplacer(
		"CHANGE-path-of-the-status", "api/runtime-status",
		`query: "."`, "query: '{healthy: .ok, version: .version, secrets: [.runtimeSecrets | to_entries[] | {name: .key, source: .value.source, present: .value.configured}]}'",
		"/etc/capakraken/.env.production", s.EnvFile(),
		"name: azure-openai-api-key", "name: primary-ai", "name: smtp-password", "name: smtp",
		"{column: CHANGE}", "{column: azureOpenAiApiKey}", "table: CHANGE", "table: SystemSettings",
		"      - name: database-url # CHANGE\n        env: DATABASE_URL\n        required: true # false where the app runs without it\n", "",
	).Replace(string(draft))
	s.must(os.WriteFile(s.ConfigFile(), []byte(filled), 0o640))
	s.run(0, "config", "check", s.ConfigFile())
	s.must(s.Start(t.Context()))
	s.run(0, "deploy", rig.App, "--image", s.image("2.0.0"))
	if now := s.live("web")["web"]; now.ID == old.ID || now.HostConfig.RestartPolicy.Name != "always" {
		t.Errorf("it was not taken over: %+v", now)
	}
}
