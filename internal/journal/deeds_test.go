package journal_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"

	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

// step does one thing that daemons do.
func (l *lives) step() {
	switch n := l.chance.IntN(20); {
	case l.j.Failed() != nil:
		if n < 10 {
			l.recover()
			break
		}
		l.heal()
		for tries := 0; !l.recover(); tries++ {
			if tries == 10 { // what the kernel shows may change some times in between
				l.t.Fatal("the disk works again, and the journal does not")
			}
		}
	case n < 12:
		l.append()
	case n < 14:
		l.save()
	case n < 16:
		l.reserve()
	case n < 17:
		l.full()
	case n < 19:
		l.sicken()
	default:
		l.heal()
	}
}

// append appends a record of any size.
func (l *lives) append() { l.appendOf(l.chance.IntN(1 << (1 + 3*l.chance.IntN(4)))) }

// appendOf appends a record with so many bytes of data. One that is acknowledged is kept from then on.
func (l *lives) appendOf(size int) {
	if l.j.Failed() == nil {
		l.handed++
	}
	r := journal.Record{Actor: journal.TestDaemon(), Type: "step.done", App: fmt.Sprintf("app-%d", l.handed)}
	if size > 0 {
		r.Data = json.RawMessage(`{"text":"` + strings.Repeat("x", size) + `"}`)
	}
	r, err := l.j.Append(r)
	if err != nil {
		l.tell("append failed", err)
		l.refused(err)
		return
	}
	l.tell("append", r.Seq, len(r.Data))
	l.kept, l.loose = append(l.kept, r), 0
}

func (l *lives) save() {
	if len(l.kept) == 0 {
		return
	}
	seq := 1 + l.chance.IntN(len(l.kept))
	if l.chance.IntN(2) == 0 {
		seq = len(l.kept)
	}
	err := l.j.Save(uint64(seq), []byte(l.kept[seq-1].App))
	l.tell("save", seq, err)
	if err != nil {
		l.refused(err)
	}
}

func (l *lives) reserve() {
	err := l.j.Reserve(int64(1 + l.chance.IntN(60000)))
	l.tell("reserve", err)
	if err != nil {
		l.refused(err)
	}
}

// full sets room aside, has the disk become full, and uses the room up.
func (l *lives) full() {
	l.heal()
	room := 6000 + l.chance.IntN(30000)
	if err := l.j.Reserve(int64(room)); err != nil {
		l.t.Fatalf("Reserve: %v", err)
	}
	l.disk.Limit(0)
	for room > 5500 {
		l.appendOf(l.chance.IntN(5000))
		if err := l.j.Failed(); err != nil {
			l.t.Fatalf("with %d bytes set aside: %v", room, err)
		}
		line, _ := l.kept[len(l.kept)-1].Line()
		room -= len(line)
	}
	l.disk.Limit(-1)
	l.tell("full")
}

// recover tries to take up a journal that has failed, and tells whether it did.
func (l *lives) recover() bool {
	l.t.Helper()
	tear, err := l.j.Recover()
	if err != nil {
		l.tell("not recovered", err)
		l.refused(err)
		return false
	}
	l.tell("recovered", tear)
	l.heal()
	all, err := replayed(l.j, 1)
	if err != nil {
		l.refused(err)
		l.t.Fatalf("what was recovered cannot be read: %v", err)
	}
	l.holds(all)
	if len(all) > len(l.kept) {
		l.tell("adopted", len(all))
	}
	l.kept, l.loose = all, 0
	return true
}

// die ends the daemon, perhaps at the next thing that it does.
func (l *lives) die() {
	if l.chance.IntN(2) == 0 {
		l.sicken()
		for range l.chance.IntN(5) {
			l.append()
		}
	}
	if l.cut = l.chance.IntN(3) > 0; l.cut {
		l.tell("power cut")
		l.disk = l.disk.PowerCut()
	} else {
		l.tell("kill")
		l.disk = l.disk.Kill()
	}
}

func (l *lives) heal() {
	l.disk.Fail(nil)
	l.disk.Limit(-1)
}

// sicken has the disk fail at some operation that is not far.
func (l *lives) sicken() {
	l.tell("sicken")
	err := []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS}[l.chance.IntN(3)]
	if how := l.chance.IntN(3); how == 0 {
		err = journaltest.After(err)
	} else if how == 1 {
		err = journaltest.Half(err)
	}
	from := l.disk.Changes() + 1 + l.chance.IntN(6)
	switch l.chance.IntN(4) {
	case 0: // once
		l.disk.Fail(func(op journaltest.Op) error {
			if op.Verb.Changes() && op.Number == from {
				return err
			}
			return nil
		})
	case 1: // from then on
		l.disk.Fail(func(op journaltest.Op) error {
			if op.Number == from && op.Verb.Changes() {
				return err
			}
			if op.Number > from {
				return syscall.EIO
			}
			return nil
		})
	case 2: // now and then
		l.disk.Fail(func(journaltest.Op) error {
			if l.chance.IntN(5) == 0 {
				return err
			}
			return nil
		})
	default:
		l.disk.Limit(int64(l.chance.IntN(8000)))
	}
}
