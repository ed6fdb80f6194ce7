package orchestrator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps"
	"github.com/capakraken/fairlead/internal/steps/stepstest"
	"github.com/capakraken/fairlead/internal/workload"
)

// berta is who asks for things.
var berta = journal.Actor{UID: 1001, GID: 1001, PID: 43, User: "berta", Role: "operator"}

// dir is where the journal is on the disk of a stage.
const dir = "journal"

// stage is a host and a disk, on which daemons live one after the other: the real orchestrator with the real steps.
type stage struct {
	testing.TB
	app     *stepstest.App
	host    *stepstest.Host
	disk    *journaltest.Disk
	request orchestrator.Request
	log     *zap.Logger
	asked   bool // the request was made, though perhaps not heard
	lives   int
	took    time.Duration // the last stop that was asked for
	now     *daemon
	// do is asked before each action is done, with the daemon that does it.
	do func(*daemon, rollout.State, rollout.Action) error
	// appended is told of each record that is durable, before its daemon hears of it.
	appended func(*daemon, entry)
	full     int64 // when a segment of the journal is; 0 for the usual
	// fails is asked before each operation of the disk, where the daemon lives.
	fails func(journaltest.Op) error

	refuses map[string]error // by the move that the host refuses

	told       atomic.Int64 // ends
	rowAtFirst string
	found      map[string]workload.Status // at first, by service

	mu      sync.Mutex // guards what follows
	appends int        // of all lives
	tried   int        // moves
	calls   int
	points  []int          // the calls of which there was none before, or only one, of the same sort in the same action
	sorts   map[string]int // how often there was each
	durable []entry        // what is on the platter
	read    int            // bytes of it
	state   []rollout.State
	ops     []journaltest.Verb // that were asked of the disk, and change something
	opened  int                // how many of them a start took
	closed  int                // and the rollout with it
	known   rollout.App        // what the last daemon knew in the end
}

// entry is one record, as far as these tests want to know.
type entry struct {
	Seq     uint64 `json:"seq"`
	Type    string `json:"type"`
	Rollout string `json:"rollout"`
	Data    struct {
		Action   rollout.Action  `json:"action"`
		Outcome  rollout.Outcome `json:"outcome"`
		Evidence struct {
			Verified rollout.Verified `json:"verified"`
		} `json:"evidence"`
	} `json:"data"`
}

// String returns the record as tests write it, such as "action.begun replace web".
func (e entry) String() string {
	return strings.TrimSpace(e.Type + " " + nameOf(e.Data.Action))
}

func nameOf(a rollout.Action) string { return strings.TrimSpace(string(a.Verb) + " " + a.Service) }

// newStage returns a stage on which the app runs, if it does, as a rollout of long ago has left it: of this release, or
// started by hand where there is none. It must be made in a bubble.
func newStage(t testing.TB, app *stepstest.App, runs bool, release string) *stage {
	t.Helper()
	s := &stage{TB: t, app: app, host: stepstest.New(t), disk: journaltest.New(1), refuses: map[string]error{}, log: zap.NewNop(), sorts: map[string]int{},
		request: orchestrator.Request{App: stepstest.AppName, Kind: rollout.Deploy, Image: "2.0.0", Reason: "it is time"}}
	s.host.Row = stepstest.Row()
	if runs {
		app.Populate(t, s.host, release)
	}
	s.host.Before = s.permitted
	s.host.Called = s.call
	s.host.Proved = s.proved
	return s
}

// remembers has the journal know a release that the app had, the newest last.
func (s *stage) remembers(tag, digest string) {
	s.Helper()
	log, err := journal.Open(journal.Options{Dir: dir, FS: s.disk})
	if err != nil {
		s.Fatal(err)
	}
	data := `{"reason":"it ran","observed":{"current":{"id":"r` + tag + `","image":{"repository":"` + stepstest.Repository + `","tag":"` + tag + `","digest":"` + digest + `"}}}}`
	if _, err := log.Append(journal.Record{Type: "app.adopted", App: stepstest.AppName, Actor: journal.Actor{User: "fairlead"}, Data: []byte(data)}); err != nil {
		s.Fatal(err)
	}
	if err := log.Close(); err != nil {
		s.Fatal(err)
	}
	s.keep()
}

// id returns the newest rollout, as the durable records tell it.
func (s *stage) id() string {
	for _, e := range slices.Backward(s.records()) {
		if e.Rollout != "" {
			return e.Rollout
		}
	}
	return ""
}

// proved tells whether the proof of the newest rollout is durable, and whether what it proves runs without a break since.
func (s *stage) proved() bool {
	id, runs := s.id(), s.host.Containers()
	for _, e := range s.records() {
		if e.Rollout != id || e.String() != "action.done verify" {
			continue
		}
		return len(e.Data.Evidence.Verified.Proofs) == len(s.app.Services) &&
			!slices.ContainsFunc(e.Data.Evidence.Verified.Proofs, func(p rollout.Proof) bool {
				return !slices.ContainsFunc(runs, func(c workload.Container) bool {
					return c.ID == p.Container && c.StartedAt.Equal(p.StartedAt) && c.Status == workload.Running
				})
			})
	}
	return false
}

