package lint

// form is one way in which a rule is broken on a line that Fairlead reads.
type form int

const (
	quoted form = iota
	comment
	dollar
	dollarSingle
	substitution
	separator
	backslash
	export
	strayMark
	crlf
	lineSeparator
	space
	tilde
	indent
	shellName
	commentGoesOn
	tooLarge
)

// words returns the rule that f breaks, and a finding's text and remedy. What begins with {} is about the value.
func (f form) words() (rule string, severity Severity, text, instead string) {
	switch f {
	case quoted:
		return "E01", Warning, "{} stands in quotes, which Docker's --env-file makes a part of it",
			"take them off where letters, digits and _./:@%+,=- are all that it holds; else keep the file from Docker's --env-file"
	case comment:
		return "E03", Warning, "{} has a comment behind it, which Docker's --env-file and systemd make a part of it", "put the comment on a line of its own"
	case dollar:
		return "E04", Warning, "{} holds a $, in whose place Compose, shells, @next/env and godotenv put a variable",
			"if one of them reads the file, put the value in single quotes; @next/env does it even there"
	case dollarSingle:
		return "E04", Warning, "{} holds a $, in whose place @next/env puts a variable, even in single quotes", "keep the file from @next/env, or take a value without a $"
	case substitution:
		return "E05", Error, "{} holds $(…) or a backtick: a shell that sources the file runs it", "put the value in single quotes if it is meant as it stands"
	case separator:
		return "E05", Warning, "{} holds a blank or one of ; & | < > ( ): a shell that sources the file ends it there and may run the rest",
			"if a shell reads the file, put the value in single quotes; Docker's --env-file keeps those"
	case backslash:
		return "E06", Warning, "{} holds a backslash, which readers take for different things", "take a value without one, such as its base64 text"
	case export:
		return "E08", Warning, "export stands before the name: systemd drops the variable, and Docker's --env-file refuses the file", "leave it out; a shell exports with set -a"
	case strayMark:
		return "E11", Warning, "a byte order mark stands inside the line, where some readers drop it", "take it out"
	case crlf:
		return "E12", Warning, "the line ends in CR LF, of which shells make the CR a part of the value", "end lines with LF alone"
	case lineSeparator:
		return "E12", Warning, "a Unicode line separator stands inside the line, at which JavaScript readers may begin a new one", "take it out"
	case space:
		return "E17", Warning, "blanks or tabs stand around a name or value, which some readers keep and others refuse", "write NAME=value without them"
	case tilde:
		return "E19", Warning, "{} holds a ~ in whose place shells put the home directory", "write the directory's full path"
	case indent:
		return "E20", Warning, "white space begins the line, which Node may take for a part of the next name", "take it out"
	case shellName:
		return "E21", Warning, "the name is one that a shell keeps for itself, and refuses or changes", "take another name"
	case commentGoesOn:
		return "E22", Warning, "the comment ends in a backslash, so that systemd before version 254 takes the next line for a part of it", "take the backslash out"
	case tooLarge:
	}
	return "E23", Error, "the file is longer than 1 MiB: Fairlead does not read it, and no more of it is looked at", "check that this is an env file"
}
