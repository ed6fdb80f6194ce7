package steps

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

func TestObserve(t *testing.T) {
	r := newRig(t)
	var asked []workload.Service
	r.runtime.observe = func(services []workload.Service) ([]workload.Container, error) {
		asked = services
		return r.found, nil
	}
	app, found, err := r.Observe(t.Context(), "shop")
	if err != nil || app.Name != "shop" || app.Environment != "production" || !slices.Equal(app.Services, []string{"web", "worker"}) || len(found) != 2 {
		t.Errorf("%+v, %d containers, %v", app, len(found), err)
	}
	if len(asked) != 2 || asked[0].ContainerName != "shop-web" {
		t.Errorf("asked for %+v", asked)
	}
	if err := os.Remove(r.env); err != nil {
		t.Fatal(err)
	}
	if _, found, err = r.Observe(t.Context(), "shop"); err != nil || len(found) != 2 || asked[0].ContainerName != "shop-web" {
		t.Errorf("without an env file, what runs cannot be seen: %v", err)
	}
	r.runtime.observe = func([]workload.Service) ([]workload.Container, error) {
		return nil, fault.New(fault.Unavailable, "the Engine does not answer")
	}
	app, _, err = r.Observe(t.Context(), "shop")
	if expect(t, err, fault.Unavailable); app.Repository == "" {
		t.Error("what the configuration says is lost with the Engine")
	}
	_, _, err = r.Observe(t.Context(), "shoe")
	expect(t, err, fault.NotFound)
}

func TestSecrets(t *testing.T) {
	r := newRig(t, `attempt_timeout: 500ms}`, `attempt_timeout: 500ms, public_url: "https://shop.example.com/"}`)
	r.prober.look = func(_ context.Context, l workload.Look) (workload.Answer, error) {
		if l.Container.ID != "web-old" || l.Check.PublicURL != "" {
			t.Errorf("asked %s at %q", l.Container.ID, l.Check.PublicURL)
		}
		return from(secret.Database), nil
	}
	report, fingerprints, err := r.Secrets(t.Context(), "shop")
	if err != nil || len(report.Notes) > 0 || len(report.Secrets) != 3 {
		t.Fatalf("%+v, %v", report, err)
	}
	ai, mail, seed := report.Secrets[0], report.Secrets[1], report.Secrets[2]
	if !ai.Provisioned || !ai.Required || ai.Description != "Primary AI credential" || ai.Origin != r.env+":1" || ai.Residue != secret.Same || ai.Sources["web"] != secret.Environment {
		t.Errorf("ai: %+v", ai)
	}
	if mail.Sources["web"] != secret.Database || mail.Residue != secret.Empty {
		t.Errorf("smtp: %+v", mail)
	}
	if seed.Provisioned || len(seed.Sources) > 0 || len(seed.Faults) > 0 {
		t.Errorf("seed: %+v", seed)
	}
	if fingerprints["ai"] == "" || fingerprints["seed"] != "" {
		t.Errorf("fingerprints %v", fingerprints)
	}
	_, _, err = r.Secrets(t.Context(), "shoe")
	expect(t, err, fault.NotFound)
}

// TestSecretsWithPartsUnreachable holds that what can be said is said, and what cannot is named.
func TestSecretsWithPartsUnreachable(t *testing.T) {
	unavailable := fault.New(fault.Unavailable, "there is no answer")
	for name, test := range map[string]struct {
		arrange func(r *rig)
		note    string
	}{
		"a line is faulty":     {func(r *rig) { r.write(strings.Replace(provisioned, azure, "changeme", 1)) }, "AZURE_OPENAI_API_KEY still holds a placeholder"},
		"a line is unreadable": {func(r *rig) { r.write(strings.Replace(provisioned, smtp, "a\"b\" "+smtp, 1)) }, "the legacy values cannot be compared"},
		"the file is gone":     {func(r *rig) { _ = os.Remove(r.env) }, "does not exist"},
		"the Engine": {func(r *rig) {
			r.runtime.observe = func([]workload.Service) ([]workload.Container, error) { return nil, unavailable }
		}, "the running app could not be asked: there is no answer"},
		"a container": {func(r *rig) {
			r.containers.environment = func(string) (secret.Env, error) { return nil, unavailable }
		}, "the running app could not be asked: there is no answer"},
		"the app": {func(r *rig) {
			r.prober.look = func(context.Context, workload.Look) (workload.Answer, error) { return workload.Answer{}, unavailable }
		}, "service web did not say where its secrets come from: there is no answer"},
		"the database": {func(r *rig) {
			r.database.inspect = func(context.Context, Legacy, map[string]secret.Value) ([]secret.Residue, error) {
				return nil, unavailable
			}
		}, "the database could not be asked: there is no answer"},
		"its address": {func(r *rig) { r.write("AZURE_OPENAI_API_KEY=" + azure + "\n") }, "the database could not be asked"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			test.arrange(r)
			report, _, err := r.Secrets(t.Context(), "shop")
			if err != nil || len(report.Secrets) != 3 || !strings.Contains(strings.Join(report.Notes, "\n"), test.note) {
				t.Errorf("%v, notes %q, want %q", err, report.Notes, test.note)
			}
			text, _ := json.Marshal(report)
			silent(t, string(text))
		})
	}
}

func TestSecretsAsksOnlyWhoReports(t *testing.T) {
	r := newRig(t)
	r.container("web-old").Status = workload.Exited
	r.prober.look = func(_ context.Context, l workload.Look) (workload.Answer, error) {
		t.Errorf("asked %s", l.Container.ID)
		return workload.Answer{}, nil
	}
	if _, _, err := r.Secrets(t.Context(), "shop"); err != nil {
		t.Error(err)
	}
}

func TestResidue(t *testing.T) {
	r := newRig(t)
	report, err := r.Residue(t.Context(), "shop")
	if err != nil || len(report.Residue) != 3 || report.Residue[0].Verdict != secret.Same {
		t.Errorf("%+v, %v", report, err)
	}
	_, err = r.Residue(t.Context(), "shoe")
	expect(t, err, fault.NotFound)

	r.database.inspect = nil // fails the test when it is called
	r.write("# nothing yet\n")
	_, err = r.Residue(t.Context(), "shop")
	expect(t, err, fault.Refused, "DATABASE_URL is missing or empty")
	r.write(strings.Replace(provisioned, smtp, "a\"b\" "+smtp, 1))
	_, err = r.Residue(t.Context(), "shop")
	expect(t, err, fault.Refused, "cannot be compared", r.env+":2")
	silent(t, err.Error())

	without := newRig(t, withoutLegacy()...)
	_, err = without.Residue(t.Context(), "shop")
	expect(t, err, fault.Refused, "no legacy database configured")
}

func TestTheDatabasesAddressInAFile(t *testing.T) {
	path := t.TempDir() + "/dsn"
	write := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t, "dsn: {env: DATABASE_URL}", "dsn: {file: "+path+"}")
	var got Legacy
	r.database.inspect = func(_ context.Context, l Legacy, _ map[string]secret.Value) ([]secret.Residue, error) {
		got = l
		return r.residue, nil
	}
	for _, address := range []string{dsn, dsn + "?again"} { // it is read anew each time
		write(address + "\n")
		if _, err := r.Residue(t.Context(), "shop"); err != nil || !got.DSN.Equal(secret.NewValue(address)) || got.Origin != path {
			t.Errorf("asked at %s, %v", got.Origin, err)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := r.Residue(t.Context(), "shop")
	expect(t, err, fault.Refused, path, "0644")
	silent(t, err.Error())
}
