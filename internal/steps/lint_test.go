package steps

import (
	"fmt"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/lint"
)

// what an env file may hold besides, and what a policy makes of it.
func TestProvisionHoldsEnvFilesAgainstTheRules(t *testing.T) {
	const policy = "env: [{file: ENV}]"
	for name, test := range map[string]struct {
		lines    string
		lint     string   // the policy, if it is not the default
		problems []string // ENV stands for the file; its own lines come first
		warnings []string
	}{
		"nothing": {},
		"a shell would run it": {
			lines:    "A=x$(id)\n",
			problems: []string{"ENV:4: E05: the value of A holds $(…) or a backtick: a shell that sources the file runs it; put the value in single quotes if it is meant as it stands; lint: {warn: [E05]} in the app's configuration allows it"},
		},
		"passwords as they come": {
			lines:    "A=$2b$10$x\nB='p;ss'\nC=Acme Corp\nD='x'\n",
			warnings: []string{"ENV:4: E04: the value of A", "ENV:5: E01: the value of B stands in quotes, which Docker's --env-file makes a part of it (and one more line)", "ENV:6: E05: the value of C"},
		},
		"silenced": {lines: "A=$x\nB='x'\n", lint: "lint: {warn: []}"},
		"denied":   {lines: "A=$x\nB='x'\n", lint: "lint: {deny: [E04]}", problems: []string{"ENV:4: E04: "}, warnings: []string{"ENV:5: E01: "}},
		"allowed":  {lines: "A=$(id)\n", lint: "lint: {warn: [E05]}", warnings: []string{"ENV:4: E05: "}},
		"refused as ever": {
			lines: "A=it's\n", lint: "lint: {deny: [], warn: []}", problems: []string{"ENV:4: the value of A holds quotes"},
		},
		"many": {
			lines:    strings.Repeat("# c\n", 2) + many("A%d=$(id)\n", 25),
			problems: append(slicesOf(10, "ENV:%d: E05: ", 6), "ENV: has 15 more lines of this kind; 'fairlead env check ENV' lists all"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			edits := []string{policy, policy + "\n    " + test.lint}
			if test.lint == "" {
				edits = nil
			}
			r := newRig(t, edits...)
			r.write(provisioned + test.lines)
			p, problems := r.provision(t.Context(), r.Options.Apps["shop"])
			var said []string
			for _, problem := range problems {
				said = append(said, problem.String())
			}
			startWith(t, "problems", said, test.problems, r.env)
			startWith(t, "warnings", p.warnings, test.warnings, r.env)
			silent(t, append(said, p.warnings...)...)
		})
	}
}

func many(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func slicesOf(n int, format string, from int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf(format, from+i))
	}
	return out
}

func startWith(t *testing.T, what string, got, want []string, env string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s %q, want %q", what, got, want)
	}
	for i := range got {
		if !strings.HasPrefix(strings.ReplaceAll(got[i], env, "ENV"), want[i]) {
			t.Errorf("%s %q, want %q", what, got[i], want[i])
		}
	}
}

// An env file that only a service names is held against the same rules.
func TestServicesEnvFileIsLinted(t *testing.T) {
	r, dir := composeStack(t, map[string]string{"compose.yaml": strings.Replace(plainCompose, "[work]", "[work], env_file: one.env", 1),
		"one.env": "A=$(id)\nB='x'\n"})
	p, problems := r.provision(t.Context(), r.Options.Apps["shop"])
	if len(problems) != 1 || problems[0].Where != dir+"/one.env:1" {
		t.Errorf("problems %q", problems)
	}
	if !strings.Contains(strings.Join(p.warnings, "\n"), dir+"/one.env:2: E01: ") {
		t.Errorf("warnings %q", p.warnings)
	}
}

// What is warned of does not grow with the file.
func TestWarningsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("export X='a'\r\nB=$x\nC=a;b\nD=\\\\x\nE= x\nF=~\n # c\nUID=1\n# \\\nG=1 # c\nH=x\ufeffx\n")
	for i := range 500 {
		fmt.Fprintf(&b, "V%d='x'\n", i)
	}
	r := newRig(t)
	r.write(provisioned + b.String())
	p, problems := r.provision(t.Context(), r.Options.Apps["shop"])
	if len(problems) > 0 || len(p.warnings) != mostLinted+1 {
		t.Fatalf("problems %q, warnings %q", problems, p.warnings)
	}
	if last := p.warnings[mostLinted]; !strings.Contains(last, "breaks E") || !strings.HasSuffix(last, "'fairlead env check "+r.env+"' lists all") {
		t.Errorf("the last warning is %q", last)
	}
	if !strings.Contains(strings.Join(p.warnings, "\n"), "(and 500 more lines)") || lint.MaxFindings < 500 {
		t.Errorf("warnings %q", p.warnings)
	}
}
