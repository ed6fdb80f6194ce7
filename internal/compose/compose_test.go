package compose

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// single returns one service, web, whose keys begin in line 3.
func single(t testing.TB, keys string) Input {
	t.Helper()
	return input(t, "services:\n  web:\n    "+strings.ReplaceAll(keys, "\n", "\n    ")+"\n")
}

// input returns the services of a text that holds them as Compose does, under services:.
func input(t testing.TB, text string) Input {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		t.Fatalf("the test's own YAML: %v", err)
	}
	in := Input{Project: "shop", Source: "fairlead.yaml"}
	services := doc.Content[0].Content[1]
	for i := 0; i+1 < len(services.Content); i += 2 {
		in.Services = append(in.Services, Raw{Name: services.Content[i].Value, YAML: services.Content[i+1], Line: services.Content[i].Line})
	}
	return in
}

func env(pairs ...string) secret.Env {
	var e secret.Env
	for i := 0; i+1 < len(pairs); i += 2 {
		e = e.With(secret.Var{Name: pairs[i], Value: secret.NewValue(pairs[i+1]), Origin: secret.Origin{Source: "/etc/shop/.env", Line: i/2 + 1}})
	}
	return e
}

// lines returns the problems without what to do about them.
func lines(problems []fault.Problem) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.Where+": "+p.What)
	}
	return out
}

// loaded and checked are Load and Check where there is nothing to warn of.
func loaded(t testing.TB, in Input, env secret.Env) ([]Service, []fault.Problem) {
	t.Helper()
	services, found := Load(t.Context(), in, env)
	if warned := slices.Concat(found.Warnings, found.Noted); len(warned) > 0 {
		t.Errorf("warned of %q", lines(warned))
	}
	return services, found.Problems
}

func checked(t testing.TB, in Input) []fault.Problem {
	t.Helper()
	found := Check(t.Context(), in)
	if warned := slices.Concat(found.Warnings, found.Noted); len(warned) > 0 {
		t.Errorf("warned of %q", lines(warned))
	}
	return found.Problems
}
