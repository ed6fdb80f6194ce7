package hook

import (
	"bytes"
	"strings"
)

// What is kept of a command's output: so many lines, and of those so many bytes. More is read and thrown away, so that
// a command which talks without end is not held up and takes no memory.
const (
	mostLines = 20
	mostBytes = 64 << 10
)

// ending keeps the last of what is written to it.
type ending struct {
	text []byte
	cut  bool // something before it was thrown away
}

func (e *ending) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) > mostBytes {
		p, e.text, e.cut = p[len(p)-mostBytes:], e.text[:0], true
	}
	if len(e.text)+len(p) > 2*mostBytes { // seldom, so that few bytes are moved
		e.text, e.cut = append(e.text[:0], e.text[len(e.text)-mostBytes:]...), true
	}
	e.text = append(e.text, p...)
	return n, nil
}

// String returns the last lines. A line whose beginning was thrown away is left out: it may begin in the middle of a secret,
// where nobody would know it again.
func (e *ending) String() string {
	text, cut := e.text, e.cut
	if over := len(text) - mostBytes; over > 0 {
		text, cut = text[over:], true
	}
	if cut {
		_, rest, found := bytes.Cut(text, []byte("\n"))
		if text = rest; !found {
			return "(a line of more than 64 KiB)\n"
		}
	}
	end := bytes.TrimRight(text, "\n")
	for range mostLines {
		if end = end[:max(bytes.LastIndexByte(end, '\n'), 0)]; len(end) == 0 {
			return strings.ToValidUTF8(string(text), "\uFFFD")
		}
	}
	return strings.ToValidUTF8(string(text[len(end)+1:]), "\uFFFD")
}
