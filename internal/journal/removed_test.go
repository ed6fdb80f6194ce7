package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
)

// A journal that is deleted, or replaced by a copy of yesterday, while the daemon runs takes nothing more: what is written
// to a file without a name is lost with the daemon.
func TestRemovedWhileOpen(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"deleted": os.RemoveAll,
		"moved":   func(dir string) error { return os.Rename(dir, dir+".old") },
		"replaced": func(dir string) error {
			if err := os.Rename(dir, dir+".old"); err != nil {
				return err
			}
			return os.CopyFS(dir, os.DirFS(dir+".old"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "journal")
			j, err := journal.Open(journal.Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			if _, err := j.Append(journal.Record{Actor: journal.Actor{User: "anna"}, Type: "t"}); err != nil {
				t.Fatal(err)
			}
			if err := change(dir); err != nil {
				t.Fatal(err)
			}
			if err := j.Reserve(1 << 10); fault.KindOf(err) != fault.Difference {
				t.Errorf("Reserve says %v", err)
			}
			if _, err := j.Append(journal.Record{Actor: journal.Actor{User: "anna"}, Type: "t"}); fault.KindOf(err) != fault.Difference {
				t.Errorf("Append says %v", err)
			}
			if _, err := j.Recover(); fault.KindOf(err) != fault.Difference {
				t.Errorf("Recover says %v", err)
			}
		})
	}
}
