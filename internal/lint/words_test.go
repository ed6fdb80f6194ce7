package lint_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/lint"
)

func at(f lint.Finding) string { return fmt.Sprintf("%d:%d", f.Line, f.Column) }

// TestPageHoldsAllRules holds docs/env-rules.md against the table of rules.
func TestPageHoldsAllRules(t *testing.T) {
	page, err := os.ReadFile("../../docs/env-rules.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, r := range lint.Rules() {
		cell := strings.NewReplacer("|", `\|`).Replace
		want = append(want, fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", r.ID, r.Severity, cell(r.About), cell(r.Differs), cell(r.Instead), cell(r.Fixed)))
	}
	var got []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| E") {
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
	}
	if os.Getenv("UPDATE") != "" {
		t.Log("\n" + strings.Join(want, "\n"))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the page's table is not that of the rules; it should hold\n%s", strings.Join(want, "\n"))
	}
}

// TestFindingsKeepToTheTable holds that every finding is of a known rule, is as severe as the table says, and has words.
func TestFindingsKeepToTheTable(t *testing.T) {
	severities := map[string]string{}
	for i, r := range lint.Rules() {
		if r.ID != fmt.Sprintf("E%02d", i+1) {
			t.Errorf("rule %d is %s", i+1, r.ID)
		}
		severities[r.ID] = r.Severity
	}
	seen := map[string]bool{}
	for _, content := range corpus(t) {
		for _, f := range check(content).Findings {
			seen[f.Rule+" "+string(f.Severity)] = true
			if !strings.Contains(severities[f.Rule], string(f.Severity)) || f.Text == "" || f.Instead == "" || strings.ContainsAny(f.Text+f.Instead, "{}\n") {
				t.Errorf("finding %+v of a rule with severity %q", f, severities[f.Rule])
			}
			if f.Line < 1 || f.Column < 1 || f.Refused && f.Severity != lint.Error {
				t.Errorf("finding %+v", f)
			}
		}
	}
	for id, severity := range severities {
		for s := range strings.SplitSeq(severity, " or ") {
			if id != "E23" && !seen[id+" "+s] {
				t.Errorf("the table has %s as %s, and nothing gives that", id, s)
			}
		}
	}
}

func TestPolicy(t *testing.T) {
	const content = "A=$x\nB=$(id)\nC='x'\nD=it's\n"
	for name, tt := range map[string]struct {
		policy lint.Policy
		want   string // the findings' rules; + stands for denied
	}{
		"default":            {lint.Policy{}, "E04 E05+ E01 E18+"},
		"warnings alone":     {lint.Policy{Deny: []string{}}, "E04 E05 E01 E18+"},
		"deny one more":      {lint.Policy{Deny: []string{"E04"}}, "E04+ E05 E01 E18+"},
		"no warnings":        {lint.Policy{Warn: []string{}}, "E05+ E18+"},
		"warn of an error":   {lint.Policy{Warn: []string{"E05"}}, "E05 E18+"},
		"both lists":         {lint.Policy{Deny: []string{"E01"}, Warn: []string{"E04"}}, "E04 E01+ E18+"},
		"neither":            {lint.Policy{Deny: []string{}, Warn: []string{}}, "E18+"},
		"what cannot be let": {lint.Policy{Warn: []string{"E18"}}, "E05+ E18+"},
	} {
		r := check(content).Under(tt.policy)
		var got []string
		errors := 0
		for _, f := range r.Findings {
			if f.Severity == lint.Error {
				f.Rule += "+"
				errors++
			}
			got = append(got, f.Rule)
		}
		if strings.Join(got, " ") != tt.want || r.Errors != errors || r.Left() != 0 {
			t.Errorf("%s: %v with %d errors and %d more, want %s", name, got, r.Errors, r.Left(), tt.want)
		}
	}
}
