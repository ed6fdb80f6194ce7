package envfile

// kind says what is wrong with a line.
type kind int

const (
	none kind = iota

	// The file or the line is no plain text.
	utf16
	mark
	notUTF8
	nul
	loneCR
	control
	tooLong

	// The line is no assignment.
	noSeparator
	noName
	badName
	exportSpacing
	duplicate

	// The value is one that two readers read in two ways.
	unclosed
	openKey
	spread
	hash
	quoteInside
	behind
	escape
	tab
	continuation
	foreignSpace
	commentBehindForeign
	misread
)

// asItIs tells how any value of one line can be written.
const asItIs = `write it in single quotes, {name}='…'; if it holds a single quote, in double quotes with \" for " and \\ for \`

// words returns what is wrong and what to do. They may hold {value}, {name} and {other}, another line's number.
func (k kind) words() (what, fix string) {
	switch k {
	case utf16:
		return "the file is in UTF-16", "save it as UTF-8 without a byte order mark"
	case mark:
		return "the file begins with a byte order mark, which some readers take for a part of the first name", "save it as UTF-8 without a byte order mark"
	case notUTF8:
		return "the line is not in UTF-8", "save the file as UTF-8"
	case nul:
		return "the line holds a NUL byte, which no environment can carry", "write the line anew"
	case loneCR:
		return "a carriage return stands inside the line", "end every line with a line feed: sed -i 's/\\r/\\n/g' does it for a file that has none"
	case control:
		return "the line holds a control character, which some readers drop", "write the line anew; it may have come with a paste"
	case tooLong:
		return "the line is longer than 64 KiB", "give the app so long a value as a mounted file"
	case noSeparator:
		return "the line has no =", `write {name}=value, or # in front of a comment; a value of several lines goes on one line in double quotes, with \n for each line break`
	case noName:
		return "no name stands before the =", "write {name}=value"
	case badName:
		return "what stands before the = is no name of a variable", "use letters, digits and _ only, with no digit at the beginning and no blank inside"
	case exportSpacing:
		return "export is not followed by exactly one blank and a name", "write export {name}=value, or leave export out"
	case duplicate:
		return "{name} stands here for the second time, and first on line {other}", "keep the one that is meant; readers differ on which one counts"
	case unclosed:
		return "{value} begins with a quote that is not closed on this line", "close the quote; a line break inside a value is written \\n, in double quotes"
	case openKey:
		return "{value} is the first line of a PEM block that does not end in this file", `write the whole block on one line in double quotes, with \n for each line break: {name}="…\n…"`
	case spread:
		return "{value} goes over several lines, to line {other}", `write it on one line in double quotes, with \n for each line break: {name}="…\n…"`
	case hash:
		return "{value} holds a # with no blank before it, at which it would be cut", asItIs + "; a comment goes on a line of its own"
	case quoteInside:
		return "{value} holds quotes, but does not begin with one: they would be lost", asItIs
	case behind:
		return "something stands behind the closing quote of {value}", "put the whole value in one pair of quotes; a comment goes on a line of its own"
	case escape:
		return `{value} holds a backslash in double quotes with something else than \, ", n or t behind it`, `write \\ for a backslash, or put the value in single quotes, in which a backslash is only itself`
	case tab:
		return "a tab stands in {value}, or between it and its comment", `write \t in double quotes where a tab is meant, and blanks before a comment`
	case continuation:
		return "{value} ends in a backslash, which some readers take for a sign that it goes on in the next line", "put it in single quotes if the backslash is meant: {name}='…'"
	case foreignSpace:
		return "the line begins, or its name or value begins or ends, with a white space other than blank and tab (a no-break space perhaps), which some readers drop", "take it out, or put the value in quotes if it is meant"
	case commentBehindForeign:
		return "{value} ends in a character that is not ASCII and has a comment behind it: its last byte would be lost", "put the comment on a line of its own"
	case none, misread:
	}
	return "{value} would be read as something else than it says", "put it in single quotes, and a comment on a line of its own"
}
