package world

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTheSameFilesMakeTheSameLayer(t *testing.T) {
	first, err := newLayer(rootfs([]byte("program"))...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := newLayer(rootfs([]byte("program"))...)
	if err != nil {
		t.Fatal(err)
	}
	other, err := newLayer(rootfs([]byte("another"))...)
	if err != nil {
		t.Fatal(err)
	}
	if first.Digest != again.Digest || first.diff != again.diff || first.diff == other.diff {
		t.Errorf("layers %s, %s and %s", first.diff, again.diff, other.diff)
	}
}

func TestImageConfigCarriesTheRunAndTheSpec(t *testing.T) {
	w := &World{Run: "test"}
	spec := ImageSpec{Tag: "t", Env: []string{"A=b"}, User: "nobody", Health: []string{"/refapp", "status"}}
	text, err := json.Marshal(w.imageConfig(spec, platform{"linux", "arm64"}, &layer{diff: "sha256:d"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"architecture":"arm64"`, `"os":"linux"`, `"A=b"`, `"User":"nobody"`, `"Cmd":["web"]`,
		`"fairlead.e2e":"test"`, `"diff_ids":["sha256:d"]`, `"Test":["CMD","/refapp","status"]`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func TestUnframe(t *testing.T) {
	framed := "\x01\x00\x00\x00\x00\x00\x00\x03out\x02\x00\x00\x00\x00\x00\x00\x03err"
	if text, err := unframe(strings.NewReader(framed)); err != nil || text != "outerr" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := unframe(strings.NewReader(framed[:len(framed)-1])); err == nil {
		t.Error("a cut-off output is taken for a whole one")
	}
}
