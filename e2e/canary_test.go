//go:build e2e

package e2e

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// Secrets of which each is unlike anything else are led through every kind of rollout with every ending. None is found
// anywhere but in the env file, in the containers' environment, and in the database that had them.
func TestNoSecretIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	s := quietStage(t, rig.Options{Verify: "6s", Template: edited(t, rig.Config,
		"/api/runtime-status\"\n", "/api/runtime-status\"\n        headers: {Authorization: {env: STATUS_TOKEN, prefix: \"Bearer \"}}\n")})
	env := rig.Env{"STATUS_TOKEN": canary(), "AN_UNLISTED_SECRET": canary()}
	for _, name := range []string{"AZURE_OPENAI_API_KEY", "AZURE_DALLE_API_KEY", "SMTP_PASSWORD", "ANONYMIZATION_SEED"} {
		env[name] = canary()
	}
	stored := map[string]string{"azureOpenAiApiKey": env["AZURE_OPENAI_API_KEY"], "smtpPassword": env["SMTP_PASSWORD"],
		"anonymizationSeed": env["ANONYMIZATION_SEED"], "azureDalleApiKey": canary(), "geminiApiKey": canary()}
	bad := maps.Clone(env)
	for _, name := range []string{"bad key", "bad line", "bad name", "bad quote", "bad password", "bad address", "rotated"} {
		bad[name] = canary()
	}
	values := maps.Clone(bad)
	maps.Copy(values, stored)
	values["database password"] = s.Postgres.Password
	h := newHunt(values)

	k := gathering(t, s)
	k.must(k.WriteEnv(env))
	k.must(k.Start(t.Context()))
	k.version1()
	k.must(k.Store(t.Context(), stored))
	k.loggedStatements(true)

	k.failures(bad, env)
	k.successes(bad, env, stored)
	k.killedLoudly()
	k.everyQuestion()
	k.process()
	k.must(k.Stop())
	k.add("daemon's log", k.Log())
	for _, finding := range k.findings(h) {
		t.Error(finding)
	}
	k.sawSomething()
	k.plants(env["SMTP_PASSWORD"], h)
}

// loggedStatements has the database log every statement that comes on a new connection, with its parameters.
func (k *sinks) loggedStatements(on bool) {
	k.t.Helper()
	setting := "RESET log_statement"
	if on {
		setting = "SET log_statement = 'all'"
	}
	k.must(k.Postgres.Exec(k.t.Context(), `ALTER DATABASE "`+k.Postgres.Database+`" `+setting))
}

// failures plays what is refused and what is rolled back.
func (k *sinks) failures(bad map[string]string, good rig.Env) {
	k.t.Helper()
	for _, misbehave := range []string{"crash", "leak-log", "leak", "wrong-json"} {
		k.command(4, "deploy", rig.App, "--image", k.image("2.0-"+misbehave, misbehave), "--reason", "to fail")
	}
	tag := k.image("2.0.0")
	wrong := *k.Postgres
	wrong.Password = bad["bad password"]
	for _, text := range []string{
		"AZURE_OPENAI_API_KEY=" + bad["bad key"] + "#" + bad["bad key"] + "\n" + bad["bad line"] + "\nexport " + bad["bad name"] + "=" + bad["bad name"] +
			"\nSMTP_PASSWORD='" + bad["bad quote"] + "\nSMTP_PASSWORD=" + bad["bad quote"] + "\nGEMINI_API_KEY={\"key\":\"" + bad["bad key"] + "\"}\n" + bad["bad line"] + "=\xff\x00\n",
		lines(good) + "DATABASE_URL=" + wrong.URL() + "\n",
		lines(good) + "DATABASE_URL=postgres://user:" + bad["bad address"] + "%zz@[::1:5432/" + bad["bad address"] + "\n",
		lines(good) + "DATABASE_URL=" + k.Postgres.URL() + "&" + bad["bad address"] + "=" + bad["bad address"] + "\n",
		"",
	} {
		k.must(k.WriteEnvText(text))
		for _, output := range []string{"text", "json"} {
			k.command(3, "deploy", rig.App, "--image", tag, "--output", output)
			k.add("commands", k.result("secrets", rig.App, "--output", output).String())
			k.add("commands", k.result("residue", rig.App, "--output", output).String())
		}
	}
	k.must(k.WriteEnv(good))
}

