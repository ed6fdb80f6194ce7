package api

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestMessages(t *testing.T) {
	const text = "retry: 1000\n\n: hello\n\nid: 7\nevent: a\ndata: one\n\ndata:two\r\ndata:  three\r\n\r\n: beat\n\nevent: none\n\ndata\n\nfoo: bar\ndata: cut"
	heard := 0
	m := newMessages(strings.NewReader(text), func() { heard++ })
	for _, want := range []message{{"7", "a", []byte("one")}, {"", "", []byte("two\n three")}, {"", "", []byte{}}} {
		got, err := m.next()
		if err != nil || got.id != want.id || got.kind != want.kind || string(got.data) != string(want.data) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if got, err := m.next(); !errors.Is(err, io.EOF) {
		t.Errorf("a message that was cut off is taken: %q, %v", got, err)
	}
	if want := strings.Count(text, "\n") + 1; heard != want {
		t.Errorf("heard %d lines, want %d", heard, want)
	}
}

func FuzzMessages(f *testing.F) {
	for _, seed := range []string{"", "data: x\n\n", "id: 1\nevent: progress\ndata: {}\n\n", ": c\n\ndata\ndata:\n\n", "\r\n\r\n:\n", "data: \x00\xff\n\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m := newMessages(strings.NewReader(text), func() {})
		for n := 0; ; n++ {
			got, err := m.next()
			if err != nil {
				return
			}
			if got.data == nil || n > len(text) {
				t.Fatalf("message %d of %q: %q", n, text, got)
			}
		}
	})
}
