package steps

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/secret"
)

// points returns a report's facts by their names.
func pointsOf(t *testing.T, r *rig) (parity.Report, map[string]string) {
	t.Helper()
	report, err := r.Provisioning(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, p := range report.Points() {
		all[p.Name] = p.Value
	}
	return report, all
}

// A report holds no value of any variable, wherever a definition, a rule or a message could carry one, and nothing that
// was made with this host's key.
func TestProvisioningHoldsNoValue(t *testing.T) {
	t.Parallel()
	const allowed = "canary-allowed-5d1"
	r := newRig(t, "web: {command: [serve],", `web: {command: [serve, "--other=canary-other-7f21c0de"], labels: {"host.canary-other-7f21c0de": "canary-other-7f21c0de"}, environment: {OWN: "canary-own-61f0a2", ANON_SEED: ""},`,
		"on_mismatch: refuse}", "one_of: ["+allowed+", canary-other-one], on_mismatch: refuse}")
	r.write(provisioned + "OTHER=canary-other-7f21c0de\nANON_SEED=" + allowed + "\n")
	report, got := pointsOf(t, r)
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if i := strings.Index(string(text), "canary-"); i >= 0 {
		t.Errorf("a value stands in the report: …%s", text[max(0, i-60):i+40])
	}
	p, _ := r.provision(t.Context(), r.Options.Apps["shop"])
	for what, fingerprint := range map[string]secret.Fingerprint{"definitions": p.definitions, "environment": p.env, "secret": r.Key.Of("AZURE_OPENAI_API_KEY", p.base.Value("AZURE_OPENAI_API_KEY"))} {
		if fingerprint == "" || strings.Contains(string(text), string(fingerprint)) {
			t.Errorf("the fingerprint of the %s stands in the report", what)
		}
	}
	for point, want := range map[string]string{
		"services/web/labels":      `{"host.[OTHER]":"[OTHER]"}`,
		"services/web/environment": `["ANON_SEED","OWN"]`,
		"catalog/seed/one_of":      "2 values",
		"keys/OTHER":               "file",
		"provisioned/seed":         "passes",
	} {
		if got[point] != want {
			t.Errorf("%s is %s, want %s", point, got[point], want)
		}
	}
	if !strings.Contains(got["services/web/command"], "[OTHER]") {
		t.Errorf("the command is %s", got["services/web/command"])
	}
}

// The hash of a definition is of what is shown, so it tells a change and nothing else.
func TestProvisioningHash(t *testing.T) {
	t.Parallel()
	hash := func(edits ...string) string {
		report, _ := pointsOf(t, newRig(t, edits...))
		if s := report.Services[0]; s.Hash != parity.HashOf(s.Fields) {
			t.Errorf("the hash is not that of the fields")
		}
		return report.Services[0].Hash
	}
	first, again, other := hash(), hash(), hash("command: [serve]", "command: [serve, fast]")
	if first != again || first == other {
		t.Error("the hash does not tell definitions apart")
	}
}

// What a value breaks of its rules is said in words, and what nobody could look at is unknown.
func TestProvisioningVerdicts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.write("AZURE_OPENAI_API_KEY=short\nDATABASE_URL=" + dsn + "\n")
	r.database.inspect = func(context.Context, Legacy, map[string]secret.Value) ([]secret.Residue, error) {
		return nil, fault.New(fault.Unavailable, "the database does not answer")
	}
	report, got := pointsOf(t, r)
	for point, want := range map[string]string{
		"provisioned/ai": "is shorter than 20 bytes", "provisioned/smtp": "missing", "residue/ai": "unknown", "engine/version": "unknown", "sources": "[file]",
	} {
		if got[point] != want {
			t.Errorf("%s is %s, want %s", point, got[point], want)
		}
	}
	if !slices.Contains(report.Notes, "the database could not be asked: the database does not answer") {
		t.Errorf("notes: %q", report.Notes)
	}
	r = newRig(t, "ENV}", "/nowhere/env}")
	r.Options.Apps["shop"].Env[0].File = "/nowhere/env"
	if _, got = pointsOf(t, r); got["provisioned/ai"] != "unknown" {
		t.Errorf("without the source, the secret is %s", got["provisioned/ai"])
	}
	if _, err := r.Provisioning(t.Context(), "other"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an app that is not: %v", err)
	}
}