// lines returns an env file's text without the database's address.
func lines(env rig.Env) string {
	var out strings.Builder
	for name, value := range env {
		out.WriteString(name + "=" + value + "\n")
	}
	return out.String()
}

// result runs a command that may end as it likes.
func (k *sinks) result(args ...string) rig.Result {
	k.t.Helper()
	res, err := k.Run(k.t.Context(), args...)
	k.must(err)
	return res
}

// successes plays what succeeds.
func (k *sinks) successes(bad map[string]string, env rig.Env, stored map[string]string) {
	k.t.Helper()
	k.command(0, "deploy", rig.App, "--image", "2.0.0", "--output", "json")
	k.stored(map[string]string{"smtpPassword": "", "geminiApiKey": stored["geminiApiKey"], "azureDalleApiKey": stored["azureDalleApiKey"]})
	rotated := maps.Clone(env)
	rotated["SMTP_PASSWORD"] = bad["rotated"]
	k.must(k.WriteEnv(rotated))
	k.command(0, "rotate", rig.App)
	k.loggedStatements(false)
	k.must(k.Store(k.t.Context(), map[string]string{"smtpPassword": bad["rotated"]}))
	k.loggedStatements(true)
	k.command(7, "cleanup", rig.App, "--yes") // what only the database has is kept
	k.stored(map[string]string{"smtpPassword": ""})
}

// killedLoudly has the daemon die in a rollout with a trace of all that it was doing, and come back.
func (k *sinks) killedLoudly() {
	k.t.Helper()
	tail, err := k.Tail()
	k.must(err)
	ctx, cancel := context.WithTimeout(k.t.Context(), time.Minute)
	defer cancel()
	k.command(0, "deploy", rig.App, "--image", "2.0.0", "--force", "--detach")
	follow := &follower{journal: tail}
	k.must(follow.until(ctx, moment{record: "begun", verb: "verify"}.is))
	k.process()
	k.must(syscall.Kill(k.PID(), syscall.SIGABRT))
	k.eventually("the daemon is dead", func() error {
		if syscall.Kill(k.PID(), 0) == nil {
			return errStillThere
		}
		return nil
	})
	k.must(k.Kill())
	if !strings.Contains(k.Log(), "goroutine ") {
		k.t.Error("the daemon left no trace of its death")
	}
	k.add("daemon's log", k.Log())
	k.must(k.Start(ctx))
	k.must(follow.until(ctx, moment{record: "ended"}.is))
}

// everyQuestion asks all that can be asked, by command and by request.
func (k *sinks) everyQuestion() {
	k.t.Helper()
	all, err := k.Rollouts(k.t.Context())
	k.must(err)
	questions := [][]string{{"status"}, {"status", rig.App}, {"rollouts"}, {"rollouts", rig.App}, {"secrets", rig.App}, {"residue", rig.App},
		{"audit", "log"}, {"audit", "verify"}, {"audit", "verify", "--state", k.State()}, {"config", "check", k.ConfigFile()}, {"version"}}
	paths := []string{"/v1/health", "/v1/apps", "/v1/apps/" + rig.App, "/v1/apps/" + rig.App + "/secrets", "/v1/apps/" + rig.App + "/residue",
		"/v1/rollouts", "/v1/audit", "/metrics"}
	for _, r := range all {
		id := r["id"].(string)
		questions = append(questions, []string{"show", id}, []string{"watch", id})
		paths = append(paths, "/v1/rollouts/"+id, "/v1/rollouts/"+id+"/events")
	}
	for _, q := range questions {
		for _, output := range []string{"text", "json"} {
			k.add("commands", k.result(append(q, "--output", output)...).String())
		}
	}
	for _, path := range paths {
		k.ask(path)
	}
}

