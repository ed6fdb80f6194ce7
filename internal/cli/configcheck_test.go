package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/cli"
)

// TestCheckOfBrokenFiles looks at the service definitions of every file that the configuration's own tests refuse: a
// file that is broken in one way is still looked at in every other, and nothing of it is quoted that could be a secret.
func TestCheckOfBrokenFiles(t *testing.T) {
	files, err := filepath.Glob("../config/testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files (%v)", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var out, errs strings.Builder
			code := cli.Run(t.Context(), []string{"config", "check", file}, cli.Options{In: strings.NewReader(""), Out: &out, Err: &errs, Version: "test"})
			if code != 3 || errs.Len() > 0 {
				t.Errorf("exit %d, and on standard error %q", code, &errs)
			}
			if strings.Contains(out.String(), "hunter2") {
				t.Error("a secret is quoted")
			}
		})
	}
}
