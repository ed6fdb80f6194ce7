package compose

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// FuzzLoad makes sure that no definition takes the daemon down, and that a value shows in nothing that comes back.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"command: [serve]\nports: ['80:80']\nvolumes: ['data:/data']",
		"command: ${CANARY}\nlabels: ['a=${CANARY}', '${CANARY}=a']",
		"environment: {A: '${CANARY}', B: }\nnetworks: {n: {aliases: ['${CANARY}']}}",
		"healthcheck: {test: ['${CANARY}'], retries: ${CANARY}}\nulimits: {a: {soft: 1, hard: '${CANARY}'}}",
		"deploy: {resources: {limits: {cpus: 1}}}\nlogging: {driver: x, options: {a: 1}}",
		"<<: &a {<<: *a}\nvolumes: [&v {type: tmpfs, target: /x, tmpfs: {mode: 01777}}, *v]",
		"ports: [{target: 80, published: 1-2}]\nextra_hosts: {a: [b, c]}\ntmpfs: /x:${CANARY}",
		"user: ~\nx-a: *b\nread_only: !!bool x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var doc yaml.Node
		if len(text) > 4096 || yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) == 0 || strings.Contains(text, canary) {
			return
		}
		in := Input{Project: "shop", Source: "fuzz.yaml", Services: []Raw{{Name: "web", YAML: doc.Content[0], Line: 1}}}
		services, problems := loaded(t, in, env("CANARY", canary))
		out, err := json.Marshal(services)
		if err != nil {
			t.Fatal(err)
		}
		if all := fmt.Sprint(problems, string(out)); strings.Contains(all, canary) {
			t.Errorf("the value shows: %s", all)
		}
		checked(t, in)
	})
}

func BenchmarkLoad(b *testing.B) {
	in := single(b, "command: [serve]\nports: ['127.0.0.1:8080:3000']\nnetworks: [back]\nrestart: unless-stopped\nstop_grace_period: 10s\ncontainer_name: shop-web\nhealthcheck: {test: [CMD, x], interval: 10s}\nenvironment: {A: '${CANARY}'}")
	vars := env("CANARY", canary, "PORT", "8080", "DATABASE_URL", "postgres://user:password@host:5432/name")
	for b.Loop() {
		if _, problems := loaded(b, in, vars); len(problems) > 0 {
			b.Fatal(lines(problems))
		}
	}
}
