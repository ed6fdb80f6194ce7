package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// What is read side by side gives the same report, and the same error, as what is read in order, whatever is wrong.
func TestSideBySide(t *testing.T) {
	const segments, each = 6, 3
	lines := func(s string) []string { return strings.SplitAfter(strings.TrimSuffix(s, "\n"), "\n") }
	join := func(l []string) string { return strings.TrimSuffix(strings.Join(l, ""), "\n") + "\n" }
	edits := map[string]func(s string) string{
		"emptied":             func(string) string { return "" },
		"last line cut off":   func(s string) string { return join(lines(s)[:each-1]) },
		"first line cut off":  func(s string) string { return join(lines(s)[1:]) },
		"line twice":          func(s string) string { return join(append(lines(s), lines(s)[each-1]+"\n")) },
		"lines swapped":       func(s string) string { l := lines(s); l[1], l[2] = l[2]+"\n", l[1]; return join(l) },
		"torn":                func(s string) string { return s[:len(s)-20] },
		"zeros at the end":    func(s string) string { return s[:len(s)-20] + strings.Repeat("\x00", 20) },
		"empty line":          func(s string) string { return s + "\n" },
		"line too long":       func(s string) string { return s + strings.Repeat("x", MaxLine+1) + "\n" },
		"newer":               func(s string) string { return s + `{"v":2}` + "\n" },
		"first line changed":  func(s string) string { return rewritten(s, 0, `"capakraken"`, `"capacraken"`) },
		"middle line changed": func(s string) string { return rewritten(s, 1, `"capakraken"`, `"capacraken"`) },
		"last line changed":   func(s string) string { return rewritten(s, 2, `"capakraken"`, `"capacraken"`) },
		"clock set back":      func(s string) string { return rewritten(s, 0, `T12:`, `T11:`) },
		"wrong number":        func(s string) string { return rewritten(s, 0, `"seq":`, `"seq":1`) },
		"rot":                 func(s string) string { return strings.Replace(s, "pull", "push", 1) },
	}
	dir := written(t, segments*each, 900)
	files := segmentFiles(t, dir)
	if len(files) != segments {
		t.Fatalf("%d segments", len(files))
	}
	for i, path := range files {
		whole := read(t, path)
		for name, edit := range edits {
			overwrite(t, path, edit(whole))
			bothWays(t, dir, fmt.Sprintf("segment %d: %s", i, name))
		}
		for at := 0; at < len(whole); at += 37 {
			overwrite(t, path, whole[:at]+"?"+whole[at+1:])
			bothWays(t, dir, fmt.Sprintf("segment %d: byte %d", i, at))
		}
		overwrite(t, path, whole)
		if err := os.Rename(path, filepath.Join(dir, "aside")); err != nil {
			t.Fatal(err)
		}
		bothWays(t, dir, fmt.Sprintf("segment %d is missing", i))
		if err := os.Symlink(filepath.Join(dir, "aside"), path); err != nil {
			t.Fatal(err)
		}
		bothWays(t, dir, fmt.Sprintf("segment %d is a link", i))
		if err := os.Rename(filepath.Join(dir, "aside"), path); err != nil {
			t.Fatal(err)
		}
	}
	if bothWays(t, dir, "whole") {
		t.Error("a whole journal does not verify")
	}
}

// A journal whose segments are sound each, and do not fit: only the joint tells.
func TestSideBySideJoints(t *testing.T) {
	dir := written(t, 12, 900)
	later := newDir(t)
	j := open(t, Options{Dir: later, SegmentBytes: 900, Now: func() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }})
	fill(t, j, 12)
	for i, path := range segmentFiles(t, dir) {
		whole := read(t, path)
		overwrite(t, path, read(t, segmentFiles(t, later)[i]))
		if !bothWays(t, dir, fmt.Sprintf("segment %d of another journal", i)) && i > 0 {
			t.Errorf("segment %d of another journal verifies", i)
		}
		overwrite(t, path, whole)
	}
}

// A number that is left out shows, even where the chain of hashes holds.
func TestSideBySideGap(t *testing.T) {
	dir := written(t, 9, 900)
	files := segmentFiles(t, dir)
	lines := strings.Split(strings.TrimSuffix(read(t, files[1]), "\n"), "\n")
	for i, line := range lines {
		v, err := parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		r := v.record()
		if r.Seq++; i > 0 {
			r.Prev = string(hash([]byte(lines[i-1])))
		}
		b, err := r.Line()
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = strings.TrimSuffix(string(b), "\n")
	}
	overwrite(t, files[1], strings.Join(lines, "\n")+"\n")
	if err := os.Rename(files[1], filepath.Join(dir, segmentName(5))); err != nil {
		t.Fatal(err)
	}
	if !bothWays(t, dir, "a gap") {
		t.Error("it verifies")
	}
}

// bothWays verifies dir in order and side by side, and tells whether something is wrong.
func bothWays(t *testing.T, dir, name string) bool {
	t.Helper()
	want, wantErr := verify(disk{}, dir, 1)
	got, err := verify(disk{}, dir, 3)
	if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Errorf("%s: side by side %+v, %v\nin order %+v, %v", name, got, err, want, wantErr)
	}
	return wantErr != nil || want.Tear != nil
}

// rewritten changes a line of a segment and gives it, and those behind it in the segment, the right checksums and prevs.
func rewritten(segment string, n int, old, with string) string {
	lines := strings.Split(strings.TrimSuffix(segment, "\n"), "\n")
	lines[n] = strings.Replace(lines[n], old, with, 1)
	for i := n; i < len(lines); i++ {
		if i > n {
			at := strings.Index(lines[i], `"prev":"`) + len(`"prev":"`)
			lines[i] = lines[i][:at] + string(hash([]byte(lines[i-1]))) + lines[i][at+len(zeroHash):]
		}
		lines[i] = resealed(lines[i])
	}
	return strings.Join(lines, "\n") + "\n"
}
