package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

// resealed gives a changed line, without its line feed, the checksum that belongs to it: rot is then ruled out.
func resealed(line string) string {
	covered := line[:strings.LastIndex(line, `,"crc":"`)]
	sum := checksum([]byte(covered))
	return covered + `,"crc":"` + string(sum[:]) + `"}`
}

// rechained returns lines numbered anew, each with the right prev, from the first on, as a forger would do it.
func rechained(t *testing.T, lines []string) []string {
	t.Helper()
	out := slices.Clone(lines)
	hash := zeroHash
	for i, line := range lines {
		v, err := parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		r := v.record()
		r.Seq, r.Prev = uint64(i+1), hash
		b, err := r.Line()
		if err != nil {
			t.Fatal(err)
		}
		out[i] = strings.TrimSuffix(string(b), "\n")
		c := newChain()
		c.extend(r.Seq, v.time, []byte(out[i]))
		hash = string(c.hash)
	}
	return out
}

// replace changes line number n (from 1) and seals it.
func replace(n int, old, with string) func(*testing.T, []string) []string {
	return func(t *testing.T, lines []string) []string {
		t.Helper()
		if !strings.Contains(lines[n-1], old) {
			t.Fatalf("line %d holds no %s: %s", n, old, lines[n-1])
		}
		lines[n-1] = resealed(strings.Replace(lines[n-1], old, with, 1))
		return lines
	}
}

// Six records in one segment; a change to record 3 that is sealed shows at record 4, whose prev it breaks, and a
// change to record 6 only where it is no longer canonical.
func TestTampering(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *testing.T, lines []string) []string
		seq    uint64
		reason string
	}{
		{"delete the first", func(_ *testing.T, l []string) []string { return l[1:] }, 1, "it is record 2, where 1 was expected"},
		{"delete a middle one", func(_ *testing.T, l []string) []string { return slices.Delete(l, 2, 3) }, 3, "it is record 4"},
		{"swap two", func(_ *testing.T, l []string) []string { l[2], l[3] = l[3], l[2]; return l }, 3, "it is record 4"},
		{"duplicate one", func(_ *testing.T, l []string) []string { return slices.Insert(l, 3, l[2]) }, 4, "it is record 3"},
		{
			"insert one and chain anew up to it",
			func(t *testing.T, l []string) []string {
				l = slices.Insert(l, 3, l[2])
				return append(rechained(t, l[:4]), l[4:]...)
			},
			5, "it is record 4",
		},
		{
			"replace one and chain anew up to it",
			func(t *testing.T, l []string) []string {
				l[2] = resealed(strings.Replace(l[2], "pull", "push", 1))
				return append(rechained(t, l[:3]), l[3:]...)
			},
			4, "its prev is not the hash",
		},
		{"version", replace(3, `"v":1`, `"v":01`), 3, "canonical"},
		{"sequence number", replace(3, `"seq":3`, `"seq":4`), 3, "it is record 4"},
		{"time", replace(3, `00.003`, `00.0031`), 3, "canonical"},
		{"time, well formed", replace(3, `00.003`, `00.103`), 4, "its prev is not the hash"},
		{"time, not in the calendar", replace(3, `-03-30T`, `-02-30T`), 3, "canonical"},
		{"clock set back", replace(6, `T12:`, `T11:`), 6, "its time is before"},
		{"actor", replace(3, `"user":"fairlead"`, `"user":"nobody"`), 4, "its prev is not the hash"},
		{"type", replace(3, `step.done`, `step.fine`), 4, "its prev is not the hash"},
		{"app", replace(3, `"app":"capakraken"`, `"app":"capacraken"`), 4, "its prev is not the hash"},
		{"rollout added", replace(3, `,"step"`, `,"rollout":"r","step"`), 4, "its prev is not the hash"},
		{"step", replace(3, `"pull"`, `"clear"`), 4, "its prev is not the hash"},
		{"data", replace(3, `"bytes":2`, `"bytes":3`), 4, "its prev is not the hash"},
		{"prev", replace(3, `"prev":"`, `"prev":"f`), 3, "canonical"},
		{"prev of the first", replace(1, `"prev":"00`, `"prev":"01`), 1, "its prev is not the hash"},
		{"no seal", func(_ *testing.T, l []string) []string {
			l[2] = strings.Replace(l[2], "pull", "push", 1)
			return l
		}, 3, "checksum"},
		{"white space", replace(6, `"data":{`, `"data": {`), 6, "canonical"},
		{"space at the end", func(_ *testing.T, l []string) []string { l[5] += " "; return l }, 6, "canonical"},
		{"CRLF", func(_ *testing.T, l []string) []string { return strings.Split(strings.Join(l, "\r\n"), "\n") }, 1, "canonical"},
		{"order of keys", replace(6, `{"bytes":5,"cached":true}`, `{"cached":true,"bytes":5}`), 6, "canonical"},
		{"key twice", replace(6, `{"bytes":5,`, `{"bytes":5,"bytes":5,`), 6, "canonical"},
		{"field twice", replace(6, `,"step":"pull"`, `,"step":"pull","step":"pull"`), 6, "canonical"},
		{"unknown field", replace(6, `,"prev"`, `,"q":1,"prev"`), 6, "canonical"},
		{"empty field", replace(6, `,"step":"pull"`, `,"step":""`), 6, "canonical"},
		{"needless escape", replace(6, `"pull"`, `"p\u0075ll"`), 6, "canonical"},
		{"invalid UTF-8", replace(6, `pull`, "pu\xffll"), 6, "UTF-8"},
		{"empty line", func(_ *testing.T, l []string) []string { return slices.Insert(l, 3, "") }, 4, "canonical"},
		{"line too long", func(_ *testing.T, l []string) []string { l[3] = strings.Repeat(" ", MaxLine); return l }, 4, "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := written(t, 6, 0)
			path := segmentFiles(t, dir)[0]
			lines := c.change(t, strings.Split(strings.TrimSuffix(read(t, path), "\n"), "\n"))
			broken := strings.Join(lines, "\n") + "\n"
			overwrite(t, path, broken)

			report, err := Verify(dir)
			wantKind(t, err, fault.Difference)
			d := report.Damage
			if d == nil || d.Seq != c.seq || d.File != path || d.Line != int(c.seq) || !strings.Contains(d.Reason, c.reason) {
				t.Fatalf("damage %+v, want record %d: %s", d, c.seq, c.reason)
			}
			if report.Tear != nil || report.Records != c.seq-1 {
				t.Errorf("report %+v", report)
			}
			if where := fmt.Sprintf("%s:%d: record %d: ", path, d.Line, c.seq); !strings.Contains(err.Error(), where) {
				t.Errorf("the error does not say where: %v", err)
			}
			_, err = Open(Options{Dir: dir})
			wantKind(t, err, fault.Difference)
			if read(t, path) != broken {
				t.Error("Open changed the file")
			}
		})
	}
}

