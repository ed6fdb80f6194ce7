package envfile

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/secret"
)

// wanted is where a case is to be refused, and why.
type wanted struct {
	line int
	kind kind
	name string
}

// revealed returns the names and values of env, which only a test may look at together.
func revealed(env secret.Env) map[string]string {
	out := map[string]string{}
	for _, v := range env {
		out[v.Name] = v.Value.Reveal()
	}
	return out
}

func wants(p *parsing) []wanted {
	var out []wanted
	for _, f := range p.findings {
		out = append(out, wanted{f.line, f.kind, f.name})
	}
	return out
}

// TestCases decides each of the inputs on which readers of env files are known to differ.
func TestCases(t *testing.T) {
	type vars = map[string]string
	tests := map[string]struct {
		env    vars
		faults []wanted
	}{
		"01-plain":                    {env: vars{"A": "bar"}},
		"02-space-around-eq":          {env: vars{"A": "bar"}},
		"03-trailing-space":           {env: vars{"A": "bar"}},
		"04-inline-comment":           {env: vars{"A": "bar"}},
		"05-hash-no-space":            {faults: []wanted{{1, hash, "A"}}},
		"06-double-quoted":            {env: vars{"A": "bar baz"}},
		"07-single-quoted":            {env: vars{"A": "bar baz"}},
		"08-dollar-bare":              {env: vars{"A": "pa$HOME_X1ss"}},
		"09-dollar-brace-default":     {env: vars{"A": "x${UNSET_V:-def}y"}},
		"10-dollar-dquote":            {env: vars{"A": "x${B}y", "B": "one"}},
		"11-dollar-squote":            {env: vars{"A": "x${B}y", "B": "one"}},
		"12-dollar-num-bcrypt":        {env: vars{"A": "$2b$10$abcdefghijk"}},
		"13-cmd-subst":                {env: vars{"A": "$(echo pwned)"}},
		"14-backslash-bare":           {env: vars{"A": `a\nb\\c`}},
		"15-backslash-dquote":         {env: vars{"A": "a\nb\tc\\d\"e"}},
		"16-backslash-dquote-unknown": {faults: []wanted{{1, escape, "A"}}},
		"17-backslash-squote":         {env: vars{"A": `a\nb`}},
		"18-multiline-dquote":         {env: vars{"B": "z"}, faults: []wanted{{1, spread, "A"}}},
		"19-pem-unquoted-multiline":   {faults: []wanted{{1, spread, "A"}}},
		"20-line-continuation":        {env: vars{"B": "z"}, faults: []wanted{{1, continuation, "A"}, {2, noSeparator, ""}}},
		"21-export-prefix":            {env: vars{"A": "bar"}},
		"22-no-equals":                {env: vars{"B": "z"}, faults: []wanted{{1, noSeparator, ""}}},
		"23-empty-value":              {env: vars{"A": "", "B": ""}},
		"24-duplicate-key":            {faults: []wanted{{2, duplicate, "A"}}},
		"25-bom":                      {env: vars{"A": "bar", "B": "z"}, faults: []wanted{{1, mark, ""}}},
		"26-crlf":                     {env: vars{"A": "bar", "B": "q"}},
		"27-nul":                      {env: vars{"B": "z"}, faults: []wanted{{1, nul, "A"}}},
		"28-invalid-utf8":             {env: vars{"B": "z"}, faults: []wanted{{1, notUTF8, "A"}}},
		"29-unterminated-dquote":      {env: vars{"B": "z"}, faults: []wanted{{1, unclosed, "A"}}},
		"30-quote-mid-value":          {env: vars{"B": "z"}, faults: []wanted{{1, quoteInside, "A"}}},
		"31-quote-concat":             {faults: []wanted{{1, behind, "A"}}},
		"32-comment-full-line":        {env: vars{"A": "bar"}},
		"33-key-dash-dot":             {env: vars{"A": "z"}, faults: []wanted{{1, badName, ""}}},
		"34-key-space":                {env: vars{"A": "z"}, faults: []wanted{{1, badName, ""}}},
		"35-key-digit":                {env: vars{"A": "z"}, faults: []wanted{{1, badName, ""}}},
		"36-utf8-then-comment":        {faults: []wanted{{1, commentBehindForeign, "A"}}},
		"37-colon-separator":          {env: vars{"B": "z"}, faults: []wanted{{1, noSeparator, ""}}},
		"38-backtick-quote":           {faults: []wanted{{1, quoteInside, "A"}}},
		"39-semicolon-amp":            {env: vars{"A": "a&b;c"}},
		"40-long-line-70k":            {env: vars{"B": "z"}, faults: []wanted{{1, tooLong, "A"}}},
		"41-hash-in-dquote":           {env: vars{"A": "pa #ss"}},
		"42-url-dsn":                  {faults: []wanted{{1, hash, "A"}}},
		"43-leading-space":            {env: vars{"A": "bar"}},
		"44-equals-in-value":          {env: vars{"A": "YWJj=="}},
		"45-json":                     {faults: []wanted{{1, quoteInside, "A"}}},
		"46-tilde":                    {env: vars{"A": "~/x"}},
		"47-no-final-newline":         {env: vars{"A": "bar"}},
		"48-lone-cr":                  {faults: []wanted{{1, loneCR, "A"}}},
		"49-squote-multiline":         {env: vars{"B": "z"}, faults: []wanted{{1, spread, "A"}}},
		"50-nbsp":                     {faults: []wanted{{1, foreignSpace, "A"}}},
	}
	files, err := filepath.Glob("testdata/envcases/*.env")
	if err != nil || len(files) != len(tests) {
		t.Fatalf("%d files and %d cases: %v", len(files), len(tests), err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join("testdata/envcases", name+".env"))
			if err != nil {
				t.Fatal(err)
			}
			p := parse(content)
			if test.env == nil {
				test.env = vars{}
			}
			if diff := cmp.Diff(test.env, revealed(p.env(name))); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.faults, wants(p), cmp.AllowUnexported(wanted{})); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLines decides what the fifty inputs leave open.
func TestLines(t *testing.T) {
	type vars = map[string]string
	tests := map[string]struct {
		content string
		env     vars
		faults  []wanted
	}{
		"comment in place of a value":       {content: "A= # none\n", env: vars{"A": ""}},
		"hash in place of a value":          {content: "A=#none\n", faults: []wanted{{1, hash, "A"}}},
		"hash behind a closing quote":       {content: "A=\"x\"#c\n", faults: []wanted{{1, behind, "A"}}},
		"hash behind a no-break space":      {content: "A=bar\u00a0# c\n", faults: []wanted{{1, hash, "A"}}},
		"quotes in a comment":               {content: "A=bar # it's \"so\"\n", env: vars{"A": "bar"}},
		"hash in single quotes":             {content: "A='pa#ss' # c\n", env: vars{"A": "pa#ss"}},
		"foreign character in quotes":       {content: "A='café'\n", env: vars{"A": "café"}},
		"foreign, quoted, with a comment":   {content: "A='café' # c\n", faults: []wanted{{1, commentBehindForeign, "A"}}},
		"foreign in the middle":             {content: "A=été1 # c\n", env: vars{"A": "été1"}},
		"tab around the parts":              {content: "\tA\t=\tbar\t\n", env: vars{"A": "bar"}},
		"tab in the value":                  {content: "A=b\tr\n", faults: []wanted{{1, tab, "A"}}},
		"tab in single quotes":              {content: "A='b\tr'\n", faults: []wanted{{1, tab, "A"}}},
		"tab in double quotes":              {content: "A=\"b\tr\"\n", faults: []wanted{{1, tab, "A"}}},
		"tab before a comment":              {content: "A=bar\t# c\n", faults: []wanted{{1, tab, "A"}}},
		"tab before a comment, quoted":      {content: "A='bar'\t# c\n", faults: []wanted{{1, tab, "A"}}},
		"tab in a comment":                  {content: "# a\tb\nA=bar # a\tb\n", env: vars{"A": "bar"}},
		"backslash at the end":              {content: "A=C:\\\n", faults: []wanted{{1, continuation, "A"}}},
		"backslash at the end, quoted":      {content: "A='C:\\'\n", env: vars{"A": `C:\`}},
		"json in single quotes":             {content: `A='{"k":"v"}'` + "\n", env: vars{"A": `{"k":"v"}`}},
		"json in double quotes":             {content: `A="{\"k\":\"v\"}"` + "\n", env: vars{"A": `{"k":"v"}`}},
		"unicode escape":                    {content: `A="\u0041"` + "\n", faults: []wanted{{1, escape, "A"}}},
		"export and two blanks":             {content: "export  A=b\n", faults: []wanted{{1, exportSpacing, "A"}}},
		"export and a tab":                  {content: "export\tA=b\n", faults: []wanted{{1, exportSpacing, "A"}}},
		"a variable called export":          {content: "export=b\nexported=c\n", env: vars{"export": "b", "exported": "c"}},
		"no name":                           {content: "=b\n", faults: []wanted{{1, noName, ""}}},
		"a dot in the name":                 {content: "a.b=c\n", faults: []wanted{{1, badName, ""}}},
		"a slash in the name":               {content: "a/b=c\n", faults: []wanted{{1, badName, ""}}},
		"no-break space before the name":    {content: "\u00a0A=b\n", faults: []wanted{{1, foreignSpace, ""}}},
		"a line of a no-break space":        {content: "\u00a0\nA=b\n", env: vars{"A": "b"}, faults: []wanted{{1, foreignSpace, ""}}},
		"no-break space in quotes":          {content: "A='\u00a0b'\n", env: vars{"A": "\u00a0b"}},
		"no-break space behind quotes":      {content: "A='b'\u00a0\n", faults: []wanted{{1, foreignSpace, "A"}}},
		"no-break space inside":             {content: "A=b\u00a0c\n", env: vars{"A": "b\u00a0c"}},
		"form feed":                         {content: "A=b\f\n", faults: []wanted{{1, control, "A"}}},
		"delete":                            {content: "A=b\x7f\n", faults: []wanted{{1, control, "A"}}},
		"next line":                         {content: "A=b\u0085\n", faults: []wanted{{1, control, "A"}}},
		"two carriage returns":              {content: "A=b\r\r\n", faults: []wanted{{1, loneCR, "A"}}},
		"carriage return at the very end":   {content: "A=b\r", faults: []wanted{{1, loneCR, "A"}}},
		"carriage return in a comment":      {content: "# c\rA=b\n", faults: []wanted{{1, loneCR, ""}}},
		"utf-16":                            {content: "\xff\xfeA\x00=\x00b\x00", faults: []wanted{{1, utf16, ""}}},
		"mark, then a fault":                {content: "\ufeffA=pa#ss\n", faults: []wanted{{1, mark, ""}, {1, hash, "A"}}},
		"only comments":                     {content: "# nothing yet\n"},
		"longest line":                      {content: "A=" + strings.Repeat("x", longest-2) + "\n", env: vars{"A": strings.Repeat("x", longest-2)}},
		"longest line with CR LF":           {content: "A=" + strings.Repeat("x", longest-2) + "\r\n", env: vars{"A": strings.Repeat("x", longest-2)}},
		"one byte too long":                 {content: "A=" + strings.Repeat("x", longest-1), faults: []wanted{{1, tooLong, "A"}}},
		"three times the same":              {content: "A=1\nB=2\nA=3\nA=4\n", env: vars{"B": "2"}, faults: []wanted{{3, duplicate, "A"}, {4, duplicate, "A"}}},
		"a duplicate of a faulty one":       {content: "A=pa#ss\nA=3\n", faults: []wanted{{1, hash, "A"}, {2, duplicate, "A"}}},
		"a duplicate that is faulty itself": {content: "A=3\nA=pa#ss\n", faults: []wanted{{2, duplicate, "A"}, {2, hash, "A"}}},
		"name and value both bad":           {content: "a-b=it's\n", faults: []wanted{{1, badName, ""}, {1, quoteInside, ""}}},

		"all faults at once": {
			content: "A=pa#ss\nB=ok\nC=it's\nA=again\nnothing\n\nD=\"open\n",
			env:     vars{"B": "ok"},
			faults:  []wanted{{1, hash, "A"}, {3, quoteInside, "C"}, {4, duplicate, "A"}, {5, noSeparator, ""}, {7, unclosed, "D"}},
		},
		"key in double quotes": {
			content: "A=\"-----BEGIN KEY-----\nabc=it's\nZZ==\n-----END KEY-----\"\nB=z\n",
			env:     vars{"B": "z"},
			faults:  []wanted{{1, spread, "A"}},
		},
		"key without an end, then others": {
			content: "A=-----BEGIN KEY-----\nabc=it's\nQUJD==\nB=it's\n",
			faults:  []wanted{{1, openKey, "A"}, {2, quoteInside, ""}, {4, quoteInside, "B"}},
		},
		"open quote, then pieces of a value and others": {
			content: "A='one\ntwo=it's\nQUJD==\nB=pa#ss\nC='z'\n",
			env:     vars{"C": "z"},
			faults:  []wanted{{1, unclosed, "A"}, {2, quoteInside, ""}, {4, hash, "B"}},
		},
		"open quote, then a quoted value": {
			content: "A=\"one\nB=\"two\"\n",
			env:     vars{"B": "two"},
			faults:  []wanted{{1, unclosed, "A"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := parse([]byte(test.content))
			if test.env == nil {
				test.env = vars{}
			}
			if diff := cmp.Diff(test.env, revealed(p.env(name))); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.faults, wants(p), cmp.AllowUnexported(wanted{})); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOriginsAndOrder(t *testing.T) {
	env, problems := Parse("x.env", []byte("B=2\n\nA=1\n"))
	if problems != nil {
		t.Fatal(problems)
	}
	var origins []string
	for _, v := range env {
		origins = append(origins, v.Name+" "+v.Origin.String())
	}
	if want := []string{"A x.env:3", "B x.env:1"}; !slices.Equal(origins, want) {
		t.Errorf("origins %q, want %q", origins, want)
	}
	if v, ok := env.Lookup("B"); !ok || v.Value.Reveal() != "2" {
		t.Error("a variable cannot be looked up by its name")
	}
}

func TestFaulty(t *testing.T) {
	p := parse([]byte("C=it's\nA=1\nB=1\nA=2\nD='\nxx=it's\n"))
	if got, want := p.faulty(), []string{"A", "C", "D"}; !slices.Equal(got, want) {
		t.Errorf("faulty %q, want %q", got, want)
	}
	if got := slices.Collect(maps.Keys(revealed(p.env("")))); !slices.Equal(got, []string{"B"}) {
		t.Errorf("environment of %q", got)
	}
}

// TestCompare shows the net below the rules: a line that go-envparse reads in another way is a fault.
func TestCompare(t *testing.T) {
	tests := map[string]struct {
		line string
		e    entry
		want kind
	}{
		"the same":            {"A=bar", entry{name: "A", value: value{text: "bar"}}, none},
		"another value":       {"A=bar", entry{name: "A", value: value{text: "bar "}}, misread},
		"another name":        {"A=bar", entry{name: "B", value: value{text: "bar"}}, misread},
		"refused":             {"A='bar", entry{name: "A", value: value{text: "bar"}}, misread},
		"another last letter": {"A=caf\u00e9 # c", entry{name: "A", value: value{text: "caf\u00e9", comment: true}}, commentBehindForeign},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := compare(test.line, test.e); got != test.want {
				t.Errorf("kind %d, want %d", got, test.want)
			}
		})
	}
}