// forget forgets what was durable, since the disk is another one now.
func (s *stage) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.durable, s.read = nil, 0
}

// records returns those that are durable.
func (s *stage) records() []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.durable)
}

// moves counts the moves of all lives.
func (s *stage) moves() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried++
	return s.tried
}

// purposes are the actions under which each move may be made.
var purposes = map[string][]rollout.Verb{
	"pull": {rollout.DoPull}, "create": {rollout.DoReplace, rollout.DoRestore}, "connect": {rollout.DoReplace, rollout.DoRestore},
	"rename": {rollout.DoReplace, rollout.DoPromote, rollout.DoRestore}, "policy": {rollout.DoReplace, rollout.DoPromote, rollout.DoRestore},
	"stop": {rollout.DoReplace, rollout.DoRetire, rollout.DoRestore}, "start": {rollout.DoReplace, rollout.DoRestore},
	"unpause": {rollout.DoReplace}, "pause": {rollout.DoRestore}, "remove": {rollout.DoRetire, rollout.DoRestore},
	"tag": {rollout.DoKeep}, "untag": {rollout.DoKeep}, "rmi": {rollout.DoKeep},
	"lock": {rollout.DoClear}, "update": {rollout.DoClear}, "commit": {rollout.DoClear},
}

// aims reports whether an action is there to make the move.
func aims(a rollout.Action, m stepstest.Move) bool {
	if m.Service != stepstest.OneOff {
		return slices.Contains(purposes[m.Verb], a.Verb) && a.Service == m.Service
	}
	return slices.Contains(map[string][]rollout.Verb{"create": {rollout.DoPrepare}, "start": {rollout.DoPreStart},
		"stop": {rollout.DoDiscard}, "remove": {rollout.DoReplace, rollout.DoDiscard}}[m.Verb], a.Verb)
}

// call counts the calls of the host.
func (s *stage) call(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	sort := nameOf(underWay(s.durable)) + " " + method
	if s.sorts[sort]++; s.sorts[sort] <= 2 && !strings.HasPrefix(sort, " ") {
		s.points = append(s.points, s.calls)
	}
}

// permitted holds a move against the promise that nothing is done without a durable record of the intent before it.
func (s *stage) permitted(m stepstest.Move) error {
	if n, b := s.moves(), s.now; b.death != nil && b.death.move == n {
		b.die(killed)
		return fault.New(fault.Unavailable, "the daemon is dead")
	}
	for _, e := range slices.Backward(s.records()) {
		a := e.Data.Action
		switch {
		case e.Rollout == "", e.Type == string(rollout.Cancelled):
			continue // it does not end what is under way
		case e.Type != string(rollout.Begun), !aims(a, m):
			s.Errorf("%q is done when the last record is %q", m, e)
		}
		return s.refuses[m.String()]
	}
	s.Errorf("%q is done, and nothing is on record", m)
	return nil
}

// daemon is one daemon's life on a stage.
type daemon struct {
	*orchestrator.Orchestrator
	stage    *stage
	view     *stepstest.Life
	log      *journal.Journal
	death    *death
	after    *journaltest.Disk // what the death has left of the disk
	died     chan struct{}     // closed by the death
	ended    chan rollout.State
	halted   chan struct{} // closed when a stop that somebody has asked for is over
	stopping atomic.Bool
	unheard  bool // a line was written, and is not synced
}

// script has the real steps done, and asks the test before.
type script struct {
	*steps.Steps
	d *daemon
}

func (s script) Do(ctx context.Context, st rollout.State, a rollout.Action, progress func(rollout.Progress)) (*rollout.Evidence, error) {
	if s.d.stage.do != nil {
		if err := s.d.stage.do(s.d, st, a); err != nil {
			return nil, err
		}
	}
	return s.Steps.Do(ctx, st, a, progress)
}

// live lets a daemon live until all rollouts have ended, and then stop; it makes the request unless one before it did.
// It returns false when the daemon died of d before, or was stopped.
func (s *stage) live(d *death) bool {
	s.Helper()
	b := s.begin(d)
	err := b.open()
	if err == nil {
		err = b.Start()
	}
	if err == nil && !s.asked {
		s.asked, s.opened = true, s.disk.Changes()
		_, err = b.Trigger(s.Context(), berta, s.request)
	}
	if err == nil {
		b.await()
	}
	s.closed = s.disk.Changes()
	if b.Orchestrator != nil {
		if !b.dead() && !b.stopping.Load() {
			s.state = b.Rollouts("", 10)
			s.known, _ = b.App(s.Context(), stepstest.AppName)
		}
		b.stop()
	}
	if b.stopping.Load() {
		<-b.halted
	}
	s.disk.Fail(nil)
	if b.dead() {
		b.bury()
		return false
	}
	if err != nil {
		s.Fatalf("life %d: %v", s.lives, err)
	}
	if err := b.log.Close(); err != nil {
		s.Error(err)
	}
	return !b.stopping.Load()
}

