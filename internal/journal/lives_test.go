package journal_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

// lives is a journal that lives through many daemons on one bad disk. All that happens is decided by its seed.
type lives struct {
	t      *testing.T
	chance *rand.Rand
	disk   *journaltest.Disk
	j      *journal.Journal
	now    time.Time
	loud   bool           // somebody looks at this seed alone
	seen   map[string]int // what came to pass, so that a test can tell whether it tries anything

	kept   []journal.Record // durable: acknowledged, or found and then built upon
	handed int              // how many records were handed to Append; each is called by its number
	loose  int              // how many more than those may be found
	cut    bool             // the last death was a power cut
}

// live lives through a seed.
func live(t *testing.T, seed uint64, loud bool, seen map[string]int) {
	t.Helper()
	l := &lives{t: t, chance: rand.New(rand.NewPCG(seed, 7)), disk: journaltest.New(seed), loud: loud, seen: seen,
		now: time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)}
	defer func() {
		if t.Failed() {
			t.Logf("seed %d; to see it again: FAIRLEAD_SEED=%d go test -v -run TestManyLives ./internal/journal", seed, seed)
		}
	}()
	for range 2 + l.chance.IntN(4) {
		l.start()
		for range l.chance.IntN(24) {
			l.step()
		}
		l.die()
	}
	l.start()
}

// tell says what happens, where somebody looks at one seed.
func (l *lives) tell(what string, args ...any) {
	l.seen[what]++
	if l.loud {
		l.t.Logf("%4d "+what+" %v", l.disk.Changes(), args)
	}
}

// clock moves on by leaps, and sometimes back.
func (l *lives) clock() time.Time {
	l.now = l.now.Add(time.Duration(l.chance.IntN(1000)-20) * time.Millisecond)
	return l.now
}

// start has daemons open the journal until one has appended a record. The first may die at that.
func (l *lives) start() {
	for sick := l.chance.IntN(3) == 0; ; sick = false {
		l.heal()
		report := l.verified()
		if sick {
			l.sicken()
		}
		l.j = nil
		if l.begun(report, l.cut && !sick) || l.mended() {
			break
		}
		l.disk = l.disk.Kill()
		l.cut = false
		if sick && l.chance.IntN(2) == 0 {
			l.disk = l.disk.PowerCut()
			l.cut = true
		}
	}
	l.heal()
	if l.j.Failed() != nil {
		return // since
	}
	if err := l.j.CheckTrusted(l.t.Context()); err != nil {
		l.t.Fatalf("CheckTrusted: %v", err)
	}
	if l.chance.IntN(2) == 0 {
		l.agrees()
	}
}

// mended tells whether a daemon whose first append failed has taken the journal up, rather than end.
func (l *lives) mended() bool {
	if l.j == nil || l.j.Failed() == nil || l.chance.IntN(2) == 0 {
		return false
	}
	l.heal()
	return l.recover()
}

// verified verifies what the last daemon has left: nothing that a crash does is damage.
func (l *lives) verified() journal.Report {
	if names, _ := l.disk.Names("/j"); names == nil {
		return journal.Report{Head: strings.Repeat("0", 64)}
	}
	r, err := journal.TestVerify(l.disk, "/j", 1)
	if err != nil || r.Records < uint64(len(l.kept)) {
		l.t.Fatalf("Verify of what a crash left: %+v, %v; %d records are durable", r, err, len(l.kept))
	}
	return r
}

// begun opens the journal and appends a record, and tells whether both worked. With sure, nothing has happened to the
// disk since the report on it.
func (l *lives) begun(report journal.Report, sure bool) bool {
	l.t.Helper()
	j, err := journal.Open(journal.OneByOne(journal.Options{Dir: "/j", FS: l.disk, SegmentBytes: int64(400 + l.chance.IntN(4000)), Now: l.clock}))
	if err != nil {
		l.tell("not opened", err)
		l.refused(err)
		return false
	}
	l.j = j
	if seq, hash := j.Head(); sure && (seq != report.Records || hash != report.Head || (j.Repaired() == nil) != (report.Tear == nil)) {
		l.t.Fatalf("Open ends at %d with tear %+v, Verify at %+v", seq, j.Repaired(), report)
	}
	if j.Repaired() != nil {
		l.tell("tear")
	}
	l.snapshot()
	all, err := replayed(j, 1)
	if err != nil {
		l.tell("not replayed", err)
		l.refused(err)
		return false
	}
	l.holds(all)
	if len(all) > len(l.kept) {
		l.tell("found a record that was not acknowledged")
	}
	if l.append(); j.Failed() != nil {
		l.loose++
		return false
	}
	l.kept = append(all, l.kept[len(l.kept)-1])
	return true
}

// refused checks an error that a disk which fails now and then may be the reason of.
func (l *lives) refused(err error) {
	l.t.Helper()
	if fault.KindOf(err) != fault.Unavailable {
		l.t.Fatalf("a crash is taken for something else: %v", err)
	}
}

// holds checks that all is what was kept, and of the rest only what was handed over.
func (l *lives) holds(all []journal.Record) {
	l.t.Helper()
	if !beginsWith(all, l.kept) {
		l.t.Fatalf("%d records are there, and %d were durable, of which some are gone or changed", len(all), len(l.kept))
	}
	more := all[len(l.kept):]
	if len(more) > l.loose+1 {
		l.t.Fatalf("%d records more than were acknowledged", len(more))
	}
	for _, r := range more {
		var n int
		if _, err := fmt.Sscanf(r.App, "app-%d", &n); err != nil || n > l.handed || n <= l.handed-l.loose-1 {
			l.t.Fatalf("record %d is %q, which was not handed over lately; the last was %d", r.Seq, r.App, l.handed)
		}
	}
}

// snapshot checks that the state which was saved is that of the record which it covers.
func (l *lives) snapshot() {
	seq, state := l.j.Snapshot()
	if seq == 0 {
		return
	}
	l.tell("snapshot trusted")
	head, _ := l.j.Head()
	if seq > head || seq <= uint64(len(l.kept)) && string(state) != l.kept[seq-1].App {
		l.t.Fatalf("the snapshot covers record %d of %d, and its state is %q", seq, head, state)
	}
}

// agrees checks that the journal is the same without its snapshot, and for everybody.
func (l *lives) agrees() {
	l.t.Helper()
	bare := journaltest.New(0)
	names, _ := l.disk.Names("/j")
	for _, name := range names {
		if strings.HasSuffix(name, ".jsonl") {
			bare.Put("/j/"+name, l.disk.Content("/j/"+name))
		}
	}
	l.seen["segments"] = max(l.seen["segments"], len(names)-1)
	j, err := journal.Open(journal.OneByOne(journal.Options{Dir: "/j", FS: bare}))
	if err != nil {
		l.t.Fatalf("Open without the snapshot: %v", err)
	}
	all, err := replayed(j, 1)
	seq, hash := l.j.Head()
	bareSeq, bareHash := j.Head()
	if err != nil || bareSeq != seq || bareHash != hash || !beginsWith(all, l.kept) || len(all) != len(l.kept) {
		l.t.Fatalf("without the snapshot it ends at %d, with it at %d; %d are durable; %v", bareSeq, seq, len(l.kept), err)
	}
	if r, err := journal.TestVerify(l.disk, "/j", 1); err != nil || r.Tear != nil || r.Records != seq || r.Head != hash {
		l.t.Fatalf("Verify gives %+v, %v; the head is %d", r, err, seq)
	}
}
