package envfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadValue(t *testing.T) {
	const canary = "postgres://u:c4n4ryc4n4ry@db/x"
	for name, c := range map[string]struct {
		content, want string
		mode          os.FileMode
		refused       string
	}{
		"alone":           {canary, canary, 0o600, ""},
		"with line end":   {canary + "\n", canary, 0o640, ""},
		"two lines":       {canary + "\nB=c\n", "", 0o600, "more than one line"},
		"readable by all": {canary, "", 0o644, "install"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dsn")
			if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
				t.Fatal(err)
			}
			v, err := ReadValue(path, Policy{UID: os.Getuid(), GID: os.Getgid()})
			if got := v.Reveal(); got != c.want {
				t.Errorf("got a value of %d bytes, want %d", len(got), len(c.want))
			}
			if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
				t.Errorf("error %v, want one with %q", err, c.refused)
			}
			if err != nil && strings.Contains(err.Error(), "c4n4ry") {
				t.Errorf("the error quotes the value")
			}
		})
	}
}
