package orchestrator

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// die ends the daemon's life with nothing said: its journal has failed, and its workers have stopped for that. What is
// in memory is lost.
func (r *rig) die() {
	r.workers.Wait()
	r.hard(errStopping)
	r.keeper.Wait()
	_ = r.Journal.Close()
}

// live lives through one ending, with a disk that fails after so many writes, and returns false when it did.
func (r *rig) live(kind rollout.Kind) bool {
	r.Helper()
	if err := r.Start(); err != nil {
		wantKind(r, err, fault.Unavailable)
		return false
	}
	s, err := r.Trigger(r.Context(), anna, request(kind))
	if err != nil {
		wantKind(r, err, fault.Unavailable)
		return false
	}
	r.workers.Wait()
	s, err = r.Rollout(s.Request.ID)
	return err == nil && s.Phase == rollout.Over
}

// The daemon dies at every record that it writes, which reaches the disk or does not. Nothing is done after it, the
// daemon says why, and the next one ends the rollout as if nothing had happened.
func TestDeathAtEveryRecord(t *testing.T) {
	for _, c := range endings {
		for _, reaches := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reaches the disk %t", c.name, reaches), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					untroubled := newWorld()
					untroubled.on = c.on
					whole := started(t, untroubled)
					whole.end(whole.trigger(c.kind))
					whole.stop()
					for n := 0; ; n++ {
						w := newWorld()
						w.on = c.on
						r := open(t, w)
						w.seen = func(rollout.State, rollout.Action) {
							if r.disk.failed() {
								t.Errorf("after %d records something is done that is not recorded: %s", n, w.done())
							}
						}
						r.disk.failAfter(n, reaches)
						if r.live(c.kind) {
							r.stop()
							return
						}
						r.refuses()
						r.die()
						r.nextLife(n, c.want, untroubled.picture())
					}
				})
			})
		}
	}
}

// refuses makes sure that a daemon without a journal says so and takes nothing on.
func (r *rig) refuses() {
	r.Helper()
	if why := r.Refusing(); !strings.Contains(why, "cannot be written") || !strings.Contains(why, "input/output error") {
		r.Errorf("it does not say why it refuses: %q", why)
	}
	before := r.world.done()
	_, err := r.Trigger(r.Context(), anna, Request{App: other, Kind: rollout.Rotate})
	wantKind(r, err, fault.Unavailable)
	wantKind(r, r.Lock(r.Context(), anna, other, "a test"), fault.Unavailable)
	if r.world.done() != before {
		r.Errorf("it still does something: %s", r.world.done())
	}
}

// nextLife starts another daemon and holds the end against that of a rollout that nothing happened to.
func (r *rig) nextLife(n int, want rollout.Outcome, host picture) {
	r.Helper()
	r.life()
	requested := len(r.Rollouts("", 10)) == 1
	if !requested && r.world.done() != "" {
		r.Errorf("after %d records, %s was done for a rollout that nobody knows", n, r.world.done())
	}
	r.start()
	for _, s := range r.Rollouts("", 10) {
		if s = r.end(s.Request.ID); s.Outcome != want {
			r.Errorf("after a death at record %d it ends %s, not %s", n+1, s.Outcome, want)
		}
	}
	if diff := cmp.Diff(host, r.world.picture()); requested && diff != "" {
		r.Errorf("after a death at record %d the host is not the same:\n%s", n+1, diff)
	}
	r.stop()
	r.whole()
}

// A daemon that is killed leaves its last line torn. The next one says what it cut off.
func TestTornEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := started(t, newWorld())
		id := r.trigger(rollout.Rotate)
		r.end(id)
		r.stop()
		names, err := r.disk.Names(r.dir)
		if err != nil || !strings.HasSuffix(names[0], ".jsonl") {
			t.Fatal(names, err)
		}
		f, err := os.OpenFile(filepath.Join(r.dir, names[0]), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"v":1,"seq":`); err != nil || f.Close() != nil {
			t.Fatal(err)
		}
		r.life()
		r.start()
		if all := r.records(); all[len(all)-2] != "journal.repaired" || all[len(all)-1] != "daemon.started" {
			t.Errorf("the last records are %v", all[len(all)-2:])
		}
		r.stop()
		r.whole()
	})
}

// A journal that does not follow the machine is not taken for the truth.
func TestJournalThatLies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := started(t, newWorld())
		id := r.trigger(rollout.Rotate)
		r.end(id)
		if _, err := r.Journal.Append(journal.Record{Actor: itself, Type: string(rollout.Ended), App: capakraken, Rollout: id}); err != nil {
			t.Fatal(err)
		}
		_, err := New(r.Options)
		wantKind(t, err, fault.Internal)
		if !strings.Contains(fault.Text(err), "journal record") {
			t.Errorf("it does not say where: %v", err)
		}
		r.stop()
	})
}
