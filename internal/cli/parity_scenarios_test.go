package cli_test

import (
	"context"
	"encoding/json"

	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/server/servertest"
)

// provisioned serves a report on an app that is provisioned as it should be, but for the changes.
func provisioned(t failer, instance, environment string, changes ...func(*parity.Report)) *servertest.Rollouts {
	fields := map[string]json.RawMessage{"ports": json.RawMessage(`[{"host_port":"3000"}]`)}
	r := parity.Report{
		Format: parity.Format, Time: servertest.At(0), App: "capakraken", Instance: instance, Environment: environment,
		Rules:   parity.Rules{Version: "1-abc"},
		Catalog: []parity.Secret{{Name: "primary-ai", Env: "AZURE_OPENAI_API_KEY", Required: true, MinLength: 20, Provisioned: parity.Passes}},
		Sources: []parity.Source{{Kind: "file"}},
		Keys:    []parity.Key{{Name: "AZURE_OPENAI_API_KEY", From: []string{"file"}}},
		Clear:   "manual", Image: parity.Image{Repository: "registry.example.com/app", Digest: digest},
		Proof:    parity.Proof{Verified: true, Rollout: id, Services: []parity.Witness{{Service: "web", Sources: map[string]string{"primary-ai": "environment"}}}},
		Services: []parity.Service{{Name: "web", Fields: fields, Hash: parity.HashOf(fields)}},
	}
	for _, change := range changes {
		change(&r)
	}
	f := play(t, deployed())
	f.ProvisioningFunc = func(context.Context, string) (parity.Report, error) { return r, nil }
	f.AppsFunc = func(context.Context) []rollout.App { return []rollout.App{{Name: "capakraken"}} }
	f.AppFunc = func(context.Context, string) (rollout.App, error) { return rollout.App{Name: "capakraken"}, nil }
	return f
}

func olderDigest(r *parity.Report) { r.Image.Digest = "sha256:0ld" }

func drifting(r *parity.Report) {
	olderDigest(r)
	r.Keys = append(r.Keys, parity.Key{Name: "DEBUG", From: []string{"file"}})
	r.Catalog[0].MinLength = 8
	r.Services[0].Fields = map[string]json.RawMessage{"ports": json.RawMessage(`[{"host_port":"4000"}]`), "user": json.RawMessage(`"a|b"`)}
}

func unproved(r *parity.Report) { r.Proof = parity.Proof{Why: "no rollout has succeeded"} }
