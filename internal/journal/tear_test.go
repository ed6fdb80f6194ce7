package journal

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

// torn checks that path, whose last record is cut off, is told from damage, and mended by the first append and by nothing else.
func torn(t *testing.T, dir, path, broken string, sound uint64) {
	t.Helper()
	overwrite(t, path, broken)
	report, err := Verify(dir)
	if err != nil || report.Tear == nil || report.Records != sound {
		t.Fatalf("Verify: %+v, %v; want %d records and a tear", report, err, sound)
	}
	if read(t, path) != broken {
		t.Fatal("Verify changed the file")
	}
	j := open(t, Options{Dir: dir})
	if tear := j.Repaired(); tear == nil || *tear != *report.Tear || tear.Seq != sound+1 || tear.File != path {
		t.Fatalf("Repaired: %+v, but Verify found %+v", tear, report.Tear)
	}
	if read(t, path) != broken {
		t.Fatal("Open changed the file")
	}
	fill(t, j, 1)
	if got := read(t, path); !strings.HasPrefix(got, broken[:report.Tear.Offset]+"{") || report.Tear.Offset+report.Tear.Bytes != int64(len(broken)) {
		t.Fatalf("the first append made %q of it, the tear was %+v", got, report.Tear)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if report, err := Verify(dir); err != nil || report.Tear != nil || report.Records != sound+1 {
		t.Fatalf("after the repair: %+v, %v", report, err)
	}
	if tear := open(t, Options{Dir: dir}).Repaired(); tear != nil {
		t.Fatalf("repaired twice: %+v", tear)
	}
}

func TestTearAtEveryByte(t *testing.T) {
	dir := written(t, 3, 0)
	path := segmentFiles(t, dir)[0]
	whole := read(t, path)
	start := strings.LastIndex(strings.TrimSuffix(whole, "\n"), "\n") + 1
	for cut := start + 1; cut < len(whole); cut++ {
		torn(t, dir, path, whole[:cut], 2)
	}
}

// Blocks that never reached the disk read as zeros, also where the end of the line did.
func TestTearWithZeros(t *testing.T) {
	dir := written(t, 3, 0)
	path := segmentFiles(t, dir)[0]
	whole := read(t, path)
	start := strings.LastIndex(strings.TrimSuffix(whole, "\n"), "\n") + 1
	for _, span := range [][2]int{{start, start + 1}, {start, start + 90}, {start + 50, start + 60}, {start + 80, len(whole)}, {start, len(whole)}} {
		zeros := strings.Repeat("\x00", span[1]-span[0])
		torn(t, dir, path, whole[:span[0]]+zeros+whole[span[1]:], 2)
	}
}

func TestTearInAFreshSegment(t *testing.T) {
	for _, left := range []string{"{", `{"v":1,"seq":`, "\x00\x00"} {
		dir := written(t, 4, 1) // one record in each segment
		files := segmentFiles(t, dir)
		torn(t, dir, files[len(files)-1], left, 3)
	}
	t.Run("the very first line", func(t *testing.T) {
		dir := written(t, 1, 0)
		torn(t, dir, segmentFiles(t, dir)[0], `{"v":1`, 0)
	})
}

// A segment that was made and never written to is no tear.
func TestEmptySegment(t *testing.T) {
	dir := written(t, 4, 1)
	overwrite(t, fmt.Sprintf("%s/%s", dir, segmentName(5)), "")
	if report, err := Verify(dir); err != nil || report.Tear != nil || report.Records != 4 || report.Segments != 5 {
		t.Fatalf("%+v, %v", report, err)
	}
	j := open(t, Options{Dir: dir})
	if j.Repaired() != nil {
		t.Errorf("repaired %+v", j.Repaired())
	}
	fill(t, j, 1)
	if got := collect(t, j, 5); len(got) != 1 || got[0].Seq != 5 {
		t.Errorf("%+v", got)
	}
}

// What a crash cannot leave behind is never cut off.
func TestNoTear(t *testing.T) {
	for name, change := range map[string]func(whole string) string{
		"rot in the last line":      func(s string) string { return strings.Replace(s, `"bytes":2`, `"bytes":3`, 1) },
		"rot in the last line feed": func(s string) string { return s[:len(s)-1] + "\x0b" },
		"an empty line at the end":  func(s string) string { return s + "\n" },
		"text behind the end":       func(s string) string { return s + "x\n" },
		"two cut lines":             func(s string) string { return s + "{\"v\n{\"v" },
		"zeros before a sound line": func(s string) string {
			cut := strings.Index(s, "\n")
			return s[:cut-10] + strings.Repeat("\x00", 10) + s[cut:]
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t, 3, 0)
			path := segmentFiles(t, dir)[0]
			broken := change(read(t, path))
			overwrite(t, path, broken)
			_, err := Open(Options{Dir: dir})
			wantKind(t, err, fault.Difference)
			if read(t, path) != broken {
				t.Error("Open changed the file")
			}
		})
	}
	t.Run("in a segment that is not the last", func(t *testing.T) {
		dir := written(t, 3, 1)
		path := segmentFiles(t, dir)[1]
		whole := read(t, path)
		if err := os.Truncate(path, int64(len(whole)-1)); err != nil {
			t.Fatal(err)
		}
		_, err := Open(Options{Dir: dir})
		wantKind(t, err, fault.Difference)
	})
}
