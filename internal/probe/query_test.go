package probe

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

func look(query string) workload.Look {
	return workload.Look{Check: workload.Check{Query: query}, Container: workload.Container{Service: "web"}}
}

func TestQueries(t *testing.T) {
	t.Setenv("FAIRLEAD_CANARY", "c4n4ry")
	for name, c := range map[string]struct {
		query, text string
		kind        fault.Kind
	}{
		"first result only":  {"{healthy: true}, {healthy: false}", "", ""},
		"no environment":     {`{healthy: (env == {} and $ENV == {})}`, "", ""},
		"no result":          {"empty", "gives no result", fault.Unavailable},
		"fails":              {`error(.secret)`, "the query fails on the answer", fault.Unavailable},
		"halts":              {`halt_error`, "the query fails on the answer", fault.Unavailable},
		"does not end":       {`def f: f; f`, "does not end in time", fault.TimedOut},
		"reads other input":  {`input`, "the verify query cannot be compiled", fault.Refused},
		"imports":            {`import "x" as x; x::y`, "the verify query cannot be compiled", fault.Refused},
		"unknown function":   {"nope(.)", "the verify query cannot be compiled", fault.Refused},
		"not jq":             {"{healthy:", "the verify query is not a jq expression", fault.Refused},
		"number of no range": {`{healthy: true, version: (1e1000)}`, "version: is a number and not a string", fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(Options{})
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			answer, err := p.understand(ctx, look(c.query), "here", []byte(`{"secret":"c4n4ry"}`))
			if c.kind == "" {
				if err != nil || !answer.Healthy {
					t.Fatalf("%+v, %v", answer, err)
				}
				return
			}
			if fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "c4n4ry") {
				t.Errorf("%s: %v", fault.KindOf(err), err)
			}
		})
	}
}

func TestQueryIsCompiledOnce(t *testing.T) {
	p := New(Options{})
	first, err := p.compile(look("."))
	if err != nil {
		t.Fatal(err)
	}
	if second, err := p.compile(look(".")); err != nil || second != first {
		t.Errorf("compiled again: %v", err)
	}
}

func TestDecode(t *testing.T) {
	long := strings.Repeat("x", 129)
	for _, c := range []struct{ name, status, want string }{
		{"least", `{"healthy":false}`, ""},
		{"null version", `{"healthy":true,"version":null}`, ""},
		{"no secrets", `{"healthy":true,"secrets":[]}`, ""},
		{"any source", `{"healthy":true,"secrets":[{"name":"a","source":"vault: prod","present":true}]}`, ""},
		{"list", `[]`, "the status: is an array and not an object"},
		{"null", `null`, "the status: is null and not an object"},
		{"nothing", `{}`, "healthy: is missing"},
		{"healthy mistyped", `{"healthy":"true"}`, "healthy: is a string and not a boolean"},
		{"unknown", `{"healthy":true,"value":1}`, `the status: has the unknown field "value"; known are healthy, version, secrets`},
		{"unknown and long", `{"healthy":true,"` + long + `":1}`, "the status: has the unknown field (a long or unprintable name); known are healthy, version, secrets"},
		{"version mistyped", `{"healthy":true,"version":2}`, "version: is a number and not a string"},
		{"version long", `{"healthy":true,"version":"` + long + `"}`, "version: is longer than 128 bytes"},
		{"version unprintable", `{"healthy":true,"version":"1\u001b[2J"}`, "version: holds characters that cannot be printed"},
		{"secrets null", `{"healthy":true,"secrets":null}`, "secrets: is null and not a list"},
		{"secrets an object", `{"healthy":true,"secrets":{}}`, "secrets: is an object and not a list"},
		{"secrets too many", `{"healthy":true,"secrets":[` + strings.Repeat("1,", 256) + `1]}`, "secrets: has more than 256 entries"},
		{"entry no object", `{"healthy":true,"secrets":["c4n4ry"]}`, "secrets[0]: is a string and not an object"},
		{"entry unknown", `{"healthy":true,"secrets":[{"name":"a","source":"none","present":true,"value":"c4n4ry"}]}`, `secrets[0]: has the unknown field "value"; known are name, source, present`},
		{"name missing", `{"healthy":true,"secrets":[{"source":"none","present":true}]}`, "secrets[0].name: is missing"},
		{"name empty", `{"healthy":true,"secrets":[{"name":"","source":"none","present":true}]}`, "secrets[0].name: is empty"},
		{"name twice", `{"healthy":true,"secrets":[{"name":"a","source":"database","present":true},{"name":"a","source":"environment","present":true}]}`, "secrets[1].name: names a secret that the list has named before"},
		{"source null", `{"healthy":true,"secrets":[{"name":"a","source":null,"present":true}]}`, "secrets[0].source: is null and not a string"},
		{"source long", `{"healthy":true,"secrets":[{"name":"a","source":"` + long + `","present":true}]}`, "secrets[0].source: is longer than 64 bytes"},
		{"present missing", `{"healthy":true,"secrets":[{"name":"a","source":"none"}]}`, "secrets[0].present: is missing"},
		{"present mistyped", `{"healthy":true,"secrets":[{"name":"a","source":"none","present":1}]}`, "secrets[0].present: is a number and not a boolean"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var v any
			if err := json.Unmarshal([]byte(c.status), &v); err != nil {
				t.Fatal(err)
			}
			_, misfit := decode(v)
			got := ""
			if misfit != nil {
				got = misfit.String()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// FuzzUnderstand makes sure that no answer breaks the prober, that what it accepts is within its bounds, and that no
// error quotes the answer.
func FuzzUnderstand(f *testing.F) {
	const canary = "c4n4ry-0f-the-fuzzer"
	queries := []string{"", `{healthy: .ok, version: .v, secrets: [.s | to_entries[] | {name: .key, source: .value.source, present: .value.present}]}`, `.[0]`}
	for _, body := range []string{
		`{"healthy":true}`, `{"healthy":true,"version":"1","secrets":[{"name":"a","source":"environment","present":true}]}`,
		`{"ok":true,"v":"1","s":{"a":{"source":"none","present":false}}}`, `[{"healthy":false}]`, `null`, `"` + canary + `"`,
		`{"` + canary + `":1}`, `1e999`, "\xff", `{"healthy":true,"version":"\ud800"}`, strings.Repeat("[", 20000),
	} {
		for i := range queries {
			f.Add(body, i)
		}
	}
	p := New(Options{MaxBody: 1 << 16})
	forbidden := secret.NewRedactor(secret.NewEnv(secret.Var{Name: "CANARY", Value: secret.NewValue(canary)}))
	f.Fuzz(func(t *testing.T, body string, query int) {
		l := look(queries[uint(query)%uint(len(queries))])
		l.Forbidden = forbidden
		answer, err := p.understand(t.Context(), l, "here", []byte(body))
		if err != nil {
			if fault.KindOf(err) == fault.Internal || strings.Contains(err.Error(), canary) {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(answer.Version) > maxVersion || !printable(answer.Version) || len(answer.Secrets) > maxSecrets {
			t.Fatalf("out of bounds: %+v", answer)
		}
		for _, r := range answer.Secrets {
			if r.Name == "" || len(r.Name) > maxName || len(r.Source) > maxSource || !printable(r.Name) || !printable(string(r.Source)) {
				t.Fatalf("out of bounds: %+v", r)
			}
		}
	})
}