// begin begins a life that ends with d, or when all is done.
func (s *stage) begin(d *death) *daemon {
	s.lives++
	b := &daemon{stage: s, view: s.host.Life(), death: d, died: make(chan struct{}), ended: make(chan rollout.State, 10), halted: make(chan struct{})}
	s.now = b
	s.disk.Fail(b.disk)
	return b
}

func (b *daemon) open() error {
	var err error
	s := b.stage
	if b.log, err = journal.Open(journal.Options{Dir: dir, FS: s.disk, SegmentBytes: s.full}); err != nil {
		return err
	}
	b.Orchestrator, err = orchestrator.New(orchestrator.Options{Journal: b.log, Steps: script{s.app.Steps(b.view), b},
		Log: s.log, Version: "test", Ended: func(st rollout.State) { s.told.Add(1); b.ended <- st }})
	return err
}

// await waits until the rollout has ended, or the daemon has died.
func (b *daemon) await() {
	all := b.Rollouts("", 1)
	if len(all) == 0 || all[0].Phase == rollout.Over {
		return
	}
	for range 3600 {
		select {
		case <-b.ended:
			return
		case <-b.died:
			return
		case <-b.halted:
			return
		case <-time.After(time.Second):
		}
		if st, err := b.Rollout(all[0].Request.ID); err == nil && st.Phase == rollout.Over {
			return // its end was on the disk before anybody heard of it
		}
	}
	b.stage.Errorf("life %d does not come to an end", b.stage.lives)
}

// halt asks the daemon to stop. It returns when the stop is under way, and waits for what is being done.
func (b *daemon) halt() {
	b.stopping.Store(true)
	go func() {
		since := time.Now()
		b.Stop(b.stage.Context())
		b.stage.took = time.Since(since)
		close(b.halted)
	}()
	synctest.Wait()
}

// stop ends what is left of the daemon. A dead one changes nothing by that.
func (b *daemon) stop() {
	ctx := b.stage.Context()
	if b.dead() {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		ctx = gone
	}
	b.Stop(ctx)
}

func (b *daemon) dead() bool {
	select {
	case <-b.died:
		return true
	default:
		return false
	}
}

// die ends the life. The disk is as the kind of death leaves it.
func (b *daemon) die(how end) {
	b.view.End()
	switch how {
	case killed:
		b.after = b.stage.disk.Kill()
	case powerless:
		b.after = b.stage.disk.PowerCut()
	case unheard: // the last sync is still to be done
	}
	close(b.died)
}

// bury leaves the stage to the next daemon, which comes a little later.
func (b *daemon) bury() {
	s := b.stage
	if b.after == nil {
		b.after = s.disk.PowerCut()
	}
	s.disk = b.after
	if b.death.reboots {
		s.host.Reboot()
	}
	s.forget()
	s.keep()
	<-time.After(time.Second)
}

// disk is asked before every operation of the disk.
func (b *daemon) disk(op journaltest.Op) error {
	s := b.stage
	if b.dead() {
		return syscall.EIO
	}
	if op.Verb.Changes() {
		s.mu.Lock()
		s.ops = append(s.ops, op.Verb)
		s.mu.Unlock()
	}
	if s.fails != nil {
		if err := s.fails(op); err != nil {
			return err
		}
	}
	line := strings.HasSuffix(op.Path, ".jsonl")
	switch {
	case op.Verb == journaltest.Write && line:
		s.count()
		b.unheard = true
		if b.strikes(before) {
			b.die(killed)
			return syscall.EIO
		}
	case op.Verb == journaltest.Sync && b.unheard:
		b.unheard = false
		switch {
		case b.strikes(written):
			b.die(killed)
			return syscall.EIO
		case b.strikes(torn):
			b.die(powerless)
			return syscall.EIO
		case b.strikes(synced):
			b.die(unheard)
			return journaltest.After(syscall.EIO)
		}
		if e, ok := s.keep(); ok && s.appended != nil {
			s.appended(b, e)
		}
	}
	return nil
}

func (s *stage) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.appends++
}

// strikes tells whether the death comes now.
func (b *daemon) strikes(w when) bool {
	return b.death != nil && b.death.when == w && b.death.append == b.stage.appends
}

// keep notes what is on the disk from now on, and returns the newest record if it is new.
func (s *stage) keep() (entry, bool) {
	content := s.disk.Joined(dir, ".jsonl")
	s.mu.Lock()
	defer s.mu.Unlock()
	known := len(s.durable)
	for line := range bytes.Lines(content[min(s.read, len(content)):]) {
		var e entry
		if json.Unmarshal(line, &e) == nil {
			s.durable = append(s.durable, e)
		}
	}
	s.read = len(content)
	if len(s.durable) == known {
		return entry{}, false
	}
	return s.durable[len(s.durable)-1], true
}

// canaries are what no journal may hold.
func canaries() secret.Redactor {
	return secret.NewRedactor(secret.NewEnv(secret.Var{Name: "ai", Value: secret.NewValue(stepstest.AI)},
		secret.Var{Name: "smtp", Value: secret.NewValue(stepstest.SMTP)}))
}

// inBubble runs a test in a bubble of its own.
func inBubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func isKind(t testing.TB, err error, k fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != k {
		t.Errorf("the answer is %v, not of kind %s", err, k)
	}
}
