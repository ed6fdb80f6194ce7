package orchestrator_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
	"github.com/capakraken/fairlead/internal/steps/stepstest"
)

// outage is how long the disk fails in these tests.
const outage = 5 * time.Second

// standing are the scenes in which the disk fails.
var standing = []string{"deploy", "deploy whose second exits", "deploy whose first retire fails", "deploy halted by hold", "rotate", "cleanup", "deploy of what runs"}

// failures are the ways in which each kind of change fails that the journal asks the disk for.
var failures = map[journaltest.Verb]map[string]error{
	journaltest.Write: {
		"no space, and half of it is written": journaltest.Half(syscall.ENOSPC),
		"an I/O error":                        syscall.EIO,
		"a read-only file system":             syscall.EROFS,
		"an error, and it is written":         journaltest.After(syscall.EIO),
	},
	journaltest.Sync: {
		"a sync that fails":                syscall.EIO,
		"a sync without space":             syscall.ENOSPC,
		"a sync that fails when all is on": journaltest.After(syscall.EIO),
	},
	journaltest.Create:  changing("a file cannot be made"),
	journaltest.SyncDir: changing("a directory cannot be synced"),
	journaltest.Reserve: changing("no room can be set aside"),
}

// changing returns the ways in which a change fails that is done or not.
func changing(what string) map[string]error {
	return map[string]error{
		what:                                syscall.EIO,
		what + ": no space":                 syscall.ENOSPC,
		what + ": a read-only file system":  syscall.EROFS,
		what + ", it says, and it was done": journaltest.After(syscall.EIO),
	}
}

// TestDiskFailsAtEveryWrite has the journal's disk fail at everything that a rollout asks of it, in one way after the other
// (in the long tests in every way), and work again a while later. Nothing is done meanwhile, everybody can look, and is
// told why; and then the same daemon goes on by itself, to the same end.
func TestDiskFailsAtEveryWrite(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		c.full = 1 // with the rollout begins another segment
		base := undisturbed(t, c, app)
		for verb := range failures {
			if !slices.Contains(base.ops[base.opened:base.closed], verb) {
				t.Errorf("no %s is asked for", verb)
			}
		}
		for k := base.opened; k < base.closed; k++ {
			names := slices.Sorted(maps.Keys(failures[base.ops[k]]))
			for _, name := range failing(names, k+len(c.name)+len(app.Services)) {
				base.failAt(t, n, k+1, name, failures[base.ops[k]][name])
			}
		}
	}, standing...)
}

// failAt plays the scene on a disk that fails from its k-th change on.
func (c course) failAt(t *testing.T, n *tally, k int, name string, failure error) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := c.stage(t, c.app)
		b := s.begin(nil)
		where := fmt.Sprintf("change %d: %s", k, name)
		var since time.Time
		s.fails = func(op journaltest.Op) error {
			switch {
			case !op.Verb.Changes():
			case op.Number == k:
				since = time.Now()
				go b.standsStill(where)
				return failure
			case !since.IsZero() && time.Since(since) < outage:
				return syscall.EIO
			}
			return nil
		}
		if err := b.open(); err != nil {
			t.Fatal(err)
		}
		if err := b.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Trigger(t.Context(), berta, s.request); err != nil {
			isKind(t, err, fault.Unavailable)
			<-time.After(20 * time.Second) // the record may have reached the disk all the same
		}
		b.await()
		s.state = b.Rollouts("", 10)
		s.known, _ = b.App(t.Context(), stepstest.AppName)
		if why := b.Refusing(); why != "" {
			t.Errorf("%s: it still refuses: %s", where, why)
		}
		b.stop()
		if err := b.log.Close(); err != nil {
			t.Error(err)
		}
		s.disk.Fail(nil)
		n.lives.Add(1)
		want, got := c.whole, s.judge()
		if s.id() == "" {
			want = verdict{Host: got.Host, Row: got.Row, Residue: got.Residue}
			if len(s.host.Moves()) > 0 {
				t.Errorf("%s: no rollout is known, and something was done", where)
			}
		}
		if times := len(slices.DeleteFunc(s.records(), func(e entry) bool { return e.Type != "journal.recovered" })); times != 1 {
			t.Errorf("%s: that it works again is recorded %d times", where, times)
		}
		if told := s.told.Load(); s.id() != "" && told != 1 {
			t.Errorf("%s: whoever asked to be told of the end is told %d times", where, told)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: it does not end the same (-want +got):\n%s", where, diff)
		}
	})
}

// standsStill looks at a daemon whose disk fails: what was under way ends, and nothing more is done.
func (b *daemon) standsStill(where string) {
	s := b.stage
	<-time.After(outage / 2)
	moves := len(s.host.Moves())
	if why := b.Refusing(); !strings.Contains(why, "cannot be written") {
		s.Errorf("%s: it does not say why it refuses: %q", where, why)
	}
	if _, err := b.Trigger(s.Context(), berta, s.request); fault.KindOf(err) != fault.Unavailable && fault.KindOf(err) != fault.Busy {
		s.Errorf("%s: another request is answered with %v", where, err)
	}
	if a, err := b.App(s.Context(), stepstest.AppName); err != nil || len(a.Containers) == 0 || a.Active != "" && a.Stands == "" {
		s.Errorf("%s: the app cannot be looked at: %+v, %v", where, a, err)
	}
	for _, st := range b.Rollouts("", 10) {
		if _, err := b.Rollout(st.Request.ID); err != nil {
			s.Errorf("%s: the rollout cannot be looked at: %v", where, err)
		}
	}
	read := 0
	for _, err := range b.Audit(1) {
		if read++; err != nil {
			s.Errorf("%s: the audit log cannot be read: %v", where, err)
		}
	}
	if read == 0 {
		s.Errorf("%s: the audit log is empty", where)
	}
	<-time.After(outage/2 - time.Millisecond)
	if now := len(s.host.Moves()); now != moves {
		s.Errorf("%s: %d moves are made while nothing can be recorded", where, now-moves)
	}
}
