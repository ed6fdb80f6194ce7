package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Rule is one class of differences between readers.
type Rule struct {
	ID       string
	Severity string // of its findings
	About    string
	Differs  string // who reads what
	Instead  string // what to write
	Fixed    string // what --fix does
}

// Known tells whether there is a rule with this id.
func Known(id string) bool {
	return slices.ContainsFunc(Rules(), func(r Rule) bool { return r.ID == id })
}

// revision is raised whenever a rule finds other things than before under the same id.
const revision = "1"

// Version returns the version of the rules: a revision, and a hash of what they are called and how grave they are. Two
// daemons with one version judge an env file alike.
func Version() string {
	h := sha256.New()
	for _, r := range Rules() {
		h.Write([]byte(r.ID + " " + r.Severity + "\n"))
	}
	return revision + "-" + hex.EncodeToString(h.Sum(nil)[:6])
}

// What Rules says of several.
const (
	both       = "error or warning"
	left       = "left as it is"
	noPortable = "single quotes, if Docker's `--env-file` does not read the file; no form is read alike by all ten"
)

// Rules returns all rules. An id is never given to another rule.
func Rules() []Rule {
	return []Rule{
		{"E01", "warning", "a value in quotes", "Docker's `--env-file` makes the quotes a part of the value; the others take them off",
			"the value without quotes, if letters, digits and `_ . / : @ % + , = -` are all that it holds; else keep the file from Docker's `--env-file`",
			"takes the quotes off such a value"},
		{"E02", "error", "a `#` in a value without quotes", "go-envparse, dotenv, Node and @next/env cut the value at the `#`; Docker, Compose, systemd and the shells keep it; Fairlead refuses the line",
			noPortable, left},
		{"E03", both, "a comment behind a value", "Docker and systemd make the comment a part of the value; go-envparse loses a byte if the value ends in a character that is not ASCII, and Fairlead refuses that line (error)",
			"the comment on a line of its own", "puts the comment above, where the value has quotes or a blank stands behind the `#`"},
		{"E04", "warning", "a `$` in a value", "Compose, the shells, @next/env and godotenv put a variable in its place, each in another way; in single quotes, only @next/env does; Fairlead passes it on",
			noPortable + "; no form keeps a `$` from @next/env", left},
		{"E05", both, "a part of a value that a shell runs", "a shell that sources the file runs `$(…)` and what stands in backticks (error), and what follows a blank or one of `; & | < > ( )` outside of quotes (warning); dotenv, Node and @next/env take backticks for quotes; the others keep it all",
			noPortable, left},
		{"E06", both, "a backslash in a value", "readers differ on what it stands for, in each kind of quotes and outside; one that Fairlead does not know, in double quotes, it refuses (error)",
			"a value without a backslash, such as its base64 text; single quotes keep one for most readers, unless it is the last character", left},
		{"E07", "error", "a value over several lines, or a quote that is not closed", "Docker drops all lines but the first, systemd and the shells may swallow the rest of the file, and others refuse it; so does Fairlead",
			"one line: the value's base64 text, or double quotes with `\\n` for each line break", left},
		{"E08", both, "`export` before a name", "systemd drops the variable, and Docker refuses the file; Fairlead refuses all but one blank behind it (error)",
			"`NAME=value` alone; a shell exports it with `set -a`", "takes it out"},
		{"E09", "error", "a line without `=`", "Docker takes the value from the environment of its caller, Node glues the next line on, Compose and JavaScript readers take a colon for `=`; Fairlead refuses the line",
			"`NAME=value`, or `#` at the line's beginning", left},
		{"E10", "error", "a variable that is set twice", "the Docker Engine gets both, and most readers take the last one; Fairlead refuses it",
			"the one that is meant", left},
		{"E11", both, "a byte order mark", "systemd and the shells lose the first variable, Node renames it, go-envparse and godotenv refuse the file; so does Fairlead where it begins the file (error)",
			"the file as UTF-8 without a mark", "takes it out at the file's beginning"},
		{"E12", both, "a line end other than LF", "the shells keep the CR of a CR LF as a part of the value; at a CR alone, or at a Unicode line separator, some readers begin a new line; Fairlead refuses a CR alone (error)",
			"LF", "makes CR LF an LF"},
		{"E13", "error", "a control character: NUL, a tab in a value, or another", "a NUL ends the value for the app, or the whole file is refused; go-envparse refuses the others, and so does Fairlead",
			"a blank, or `\\t` in double quotes", left},
		{"E14", "error", "text that is not UTF-8", "Node, the other JavaScript readers and godotenv put another character in its place, Docker and systemd refuse the file; so does Fairlead",
			"the file in UTF-8; for bytes, their base64 text", left},
		{"E15", "error", "a name that is none", "systemd drops it, the shells take the line for a command, Docker and Compose take some of them; Fairlead refuses all but letters, digits and `_`",
			"letters, digits and `_`, no digit at the beginning", left},
		{"E16", "error", "a line longer than 64 KiB", "Docker and go-envparse refuse the file; so does Fairlead",
			"a mounted file for so long a value", left},
		{"E17", both, "white space around a name or a value", "Docker keeps blanks behind a value, and refuses them before the `=`; a shell takes the parts for a command; a no-break space or the like is dropped by some, and Fairlead refuses it (error)",
			"`NAME=value` without white space around its parts", "takes blanks and tabs out"},
		{"E18", "error", "quotes inside of a value, or text behind them", "go-envparse, systemd and the shells take them off or look for the next one, the others keep them; Fairlead refuses the line",
			"single quotes around the whole value, if Docker's `--env-file` does not read the file; no form is read alike by all ten", left},
		{"E19", "warning", "a `~` at the beginning of a value or behind a `:`", "the shells put the home directory in its place",
			"the directory's full path", left},
		{"E20", "warning", "white space at a line's beginning", "Node takes a comment that is indented, a line of blanks or a tab for a part of the next name",
			"the line without it", "takes it out"},
		{"E21", "warning", "a name that a shell keeps for itself", "bash or dash refuses to set it, stops there, or gives it another value",
			"another name", left},
		{"E22", "warning", "a comment that ends in a backslash", "systemd before version 254 takes the next line for a part of the comment",
			"the comment without the backslash", left},
		{"E23", "error", "a file longer than 1 MiB", "Fairlead does not read it; what stands behind that length is not looked at",
			"a mounted file for what is no variable", left},
	}
}
