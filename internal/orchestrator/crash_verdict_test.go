package orchestrator_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/steps/stepstest"
	"github.com/capakraken/fairlead/internal/workload"
)

// apps are the app with one service and with two.
type apps map[int]*stepstest.App

func newApps(t testing.TB) apps {
	t.Helper()
	return apps{1: stepstest.NewApp(t, 1), 2: stepstest.NewApp(t, 2)}
}

// counts returns with how many services a scene is played.
func (c scene) counts() []int {
	switch {
	case c.one:
		return []int{1}
	case c.two:
		return []int{2}
	}
	return []int{1, 2}
}

// stage sets the scene. It must be called in a bubble.
func (c scene) stage(t testing.TB, app *stepstest.App) *stage {
	t.Helper()
	release := map[string]string{"": "old", "current": app.Current}[c.release]
	s := newStage(t, app, c.release != "none", release)
	s.request.Kind, s.request.Force, s.full = c.kind, c.force, c.full
	if c.kind != rollout.Deploy {
		s.request.Image = ""
	}
	if c.kind == rollout.Rollback {
		s.remembers("0.8.0", stepstest.ElderDigest)
		s.remembers("0.9.0", stepstest.NewDigest)
		s.remembers("1.0.0", stepstest.OldDigest)
		s.host.Name(stepstest.ElderDigest)
	}
	if c.set != nil {
		c.set(s)
	}
	s.rowAtFirst, s.found = s.row(), map[string]workload.Status{}
	for _, b := range s.host.Containers() {
		s.found[b.Service] = b.Status
	}
	sent := false
	s.do = func(b *daemon, st rollout.State, a rollout.Action) error {
		if !sent && nameOf(a) == c.cancel {
			sent = true
			if _, err := b.Cancel(t.Context(), berta, st.Request.ID, "wrong image"); err != nil && !b.dead() {
				t.Errorf("cancel in %s: %v", nameOf(a), err)
			}
		}
		return nil
	}
	return s
}

// verdict is all that is to be the same whether somebody died or not.
type verdict struct {
	Outcome  rollout.Outcome // "" where no rollout is known
	Failure  string
	Stuck    string
	Warnings string
	Residue  string
	Lock     string
	Host     string
	Row      string
	Kept     string // the images that have a name of ours
}

// judge returns what has come of it, and holds it against what is always true.
func (s *stage) judge() verdict {
	s.Helper()
	v := verdict{Host: s.picture()}
	v.Row, v.Kept = s.row(), s.host.Kept()
	if len(s.state) > 1 {
		s.Errorf("%d rollouts are known", len(s.state))
	}
	for _, st := range s.state {
		v.Outcome, v.Warnings = st.Outcome, s.plain(strings.Join(st.Warnings, "; "))
		v.Residue = fmt.Sprint(st.Residue())
		if st.Failure != nil {
			v.Failure = s.plain(string(st.Failure.Kind) + " " + st.Failure.Text())
			if st.Failure.Kind == fault.TimedOut {
				v.Failure = string(fault.TimedOut) // whoever comes back after the deadline only knows that
			}
		}
		if st.Stuck != nil {
			v.Stuck = s.plain(string(st.Stuck.Kind) + " " + st.Stuck.Text())
		}
	}
	if s.known.Lock != nil {
		v.Lock = s.plain(s.known.Lock.Reason)
	}
	s.oneOfEach()
	s.whole()
	return v
}

// row returns the columns of the database that are not empty.
func (s *stage) row() string {
	var columns []string
	for column, value := range s.host.Row {
		if !value.IsEmpty() {
			columns = append(columns, column)
		}
	}
	slices.Sort(columns)
	return strings.Join(columns, " ")
}

// picture describes the containers.
func (s *stage) picture() string {
	var lines []string
	for _, c := range s.host.Containers() {
		lines = append(lines, s.plain(fmt.Sprintf("%s %s of %s: %s, %s", c.ID, c.Name, c.Service, c.Status, c.RestartPolicy.Name)))
	}
	return strings.Join(lines, "\n")
}

// passing is what is another each time: moments, and how often something was looked at.
var passing = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z|\d+ looks`)

// plain takes out of a text what is another each time.
func (s *stage) plain(text string) string {
	if id := s.id(); id != "" {
		text = strings.NewReplacer(id, "ROLLOUT", strings.ToLower(id[len(id)-8:]), "ROLLOUT").Replace(text)
	}
	return passing.ReplaceAllString(text, "…")
}

// oneOfEach holds the moves against what must happen once at most.
func (s *stage) oneOfEach() {
	s.Helper()
	times := map[string]int{}
	for _, m := range s.host.Moves() {
		switch {
		case m.Verb == "create", m.Verb == "remove", m.Verb == "commit", m.Verb == "start" && m.Fresh:
			what := m.Verb + " " + m.Service + " " + m.ID
			if m.Verb == "create" {
				what = m.String()
			}
			if times[what]++; times[what] > 1 {
				s.Errorf("%q happens for the %d. time, in life %d", what, times[what], m.Life)
			}
		case m.Verb == "stop":
			times["stop "+m.ID]++
		case m.Verb == "start":
			if times["start "+m.ID]++; times["start "+m.ID] > times["stop "+m.ID] {
				s.Errorf("%s is started in life %d, and was not stopped before", m.ID, m.Life)
			}
		}
	}
	for _, c := range s.host.Containers() {
		if halted := len(s.state) > 0 && s.state[0].Outcome == rollout.Halted; c.OneOff() && !halted {
			s.Errorf("the one-off container is left over (%s)", c.Status)
		}
	}
	for _, c := range s.host.Clearings() {
		if !c.Proved {
			s.Error("a clear is not confirmed")
		}
	}
}

// whole makes sure that the journal verifies, that another daemon would see the same, and that it holds no secret.
func (s *stage) whole() {
	s.Helper()
	if found := canaries().Found(string(s.disk.Joined(dir, ".jsonl"))); len(found) > 0 {
		s.Errorf("the journal holds the value of %v", found)
	}
	log, err := journal.Open(journal.Options{Dir: dir, FS: s.disk})
	if err != nil {
		s.Error(err)
		return
	}
	defer log.Close()
	if log.Repaired() != nil {
		s.Error("a daemon that has stopped has left a torn end")
	}
	last := ""
	for r, err := range log.Records(1) {
		if err != nil {
			s.Error(err)
		}
		last = r.Type
	}
	if last != "daemon.stopped" {
		s.Errorf("the last record is %s", last)
	}
}

// play plays a scene in a bubble of its own, with deaths one after the other, and returns what has come of it and how
// many records, moves and lives it took.
func play(t *testing.T, c scene, app *stepstest.App, deaths ...*death) (v verdict, s *stage) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s = c.stage(t, app)
		begin := s.picture()
		for i := 0; ; i++ {
			var d *death
			if i < len(deaths) {
				d = deaths[i]
			}
			if s.live(d) {
				break
			}
		}
		v = s.judge()
		rebooted := slices.ContainsFunc(deaths, func(d *death) bool { return d.reboots })
		if v.Outcome == "" && !rebooted && (v.Host != begin || len(s.host.Moves()) > 0) {
			t.Errorf("no rollout is known, and the host is not as it was:\n%s", v.Host)
		}
	})
	return v, s
}
