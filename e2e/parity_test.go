//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/parity"
)

// stagingPass and stagingKey are staging's own secrets: the rules are the same, the values are not.
const (
	stagingPass = "canary-staging-smtp-77d0"
	stagingKey  = "canary-staging-ai-9c2e51b7f0"
)

// pair is production, and staging beside it: two daemons on one Engine, each with its own instance and environment, that roll
// out one app from one repository. Staging is a context of whoever runs commands at production.
type pair struct {
	staging, production *stage
	home                string // of the contexts
	path                string // where ssh is found; as this process where empty
}

// newPair makes both. The ports and networks of the two differ, as they do on one Engine, and both apps say so.
func newPair(t *testing.T) *pair {
	t.Helper()
	const ignore = "    parity: {ignore: [image/digest, residue, clear, engine, fairlead, services/*/container_name, services/*/networks, services/*/ports]}\n"
	production := newTenant(t, rig.Options{Template: rig.Config + ignore})
	o, err := common.options(rig.Options{Template: edited(t, rig.Config, "environment: production", "environment: staging") + ignore})
	production.must(err)
	o.Repository = production.Options.Repository
	staging := quietStage(t, o)
	t.Cleanup(func() {
		staging.must(staging.Kill())
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		staging.must(staging.Remove(ctx))
		staging.must(staging.Network.Remove(ctx))
		staging.silent("staging's log", staging.Log())
		staging.silentFiles(staging.State())
	})
	staging.must(staging.WriteEnv(rig.Env{"AZURE_OPENAI_API_KEY": stagingKey, "SMTP_PASSWORD": stagingPass, "ANONYMIZATION_SEED": "canary-staging-seed-1c"}))
	staging.must(staging.Start(t.Context()))
	p := &pair{staging: staging, production: production, home: t.TempDir()}
	p.at(0, "context", "add", "staging", "unix://"+staging.Socket())
	return p
}

// at runs a command at production, and expects an exit code and texts, and that no value is shown.
func (p *pair) at(code int, args ...string) rig.Result {
	p.production.t.Helper()
	cmd := p.production.Command(p.production.t.Context(), args...)
	cmd.Env = append(cmd.Env, "XDG_CONFIG_HOME="+p.home)
	if p.path != "" {
		cmd.Env = append(cmd.Env, "PATH="+p.path)
	}
	res, err := p.production.Finish(p.production.t.Context(), cmd)
	p.production.must(err)
	if res.Code != code {
		p.production.t.Fatalf("want exit %d: %s", code, res)
	}
	p.production.silent(strings.Join(args, " "), res.Out+res.Err)
	return res
}

// breaks returns the points that a comparison of the two names as breaking.
func (p *pair) breaks(code int, args ...string) []string {
	p.production.t.Helper()
	var c parity.Comparison
	res := p.at(code, append([]string{"parity", "-o", "json"}, args...)...)
	p.production.must(json.Unmarshal([]byte(res.Out), &c))
	return c.Breaks()
}

