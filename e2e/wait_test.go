//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// patient is a command that waits for its turn, beside the test.
type patient struct {
	*stage
	cmd        *exec.Cmd
	out, hints bytes.Buffer // to be read when it has ended
	ended      chan struct{}
}

// waits starts a command and returns when the daemon has so many requests that wait.
func (s *stage) waits(n int, args ...string) *patient {
	s.t.Helper()
	p := &patient{stage: s, cmd: s.Command(s.t.Context(), args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.hints
	s.must(p.cmd.Start())
	go func() { _ = p.cmd.Wait(); close(p.ended) }() // ends with the command; its exit code is looked at later
	s.queue(n)
	return p
}

// ends expects the command to end with an exit code and to have said this in its hints, and returns all of them.
func (p *patient) ends(code int, says ...string) string {
	p.t.Helper()
	<-p.ended
	hints := p.hints.String()
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("%q ended with %d, want %d:\n%s%s", p.cmd.Args, got, code, p.out.String(), hints)
	}
	for _, text := range says {
		if !strings.Contains(hints, text) {
			p.t.Errorf("%q does not say %q:\n%s", p.cmd.Args, text, hints)
		}
	}
	return hints
}

// queue waits until so many requests wait for the app.
func (s *stage) queue(n int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%d requests wait", n), func() error {
		var app struct{ Waiting []struct{ Requester string } }
		res := s.run(0, "status", rig.App, "--output", "json")
		if err := json.Unmarshal([]byte(res.Out), &app); err != nil {
			return err
		}
		if len(app.Waiting) != n {
			return fmt.Errorf("%d wait", len(app.Waiting))
		}
		return nil
	})
}

// served returns the reasons of the rollouts that were begun, in order.
func (s *stage) served() []string {
	s.t.Helper()
	all, err := s.Rollouts(s.t.Context())
	s.must(err)
	var reasons []string
	for _, r := range slices.Backward(all) {
		request, ok := r["request"].(map[string]any)
		if !ok {
			s.t.Fatalf("a rollout without a request: %v", r)
		}
		if reason, ok := request["reason"].(string); ok {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// Four requests wait behind a rollout. One of them gives up, one is interrupted, and the daemon is started anew: the
// other two are served in the order in which they came.
func TestWaiting(t *testing.T) {
	s := newTenant(t, rig.Options{Verify: "60s"})
	s.deployed("2.0.0")
	s.image("2.2.0")
	first := s.detached("--image", s.image("2.1.0", "slow-start=25s"), "--reason", "first")
	s.reaches(first, "verify")

	ada := s.waits(1, "deploy", rig.App, "--image", "2.2.0", "--wait", "--reason", "ada")
	bertha := s.waits(2, "deploy", rig.App, "--image", "2.2.0", "--wait-timeout", "10s", "--reason", "bertha")
	cleo := s.waits(3, "deploy", rig.App, "--image", "2.2.0", "--wait", "--reason", "cleo")
	dora := s.waits(4, "rotate", rig.App, "--wait", "--output", "json", "--reason", "dora")
	s.told(6, []string{"rotate", rig.App}, "is held by rollout "+first+": deploy by root (uid 0) since", ", for ", "(first), now in verify; 4 requests wait already", "--wait")
	s.told(0, []string{"status", rig.App}, "waiting 1: deploy of 2.2.0 by root (uid 0) since", "(ada)", "waiting 4: rotate by root", "(dora)")

	s.must(cleo.cmd.Process.Signal(os.Interrupt))
	cleo.ends(130, "interrupted: the request has left the queue, and nothing was begun")
	bertha.ends(6, "waiting for 10s at most: capakraken is held by rollout "+first, "one request comes before this one",
		"waited 10s in vain, and nothing was begun: capakraken is held by rollout "+first)
	s.queue(2)
	s.must(s.Stop())
	s.must(s.Start(t.Context()))
	s.queue(2)
	s.told(0, []string{"status", rig.App}, "rolling out "+first, "waiting 1: deploy of 2.2.0", "waiting 2: rotate")

	s.told(0, []string{"watch", first}, "succeeded")
	hints := ada.ends(0, "waiting for 30m at most: capakraken is held by rollout "+first, "this request is next",
		"the daemon has stopped, or the connection to it is lost; the request waits on when it is back")
	if n := strings.Count(hints, "\n"); n > 4 {
		t.Errorf("it says the same again and again:\n%s", hints)
	}
	if hints := dora.ends(0); hints != "" {
		t.Errorf("a program is told %q", hints)
	}
	s.isJSON(rig.Result{Out: dora.out.String()})
	if got, want := strings.Join(s.served(), " "), "first ada dora"; got != want {
		t.Errorf("served were %q, want %q", got, want)
	}
	s.live("web", "worker")
	s.told(0, []string{"audit", "log"}, "request.refused", "waited 10s in vain", "of waiting; nothing was begun")
	s.told(0, []string{"audit", "verify", "--state", s.State()}, "the journal is whole")
}

// A daemon that is killed while others wait keeps nobody from a turn. A lock is waited for as well, and lasts beyond the
// daemon that took it.
func TestWaitingForALock(t *testing.T) {
	s := newTenant(t, rig.Options{})
	before := s.deployed("2.0.0")
	s.told(0, []string{"lock", rig.App, "--reason", "year-end freeze"})
	ada := s.waits(1, "deploy", rig.App, "--image", "2.0.0", "--wait", "--reason", "ada")
	s.must(s.Kill())
	s.must(s.Start(t.Context()))
	s.queue(1)
	s.told(6, []string{"cleanup", rig.App, "--yes"}, "capakraken is locked by root (uid 0) since", ", for ", ": year-end freeze; another request waits already",
		"fairlead unlock capakraken")
	s.told(6, []string{"lock", rig.App, "--reason", "mine"}, "already locked: capakraken is locked by root (uid 0) since", "year-end freeze")
	s.told(0, []string{"status", rig.App}, "by root (uid 0) since", "year-end freeze", "locked, 1 waiting")
	s.told(0, []string{"unlock", rig.App, "--reason", "January"})
	ada.ends(0, "waiting for 30m at most: capakraken is locked by root (uid 0) since", "year-end freeze; this request is next")
	s.untouched(before)
}
