package envfile

import "strings"

// The first and the last line of a PEM block begin with these.
const (
	pemBegin = "-----BEGIN"
	pemEnd   = "-----END"
)

// value is what stands behind the separator, by the rules of this package.
type value struct {
	raw     string // as it was written, without the white space around it
	text    string // as it was meant
	comment bool   // a comment stands behind the value
	open    byte   // the quote that has no partner in this line, or 0
	fault   kind
}

// readValue reads a value in one of three forms: bare text, which ends before a comment; 'text', taken as it is;
// or "text", in which \\ \" \n \t stand for a character. A comment starts with a # behind a blank.
func readValue(raw string) value {
	var v value
	text := strings.Trim(raw, blanks)
	switch {
	case text == "":
	case text[0] == '#' && raw[0] != '#':
		v.comment = true
	case text[0] == '\'':
		v = readSingle(text[1:])
	case text[0] == '"':
		v = readDouble(text[1:])
	default:
		v = readBare(text)
	}
	v.raw = text
	return v
}

func readBare(text string) value {
	var v value
	v.text, _, v.comment = strings.Cut(text, " #")
	v.text = strings.TrimRight(v.text, " ")
	switch i := strings.IndexAny(v.text, "#\"'\t"); {
	case i >= 0 && v.text[i] == '#':
		v.fault = hash
	case i >= 0 && v.text[i] == '\t':
		v.fault = tab
	case i >= 0:
		v.fault = quoteInside
	case strings.HasPrefix(v.text, pemBegin) && !strings.Contains(v.text, pemEnd):
		v.fault = openKey
	case strings.HasSuffix(v.text, `\`):
		v.fault = continuation
	}
	return v
}

// readSingle reads what stands behind an opening single quote.
func readSingle(text string) value {
	inside, rest, closed := strings.Cut(text, "'")
	if !closed {
		return value{open: '\'', fault: unclosed}
	}
	v := behindQuote(rest)
	v.text = inside
	if strings.Contains(inside, "\t") {
		v.fault = tab
	}
	return v
}

// readDouble reads what stands behind an opening double quote.
func readDouble(text string) value {
	var (
		b     strings.Builder
		fault kind
	)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			v := behindQuote(text[i+1:])
			v.text = b.String()
			if fault != none {
				v.fault = fault
			}
			return v
		case '\\':
			if i++; i < len(text) {
				plain, ok := unescape(text[i])
				if !ok {
					fault = escape
				}
				b.WriteByte(plain)
			}
		case '\t':
			fault = tab
		default:
			b.WriteByte(c)
		}
	}
	return value{open: '"', fault: unclosed}
}

// unescape returns the character that \c stands for.
func unescape(c byte) (byte, bool) {
	switch c {
	case '\\', '"':
		return c, true
	case 'n':
		return '\n', true
	case 't':
		return '\t', true
	}
	return 0, false
}

// behindQuote judges what stands behind a closing quote: nothing, or a comment behind a blank.
func behindQuote(rest string) value {
	text := strings.TrimLeft(rest, blanks)
	gap := rest[:len(rest)-len(text)]
	switch {
	case text == "":
		return value{}
	case gap == "" || text[0] != '#':
		return value{fault: behind}
	case strings.Contains(gap, "\t"):
		return value{comment: true, fault: tab}
	}
	return value{comment: true}
}