// A release goes from staging, where it is verified, to production, by its digest; a host that has drifted does not get it
// unless somebody says why.
func TestParityPromotes(t *testing.T) {
	p := newPair(t)
	p.staging.image("2.0.0")
	say := p.production.says

	// What nothing has verified is not taken over.
	say(p.at(3, "deploy", rig.App, "--from", "staging"), "staging has not verified what runs there: no rollout has succeeded; nothing was changed")

	p.staging.run(0, "deploy", rig.App, "--image", "2.0.0")
	if got := p.breaks(7, "staging", "local"); !slices.Equal(got, []string{"proof", "proof/web", "proof/worker"}) {
		t.Errorf("before the release is here, parity is broken by %v", got)
	}

	// Deliberate drift: production has a variable more, and one secret that does not pass its rules.
	env := goodEnv()
	env["DEBUG"] = "1"
	env["AZURE_OPENAI_API_KEY"] = "canary-short"
	p.production.must(p.production.WriteEnv(env))
	res := p.at(7, "deploy", rig.App, "--from", "staging")
	say(res, "parity between staging and "+p.production.Instance+" is broken; nothing was changed", "keys/DEBUG: only "+p.production.Instance+" has it: file",
		"provisioned/primary-ai: passes in staging, is shorter than 20 bytes in "+p.production.Instance)
	all, err := p.production.Containers(t.Context())
	p.production.must(err)
	if len(all) != 0 {
		t.Errorf("a refused deploy has left %d containers", len(all))
	}

	// One of the two is mended; the other is allowed, with a reason that the journal keeps.
	env["AZURE_OPENAI_API_KEY"] = aiKey
	p.production.must(p.production.WriteEnv(env))
	say(p.at(2, "deploy", rig.App, "--from", "staging", "--allow-drift"), "--allow-drift needs --reason")
	p.at(0, "deploy", rig.App, "--from", "staging", "--allow-drift", "--reason", "DEBUG is for ticket 7")
	there := p.verifiedAt(p.staging)
	text := p.at(0, "audit", "log", "-o", "json").Out
	for _, want := range []string{`"context":"staging"`, `"instance":"` + p.staging.Instance, `"rollout":"` + there.Proof.Rollout, `"digest":"` + there.Image.Digest, `"drift":["keys/DEBUG"]`, "DEBUG is for ticket 7"} {
		if !strings.Contains(text, want) {
			t.Errorf("the journal does not hold %s", want)
		}
	}
	here := p.verifiedAt(p.production)
	if here.Image.Digest != there.Image.Digest {
		t.Errorf("staging runs %s, and production %s", there.Image.Digest, here.Image.Digest)
	}

	// Without the drift, parity holds, also against a report that was saved.
	p.production.must(p.production.WriteEnv(goodEnv()))
	if got := p.breaks(0, "staging", "local", "--app", rig.App); len(got) > 0 {
		t.Errorf("parity is broken by %v", got)
	}
	saved := filepath.Join(p.home, "staging.json")
	p.production.must(os.WriteFile(saved, []byte(p.at(0, "provisioning", rig.App, "--context", "staging", "-o", "json").Out), 0o600))
	say(p.at(0, "parity", saved, "local", "-o", "markdown"), "# Parity of capakraken", "parity holds")
}

// verifiedAt returns the report of a host, on which what runs must be verified.
func (p *pair) verifiedAt(s *stage) parity.Report {
	s.t.Helper()
	client := api.NewClient(s.Socket())
	defer client.Close()
	r, err := client.Provisioning(s.t.Context(), rig.App)
	s.must(err)
	if !r.Proof.Verified {
		s.t.Fatalf("what runs on %s is not verified: %s", s.Instance, r.Proof.Why)
	}
	return r
}

// One command takes a release through both hosts, and stops at the first that fails.
func TestParityRun(t *testing.T) {
	p := newPair(t)
	p.staging.image("2.0.0")
	p.staging.image("3.0.0", "crash")
	var c struct {
		Exit   int
		Digest string
		Stages []struct {
			Name, Host, Outcome string
			Exit                int
		}
	}
	course := func(code int, args ...string) string {
		t.Helper()
		res := p.at(code, append([]string{"parity", "run", rig.App, "--from", "staging", "-q", "-o", "json"}, args...)...)
		p.production.must(json.Unmarshal([]byte(res.Out), &c))
		var out []string
		for _, s := range c.Stages {
			out = append(out, s.Name+" "+s.Outcome)
		}
		return strings.Join(out, ", ")
	}
	if got, want := course(0, "--image", "2.0.0"), "deploy succeeded, parity passed, deploy succeeded, parity again passed"; got != want {
		t.Errorf("the run went %q, want %q", got, want)
	}
	digest := c.Digest
	if got, want := course(4, "--image", "3.0.0"), "deploy failed"; !strings.HasPrefix(got, "deploy") || strings.Contains(got, "parity") {
		t.Errorf("a run of what does not start went %q, want %q", got, want)
	}
	if r := p.verifiedAt(p.production); r.Image.Digest != digest {
		t.Errorf("production runs %s by now, and not %s", r.Image.Digest, digest)
	}
	env := goodEnv()
	delete(env, "ANONYMIZATION_SEED")
	p.production.must(p.production.WriteEnv(env))
	if got, want := course(7), "deploy succeeded, parity failed"; got != want {
		t.Errorf("a run to a host that has drifted went %q, want %q", got, want)
	}
}