// sawSomething makes sure that every kind of sink holds what it should by now, or nothing could be found in it.
func (k *sinks) sawSomething() {
	k.t.Helper()
	for kind, sign := range map[string]string{"commands": "rolled back", "answers": "fairlead_", "events": "exec_create", "command lines": "fairlead daemon",
		"containers": "fairlead.rollout", "images": "REFAPP_VERSION", "daemon's log": "rollout ended", "the daemon's environment": "TMPDIR="} {
		if !strings.Contains(strings.ReplaceAll(k.all(kind), k.Binary, "fairlead"), sign) {
			k.t.Errorf("%s were not gathered: there is no %q", kind, sign)
		}
	}
	var log, journal bool
	for name, content := range k.files() {
		log = log || strings.Contains(content, "LOG:  ") && strings.Contains(content, "SystemSettings") && strings.Contains(name, "postgres")
		journal = journal || strings.Contains(name, "journal") && strings.Contains(content, "rollout.ended")
	}
	if !log || !journal {
		k.t.Errorf("the database's log has statements: %v; the journal has rollouts: %v", log, journal)
	}
}

// plants puts a value into each kind of sink, and expects it to be found there.
func (k *sinks) plants(value string, h hunt) {
	ctx := k.t.Context()
	form := forms(value)
	for kind, plant := range map[string]func(s *stage){
		"commands":                 func(*stage) { k.add("commands", "ok "+form["Go"]) },
		"answers":                  func(*stage) { k.add("answers", form["JSON"]) },
		"daemon's log":             func(*stage) { k.add("daemon's log", form["bytes"]) },
		"the daemon's environment": func(*stage) { k.add("the daemon's environment", form["backwards"]) },
		"events":                   func(s *stage) { s.container(world.ContainerSpec{Labels: map[string]string{"planted": form["hex"]}}) },
		"containers":               func(s *stage) { s.container(world.ContainerSpec{Cmd: []string{"web", form["base64 at 1"]}}); k.look() },
		"images": func(s *stage) {
			i, err := s.Image(ctx, "planted", "PLANTED="+value)
			s.must(err)
			s.must(s.World.Engine.Pull(ctx, i.Ref()))
			k.look()
		},
		"command lines": func(s *stage) {
			cmd := exec.CommandContext(ctx, "sh", "-c", "read wait", value)
			wait, err := cmd.StdinPipe()
			s.must(err)
			s.must(cmd.Start())
			s.eventually("the command line was seen", func() error {
				if !strings.Contains(k.all("command lines"), value) {
					return errStillThere
				}
				return nil
			})
			_ = wait.Close()
			_ = cmd.Wait() // it was only there to be seen
		},
		"file " + k.Temp(): func(s *stage) {
			s.must(os.WriteFile(filepath.Join(k.Temp(), "planted"), []byte(form["base64 at 2"]), 0o600))
		},
		"file " + k.State(): func(s *stage) { s.must(os.WriteFile(filepath.Join(k.State(), "planted"), []byte(value[3:11]), 0o600)) },
		"file core.planted": func(s *stage) { s.must(os.WriteFile("core.planted", []byte(value), 0o600)) },
		"file " + filepath.Join(k.World.Dir, "postgres"): func(s *stage) {
			_, err := s.Postgres.Text(ctx, "SELECT $1::text", value)
			s.must(err)
		},
	} {
		k.t.Run("planted in "+kind, func(t *testing.T) {
			t.Cleanup(func() { _ = os.Remove("core.planted") })
			plant(k.in(t))
			k.stage.in(t).eventually("the value is found", func() error {
				for _, finding := range k.findings(h) {
					if strings.HasPrefix(finding, kind) {
						return nil
					}
				}
				return errStillThere
			})
		})
	}
}
