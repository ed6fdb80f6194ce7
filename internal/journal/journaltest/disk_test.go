package journaltest

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/internal/journal"
)

const path = "/d/file"

// made makes a file of so many bytes, durably.
func made(t *testing.T, d *Disk, b byte, n int) journal.File {
	t.Helper()
	f, err := d.Open(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	must(t, put(f, b, 0, n))
	must(t, f.Sync())
	must(t, d.SyncDir("/d"))
	return f
}

func put(f journal.File, b byte, at, n int) error {
	_, err := f.WriteAt(bytes.Repeat([]byte{b}, n), int64(at))
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// outcomes returns what a story leaves behind with many seeds: each content that is found, or "gone".
func outcomes(t *testing.T, story func(t *testing.T, d *Disk) *Disk) map[string]int {
	t.Helper()
	found := map[string]int{}
	for seed := range uint64(300) {
		d := New(seed)
		must(t, d.MakeDir("/d"))
		after := story(t, d)
		content := after.Content(path)
		if content == nil {
			found["gone"]++
			continue
		}
		found[short(content)]++
	}
	return found
}

// short writes aaabb as a3 b2, in halves of sectors.
func short(b []byte) string {
	var out []string
	for len(b) > 0 {
		n := 1
		for n < len(b) && b[n] == b[0] {
			n++
		}
		c := string(b[0])
		if b[0] == 0 {
			c = "0"
		}
		for range n / (sector / 2) {
			out = append(out, c)
		}
		if n%(sector/2) != 0 {
			out = append(out, c+"~")
		}
		b = b[n:]
	}
	return strings.Join(out, "")
}

// A power cut may lose everything that it may lose, and does so with some seeds; and nothing that was synced.
func TestPowerCut(t *testing.T) {
	for name, c := range map[string]struct {
		story  func(t *testing.T, d *Disk) *Disk
		find   []string // that some seed leaves
		always string   // that each seed's outcome begins with
	}{
		"synced": {func(t *testing.T, d *Disk) *Disk {
			made(t, d, 'a', sector)
			return d.PowerCut()
		}, []string{"aa"}, "aa"},
		"bytes not synced: dropped, torn, reordered, zeros": {func(t *testing.T, d *Disk) *Disk {
			must(t, put(made(t, d, 'a', sector/2), 'b', sector/2, 5*sector/2))
			return d.PowerCut()
		}, []string{"a", "abbbbb", "abbb00", "ab00bb", "a0bbbb", "a000bb", "a00000", "ab~", "abbb~"}, "a"},
		"a sector that is written twice: any version of it": {func(t *testing.T, d *Disk) *Disk {
			f := made(t, d, 'a', sector)
			must(t, put(f, 'b', 0, sector))
			must(t, put(f, 'c', 0, sector))
			return d.PowerCut()
		}, []string{"aa", "bb", "cc"}, ""},
		"a truncate not synced": {func(t *testing.T, d *Disk) *Disk {
			must(t, made(t, d, 'a', sector).Truncate(sector/2))
			return d.PowerCut()
		}, []string{"aa", "a", "a0"}, "a"},
		"a name not synced": {func(t *testing.T, d *Disk) *Disk {
			f, err := d.Open(path, os.O_RDWR|os.O_CREATE)
			must(t, err)
			must(t, put(f, 'a', 0, sector))
			must(t, f.Sync())
			must(t, f.Close())
			return d.PowerCut()
		}, []string{"gone", "aa"}, ""},
		"a rename not synced": {func(t *testing.T, d *Disk) *Disk {
			made(t, d, 'a', sector)
			d.Put("/d/new", bytes.Repeat([]byte{'b'}, sector))
			must(t, d.Rename("/d/new", path))
			after := d.PowerCut()
			if names, _ := after.Names("/d"); len(names) == 2 != (short(after.Content(path)) == "aa") {
				t.Errorf("half of a rename: %v, %s", names, short(after.Content(path)))
			}
			return after
		}, []string{"aa", "bb"}, ""},
		"a removal not synced": {func(t *testing.T, d *Disk) *Disk {
			made(t, d, 'a', sector)
			must(t, d.Remove(path))
			return d.PowerCut()
		}, []string{"aa", "gone"}, ""},
		"a file that was closed is not synced": {func(t *testing.T, d *Disk) *Disk {
			f := made(t, d, 'a', sector)
			must(t, put(f, 'b', 0, sector))
			must(t, f.Close())
			return d.PowerCut()
		}, []string{"aa", "bb"}, ""},
		"a sync that failed, and then another one": {func(t *testing.T, d *Disk) *Disk {
			f := made(t, d, 'a', sector)
			must(t, put(f, 'b', 0, sector))
			d.Fail(failing(Sync, syscall.EIO))
			if f.Sync() == nil {
				t.Error("no error")
			}
			d.Fail(nil)
			must(t, f.Sync()) // the kernel takes it for written
			return d.PowerCut()
		}, []string{"aa", "bb"}, ""},
		"a sync that failed, and the bytes written again": {func(t *testing.T, d *Disk) *Disk {
			f := made(t, d, 'a', sector)
			must(t, put(f, 'b', 0, sector))
			d.Fail(failing(Sync, syscall.EIO))
			_ = f.Sync()
			d.Fail(nil)
			must(t, put(f, 'b', 0, sector))
			must(t, f.Sync())
			return d.PowerCut()
		}, []string{"bb"}, "bb"},
		"a sync that nobody heard of": {func(t *testing.T, d *Disk) *Disk {
			f := made(t, d, 'a', sector)
			must(t, put(f, 'b', 0, sector))
			d.Fail(failing(Sync, After(syscall.EIO)))
			if !errors.Is(f.Sync(), syscall.EIO) {
				t.Error("no error")
			}
			return d.PowerCut()
		}, []string{"bb"}, "bb"},
		"killed, not cut off": {func(t *testing.T, d *Disk) *Disk {
			f := made(t, d, 'a', sector)
			must(t, put(f, 'b', 0, sector))
			after := d.Kill()
			if put(f, 'c', 0, sector) == nil || f.Sync() == nil {
				t.Error("a dead file can be written")
			}
			if _, err := d.Names("/d"); err == nil {
				t.Error("a dead disk can be read")
			}
			return after
		}, []string{"bb"}, "bb"},
		"killed, and then cut off": {func(t *testing.T, d *Disk) *Disk {
			must(t, put(made(t, d, 'a', sector), 'b', 0, sector))
			return d.Kill().PowerCut()
		}, []string{"aa", "bb"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := outcomes(t, c.story)
			for _, want := range c.find {
				if found[want] == 0 {
					t.Errorf("no seed leaves %s: %v", want, found)
				}
			}
			for got := range found {
				if !strings.HasPrefix(got, c.always) || c.always == "" && !slices.Contains(c.find, got) {
					t.Errorf("a seed leaves %s", got)
				}
			}
		})
	}
}

func failing(verb Verb, err error) func(Op) error {
	return func(op Op) error {
		if op.Verb == verb {
			return err
		}
		return nil
	}
}

// What a failed sync has lost, the kernel shows until it reads it again; then it is gone there too.
func TestLostBytesAreShownForAWhile(t *testing.T) {
	shown := map[string]bool{}
	for seed := range uint64(50) {
		d := New(seed)
		must(t, d.MakeDir("/d"))
		f := made(t, d, 'a', sector)
		must(t, put(f, 'b', 0, sector))
		d.Fail(failing(Sync, syscall.EIO))
		_ = f.Sync()
		d.Fail(nil)
		b := make([]byte, sector)
		for range 20 {
			_, err := f.ReadAt(b, 0)
			must(t, err)
			shown[string(b[:1])] = true
		}
		if after := d.PowerCut().Content(path); string(after) != string(b) {
			t.Fatalf("after many reads it shows %s, and after a power cut %s", short(b), short(after))
		}
	}
	if len(shown) != 2 {
		t.Errorf("it shows only %v", shown)
	}
}

// A disk has so much room, and what is set aside is taken from it.
func TestLimit(t *testing.T) {
	d := New(1)
	must(t, d.MakeDir("/d"))
	f := made(t, d, 'a', sector)
	must(t, f.Reserve(4*sector))
	d.Limit(sector)
	if free, err := d.Free("/d"); err != nil || free != sector {
		t.Errorf("%d, %v", free, err)
	}
	must(t, put(f, 'b', 0, 4*sector))
	n, err := f.WriteAt(make([]byte, 3*sector), 4*sector)
	if n != sector || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d bytes fit, %v", n, err)
	}
	must(t, f.Truncate(sector))
	must(t, put(f, 'c', sector, 4*sector))
	d.Limit(0)
	if err := f.Reserve(20 * sector); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Reserve: %v", err)
	}
	d.Limit(-1)
	must(t, f.Reserve(20*sector))
}