func TestTamperingWithSegments(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(dir string, files []string) error
		seq    uint64
		reason string
	}{
		{"delete the first", func(_ string, f []string) error { return os.Remove(f[0]) }, 1, "begins with record 2"},
		{"delete a middle one", func(_ string, f []string) error { return os.Remove(f[2]) }, 3, "begins with record 4"},
		{"empty a middle one", func(_ string, f []string) error { return os.Truncate(f[2], 0) }, 3, "begins with record 4"},
		{"swap two", func(dir string, f []string) error {
			spare := filepath.Join(dir, "spare")
			return firstError(os.Rename(f[1], spare), os.Rename(f[2], f[1]), os.Rename(spare, f[2]))
		}, 2, "it is record 3"},
		{"symbolic link", func(dir string, f []string) error {
			spare := filepath.Join(dir, "spare")
			return firstError(os.Rename(f[2], spare), os.Symlink(spare, f[2]))
		}, 3, "not a regular file"},
		{"pipe", func(_ string, f []string) error { return firstError(os.Remove(f[2]), syscall.Mkfifo(f[2], 0o600)) }, 3, "not a regular file"},
		{"directory", func(_ string, f []string) error { return firstError(os.Remove(f[2]), os.Mkdir(f[2], 0o700)) }, 3, "not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := written(t, 4, 1)
			if err := c.change(dir, segmentFiles(t, dir)); err != nil {
				t.Fatal(err)
			}
			report, err := Verify(dir)
			wantKind(t, err, fault.Difference)
			if d := report.Damage; d == nil || d.Seq != c.seq || !strings.Contains(d.Reason, c.reason) {
				t.Errorf("damage %+v, want record %d: %s", report.Damage, c.seq, c.reason)
			}
			_, err = Open(Options{Dir: dir})
			wantKind(t, err, fault.Difference)
		})
	}
}

func firstError(errs ...error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}

func TestForeignNames(t *testing.T) {
	dir := written(t, 1, 0)
	overwrite(t, filepath.Join(dir, "lock"), "")
	if _, err := Verify(dir); err != nil {
		t.Errorf("a file that is not ours to judge: %v", err)
	}
	for _, name := range []string{"1.jsonl", "x.jsonl", ".jsonl", "00000000000000000000.jsonl", "99999999999999999999.jsonl", "+0000000000000000001.jsonl"} {
		path := filepath.Join(dir, name)
		overwrite(t, path, "")
		_, err := Verify(dir)
		wantKind(t, err, fault.Difference)
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// What no verification on the spot can notice shows against a head that was noted elsewhere.
func TestOnlyTheHeadTells(t *testing.T) {
	dir := written(t, 6, 0)
	path := segmentFiles(t, dir)[0]
	noted, err := Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(read(t, path), "\n"), "\n")
	forged := slices.Clone(lines)
	forged[2] = resealed(strings.Replace(forged[2], "pull", "push", 1))
	for name, text := range map[string][]string{"cut off": lines[:4], "written anew": rechained(t, forged), "emptied": {}} {
		overwrite(t, path, strings.Join(append(text, ""), "\n"))
		report, err := Verify(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if report.Head == noted.Head {
			t.Errorf("%s: the head is the same", name)
		}
	}
}

func TestNewerVersion(t *testing.T) {
	dir := written(t, 3, 0)
	path := segmentFiles(t, dir)[0]
	whole := read(t, path)
	overwrite(t, path, whole+`{"v":2,"order":["anything"]}`+"\n")
	for name, err := range map[string]error{"Open": second(Open(Options{Dir: dir})), "Verify": second(Verify(dir))} {
		wantKind(t, err, fault.Refused)
		if !strings.Contains(err.Error(), path+":4: the record was written by a newer fairlead") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
