package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

const canary = "c4n4ry-0f9e8d7c6b5a"

// holder has a Value where fmt and dumpers reach only by reflection.
type holder struct {
	hidden Value
	list   []Value
	keyed  map[string]Value
}

func TestAValueCannotBePrinted(t *testing.T) {
	v := NewValue(canary)
	inside := holder{v, []Value{v}, map[string]Value{"k": v}}
	for _, x := range []any{v, &v, inside, &inside, []any{v}, fmt.Errorf("failed: %w", fmt.Errorf("%v", v))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T", "%10.3s", "%!"} {
			hides(t, verb, fmt.Sprintf(verb, x))
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "value", v, "holder", inside)
	hides(t, "slog text", log.String())
	log.Reset()
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "value", v, "holder", inside)
	hides(t, "slog JSON", log.String())
	hides(t, "a dumper that reads unexported fields", cmp.Diff(inside, holder{}, cmp.Exporter(func(reflect.Type) bool { return true }), cmp.Comparer(func(a, b Value) bool { return a.Equal(b) })))
}

func TestAValueCannotBeEncoded(t *testing.T) {
	v := NewValue(canary)
	type outer struct {
		V Value
		P *Value
		M map[string]Value
	}
	o := outer{v, &v, map[string]Value{"k": v}}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	hides(t, "JSON", string(text))
	if got := strings.Count(string(text), redacted); got != 3 {
		t.Errorf("JSON shows %d redacted values, want 3: %s", got, text)
	}
	if text, err = yaml.Marshal(o); err == nil {
		hides(t, "YAML", string(text))
	}
	var buffer bytes.Buffer
	if err := gob.NewEncoder(&buffer).Encode(v); err == nil {
		hides(t, "gob", buffer.String())
	}
}

func TestValue(t *testing.T) {
	a, b, empty := NewValue("abc"), NewValue("abd"), NewValue("")
	switch {
	case a.Reveal() != "abc" || a.Len() != 3 || a.IsEmpty():
		t.Error("a value is not what it was made of")
	case !empty.IsEmpty() || empty.Reveal() != "" || !empty.Equal(Value{}):
		t.Error("the empty value is not empty")
	case !a.Equal(NewValue("abc")) || a.Equal(b) || a.Equal(empty):
		t.Error("values compare wrongly")
	}
}

func hides(t *testing.T, how, text string) {
	t.Helper()
	for _, piece := range []string{canary, canary[:8], canary[8:], fmt.Sprintf("%x", canary), fmt.Sprintf("%v", []byte(canary)[:6])} {
		if strings.Contains(text, strings.Trim(piece, "[]")) {
			t.Errorf("%s shows the value: %s", how, text)
		}
	}
}
