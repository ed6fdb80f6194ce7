package compose

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"golang.org/x/sys/unix"
)

// TestEveryKeyOfTheSpecification makes sure that a key which a later compose-go brings is decided upon.
func TestEveryKeyOfTheSpecification(t *testing.T) {
	decided := map[string]bool{"extends": true}
	for key := range composeShape().keys {
		decided[key] = true
	}
	for _, tr := range treatments() {
		if decided[tr.key] {
			t.Errorf("%s is in two classes", tr.key)
		}
		decided[tr.key] = true
	}
	var look func(of reflect.Type)
	look = func(of reflect.Type) {
		for i := range of.NumField() {
			f := of.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			switch {
			case f.Anonymous:
				look(f.Type)
			case name != "" && name != "-" && name != "name" && !strings.HasPrefix(name, "#") && !decided[name]:
				t.Errorf("nothing is decided of %s", name)
			}
		}
	}
	look(reflect.TypeFor[types.ServiceConfig]())
}

// captured returns what do writes to the process's standard output and standard error.
func captured(t *testing.T, do func()) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for _, fd := range []int{1, 2} {
		saved, err := unix.Dup(fd)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Dup2(int(out.Fd()), fd); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = unix.Dup2(saved, fd)
			_ = unix.Close(saved)
		}()
	}
	do()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
