package api

import (
	"bufio"
	"bytes"
	"io"
)

// maxEvent bounds one line of an event stream and of the audit log; the longest holds a record of the journal.
const maxEvent = 1 << 20

// message is one server-sent event as it came.
type message struct {
	id, kind string
	data     []byte
}

// messages reads a server-sent event stream, as far as the HTML standard's format is used here: comments and retry
// times are skipped, a data field may have several lines.
type messages struct {
	lines *bufio.Scanner
	heard func() // called for every line, comments too
}

func newMessages(r io.Reader, heard func()) *messages {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	return &messages{lines: lines, heard: heard}
}

// next returns the next message that has data. The error is io.EOF at the end of the stream; a message that the end
// cuts off is dropped.
func (m *messages) next() (message, error) {
	var out message
	for m.lines.Scan() {
		m.heard()
		line := bytes.TrimSuffix(m.lines.Bytes(), []byte("\r"))
		if len(line) == 0 {
			if out.data != nil {
				return out, nil
			}
			out = message{}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			out.id = string(value)
		case "event":
			out.kind = string(value)
		case "data":
			if out.data != nil {
				out.data = append(out.data, '\n')
			}
			out.data = append(out.data, value...)
			if out.data == nil {
				out.data = []byte{}
			}
		}
	}
	if err := m.lines.Err(); err != nil {
		return message{}, err
	}
	return message{}, io.EOF
}