// Every change changes the stamp, and nothing else does, but for rot, which leaves no trace.
func TestStamps(t *testing.T) {
	d := New(1)
	must(t, d.MakeDir("/d"))
	f := made(t, d, 'a', sector)
	last, _, err := d.Stamp(path)
	must(t, err)
	for name, c := range map[string]struct {
		do      func() error
		changes bool
	}{
		"read":     {func() error { _, err := f.ReadAt(make([]byte, 1), 0); return err }, false},
		"sync":     {f.Sync, false},
		"rot":      {func() error { d.Rot(path, func(b []byte) []byte { b[0]++; return b }); return nil }, false},
		"write":    {func() error { return put(f, 'b', 0, 1) }, true},
		"truncate": {func() error { return f.Truncate(sector) }, true},
		"rename":   {func() error { return errors.Join(d.Rename(path, "/d/x"), d.Rename("/d/x", path)) }, true},
		"replace":  {func() error { d.Put("/d/x", nil); return d.Rename("/d/x", path) }, true},
	} {
		must(t, c.do())
		now, _, err := d.Stamp(path)
		must(t, err)
		if (now != last) != c.changes {
			t.Errorf("%s: %+v, and then %+v", name, last, now)
		}
		last = now
		if name == "replace" {
			f = made(t, d, 'a', sector)
			last, _, _ = d.Stamp(path)
		}
	}
}

