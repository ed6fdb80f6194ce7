package envfile

import (
	"strings"
	"unicode/utf8"
)

// longest is the length in bytes from which a line is refused; other readers of env files have the same limit.
const longest = 64<<10 - 1

const (
	byteOrderMark = "\ufeff"
	utf16Little   = "\xff\xfe"
	utf16Big      = "\xfe\xff"
)

// readText returns the lines of an env file, each without its end (LF or CR LF), and the fault of the file as a whole.
func readText(content string) ([]string, kind) {
	if strings.HasPrefix(content, utf16Little) || strings.HasPrefix(content, utf16Big) {
		return nil, utf16
	}
	content, marked := strings.CutPrefix(content, byteOrderMark)
	var lines []string
	for line := range strings.Lines(content) {
		line, ended := strings.CutSuffix(line, "\n")
		if ended {
			line = strings.TrimSuffix(line, "\r")
		}
		lines = append(lines, line)
	}
	if marked {
		return lines, mark
	}
	return lines, none
}

// checkText returns what makes a line no plain text.
func checkText(line string) kind {
	if len(line) > longest {
		return tooLong
	}
	if !utf8.ValidString(line) {
		return notUTF8
	}
	for _, r := range line {
		switch {
		case r == 0:
			return nul
		case r == '\r':
			return loneCR
		case r < ' ' && r != '\t', r >= 0x7f && r <= 0x9f:
			return control
		}
	}
	return none
}
