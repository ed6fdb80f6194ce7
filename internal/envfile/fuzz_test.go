package envfile

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-envparse"
)

// FuzzParse holds that whatever is accepted is what go-envparse reads in the whole file, and that problems are one
// line of text each and belong to the file.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/envcases/*.env")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		env, problems := Parse("f", content)
		for _, p := range problems {
			if !strings.HasPrefix(p.Where, "f") || strings.ContainsFunc(p.String(), func(r rune) bool { return r < ' ' }) {
				t.Errorf("problem %q", p)
			}
		}
		if len(problems) > 0 {
			return
		}
		want, err := envparse.Parse(strings.NewReader(string(content)))
		if err != nil {
			t.Fatal("accepted, but refused by go-envparse")
		}
		if got := revealed(env); !maps.Equal(got, want) {
			t.Errorf("read %q, go-envparse %q", got, want)
		}
	})
}

// FuzzSecrecy holds that no problem, and no name that is given out, shows a piece of a value, however the value is
// written. The planted value has its letters from "jz", which stand in no message.
func FuzzSecrecy(f *testing.F) {
	for _, value := range []string{"jz#zj", "j'z", `{"j":"z"}`, "jé # z", "j\tz", "zj\nz=j'z\njz==", "-----BEGIN K\nzj=jz'j", `j\z`, "=j\x00z", "\u00a0zj", "j\n\nz\"\n z=zz\"z"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		value = planted(value)
		line := strings.ReplaceAll(value, "\n", "")
		for _, text := range []string{
			line,
			`"` + line + `"`,
			`'` + line + `'`,
			line + " # c",
			`"` + strings.ReplaceAll(value, `"`, ""),
			`'` + strings.ReplaceAll(value, `'`, ""),
			`"` + strings.ReplaceAll(value, `"`, "") + `" # c`,
			`'` + strings.ReplaceAll(value, `'`, "") + `'`,
			"-----BEGIN K-----\n" + value,
			"-----BEGIN K-----\n" + value + "\n-----END K-----",
		} {
			p := parse([]byte("A=1\nB=" + text + "\nC=3\nB=4\n"))
			for _, problem := range p.problems("f") {
				if strings.ContainsAny(problem.String(), "jz") {
					t.Errorf("%q gives the problem %q", text, problem)
				}
			}
			for _, name := range append(p.faulty(), p.env("f").Names()...) {
				if strings.ContainsAny(name, "jz") {
					t.Errorf("%q gives the name %q", text, name)
				}
			}
		}
	})
}

// planted returns value with every letter and digit made a j or a z, and everything else left as it is.
func planted(value string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'm', r >= 'A' && r <= 'M', r >= '0' && r <= '4', r == '_':
			return 'j'
		case r >= 'n' && r <= 'z', r >= 'N' && r <= 'Z', r >= '5' && r <= '9':
			return 'z'
		}
		return r
	}, value)
}

// FuzzWritten holds that a value written as the messages advise is read as it was meant.
func FuzzWritten(f *testing.F) {
	for _, value := range []string{"", "pa#ss", "it's", `{"k":"v"}`, "café", "C:\\", "-----BEGIN K-----\nQUJD\n-----END K-----\n", "\t x \t"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		text := strings.ReplaceAll(value, "\n", " ")
		if checkText(text) != none || len(value) > longest/2-10 {
			return
		}
		escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(value)
		forms := []string{`"` + escaped + `"`}
		if !strings.ContainsAny(value, "'\n\t") {
			forms = append(forms, `'`+value+`'`)
		}
		for _, form := range forms {
			env, problems := Parse("f", []byte("A="+form+"\n"))
			if len(problems) > 0 || env.Value("A").Reveal() != value {
				t.Errorf("%q is read as %q with %v", form, env.Value("A").Reveal(), problems)
			}
		}
	})
}