// The same seed and the same operations give the same again.
func TestSeeds(t *testing.T) {
	story := func(seed uint64) string {
		d := New(seed)
		must(t, d.MakeDir("/d"))
		must(t, put(made(t, d, 'a', sector), 'b', 100, 5000))
		return string(d.PowerCut().Content(path))
	}
	differ := false
	for seed := range uint64(10) {
		if once, again := story(seed), story(seed); once != again {
			t.Errorf("seed %d gives now this, now that", seed)
		}
		differ = differ || story(seed) != story(0)
	}
	if !differ {
		t.Error("all seeds give the same")
	}
}

func TestConcurrentUse(t *testing.T) {
	d := New(1)
	must(t, d.MakeDir("/d"))
	f := made(t, d, 'a', sector)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				_ = put(f, byte(i), i*100, 200)
				_, _ = f.ReadAt(make([]byte, 300), 0)
				_ = f.Sync()
				_, _ = d.Names("/d")
				_, _ = d.Free("/d")
				_, _, _ = d.Stamp(path)
				d.Fail(func(op Op) error { _ = d.Changes(); return nil })
				_ = d.SyncDir("/d")
				_ = d.Content(path)
			}
		})
	}
	all.Wait()
	if d.PowerCut().Content(path) == nil || put(f, 0, 0, 1) == nil {
		t.Error("the power cut changed nothing")
	}
}
