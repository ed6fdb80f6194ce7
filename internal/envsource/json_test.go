package envsource

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

func revealed(env secret.Env) map[string]string {
	out := map[string]string{}
	for _, v := range env {
		out[v.Name] = v.Value.Reveal()
	}
	return out
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`{}`:                                {},
		"\n {\"B\": \"x\",\n\"A\": \"\"}\n": {"A": "", "B": "x"},
		`{"A":"é\n\t\"\\\u00e9\ud83d\ude00=#$'"}`: {"A": "é\n\t\"\\é😀=#$'"},
		`{"A":"\\ud800"}`:                         {"A": `\ud800`},
	} {
		f, err := fromJSON("j", []byte(text))
		if err != nil || !maps.Equal(revealed(f.Env), want) {
			t.Errorf("%s: %v, %v", text, revealed(f.Env), err)
		}
	}
	f, err := fromJSON("j", []byte("{\n\"B\": \"x\",\n\"A\": \"y\"}"))
	if v, _ := f.Env.Lookup("A"); err != nil || v.Origin.String() != "j:3" || f.Env.Names()[0] != "A" {
		t.Errorf("got %v, %v", f.Env, err)
	}
}

func TestJSONRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                               "j:1: is not one JSON object",
		`[]`:                             "is not one JSON object",
		`"x"`:                            "is not one JSON object",
		`{"A":"c4n4ry-in-an-env-source"`: "is not one JSON object",
		`{"A":"x"} {}`:                   "is not one JSON object",
		`{"A":"x"}]`:                     "is not one JSON object",
		`{"A" "x"}`:                      "is not one JSON object",
		`{A:"x"}`:                        "is not one JSON object",
		`{"A":"x",}`:                     "is not one JSON object",
		"\xef\xbb\xbf{}":                 "prints a byte order mark",
		"{\"A\":\"\xff\"}":               "not in UTF-8",
		`{"A":"\ud800"}`:                 "half of a surrogate pair",
		`{"A":"\udc00\ud800"}`:           "half of a surrogate pair",
		`{"A":"\ud800\u0041"}`:           "half of a surrogate pair",
		"{\n\"A\":1}":                    "j:2: A is a number",
		`{"A":1e400}`:                    "A is a number",
		`{"A":true}`:                     "A is a truth value",
		`{"A":null}`:                     "A is null",
		`{"A":{"B":{"C":"c4n4ry-in-an-env-source"}}}`: "A is an object or a list",
		`{"A":["c4n4ry-in-an-env-source"]}`:           "A is an object or a list",
		"{\"A\":\"x\",\n\"A\":\"x\"}":                 "j:2: A stands there for the second time, and first on line 1",
		`{"A":"x","\u0041":"y"}`:                      "A stands there for the second time",
		`{"c4n4ry-in-an-env-source":"x"}`:             "has a name that is none of a variable",
		`{"":"x"}`:                                    "has a name that is none of a variable",
		`{"1A":"x"}`:                                  "has a name that is none of a variable",
		`{"A":"c4n4ry-in-an-env-source\u0000"}`:       "A holds a NUL byte",
	} {
		_, err := fromJSON("j", []byte(text))
		wants(t, err, want)
	}
	f, err := fromJSON("j", []byte(`{"A":1,"B":"x","C":{"D":[1,{}]},"E":"y","E":"z","1":[]}`))
	if len(fault.ProblemsOf(err)) != 4 || fmt.Sprint(f.Faulty) != "[A C E]" || len(f.Env) != 1 || f.Env.Value("B").Reveal() != "x" {
		t.Errorf("got %v, %v, %v", revealed(f.Env), f.Faulty, err)
	}
}

// Many names take a time that grows with their number only.
func TestJSONOfManyNames(t *testing.T) {
	var text strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&text, ",\n\"V%d\":\"\"", i)
	}
	f, err := fromJSON("j", []byte("{"+text.String()[1:]+"}"))
	if err != nil || len(f.Env) != 60_000 || !slices.IsSortedFunc(f.Env, func(a, b secret.Var) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("%d, %v", len(f.Env), err)
	}
}

// FuzzJSON holds that what is accepted is what JSON's own reader reads, that nothing of a value is in a problem, and that no
// input is read in part.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"A":"x"}`, `{"A":"\ud83d\ude00"}`, `{"A":"\\ud800","B":""}`, `{"A":1,"A":[{}]}`, `{"A":"x"}}`, "{\"A\":\"\xff\"}", `{"a":{"b":"zq"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := fromJSON("j", content)
		for _, p := range fault.ProblemsOf(err) {
			if !strings.HasPrefix(p.Where, "j") || strings.ContainsFunc(p.String(), func(r rune) bool { return r < ' ' }) {
				t.Errorf("problem %q", p)
			}
		}
		if err != nil {
			return
		}
		var want map[string]string
		if err := json.Unmarshal(content, &want); err != nil || !utf8.Valid(content) {
			t.Fatalf("accepted, but it is no object of strings: %v", err)
		}
		if got := revealed(file.Env); !maps.Equal(got, want) {
			t.Errorf("read %q, want %q", got, want)
		}
	})
}
