//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// A rollout goes on by itself, whoever follows it or lets go of it.
func TestFollowing(t *testing.T) {
	s := newTenant(t, rig.Options{Verify: "60s"})
	s.deployed("2.0.0")
	id := s.interrupted("deploy", rig.App, "--image", s.image("2.1.0", "slow-start=6s"), "--reason", "CHG-42")
	s.reaches(id, "verify")

	s.told(6, []string{"rotate", rig.App}, "is held by rollout "+id, "deploy by root", "(CHG-42)", "fairlead cancel "+id)
	s.told(1, []string{"watch", id, "--timeout", "200ms"}, "it has not ended within 200ms", "fairlead watch "+id)
	s.interrupted("watch", id)
	s.told(0, []string{"status", rig.App}, "rolling out "+id)

	s.told(0, []string{"watch", id}, "deploy of capakraken", "(CHG-42)", "validate", "pull", "restart", "verify", "succeeded")
	s.told(0, []string{"watch", id, "--quiet"}, "succeeded")
	s.told(0, []string{"show", id}, "asked for by", "root", "CHG-42", "2.1.0", "succeeded")
	s.told(0, []string{"rollouts", rig.App}, id, "CHG-42")
	s.told(0, []string{"status"}, rig.App, "web running, worker running")
	s.told(0, []string{"audit", "log"}, id, "root")
	s.told(0, []string{"audit", "verify", "--state", s.State()}, "the journal is whole")
}

// interrupted runs a command that follows a rollout, presses ctrl-C as soon as it says which, and returns the rollout's id.
func (s *stage) interrupted(args ...string) string {
	s.t.Helper()
	cmd := s.Command(s.t.Context(), args...)
	var hints strings.Builder
	cmd.Stderr = &hints
	out, err := cmd.StdoutPipe()
	s.must(err)
	s.must(cmd.Start())
	var id string
	lines := bufio.NewReader(out)
	_, err = fmt.Fscanf(lines, "rollout %s", &id)
	s.must(err)
	s.must(cmd.Process.Signal(os.Interrupt))
	_, err = io.Copy(io.Discard, lines)
	s.must(err)
	err = cmd.Wait()
	id = strings.TrimSuffix(id, ":")
	if cmd.ProcessState.ExitCode() != 130 || !strings.Contains(hints.String(), "let go: rollout "+id+" goes on; follow it with: fairlead watch "+id) {
		s.t.Errorf("%q, interrupted, ended with %v and said %q", args, err, hints.String())
	}
	return id
}

// A cancel turns a rollout back, as long as it can be.
func TestCancel(t *testing.T) {
	s := newTenant(t, rig.Options{Verify: "60s"})
	before := s.deployed("2.0.0")
	id := s.detached("--image", s.image("2.1.0", "slow-start=1m"))
	s.reaches(id, "verify")

	s.told(0, []string{"cancel", id, "--reason", "wrong release"}, "being turned back")
	s.told(4, []string{"watch", id}, "cancelled by root: wrong release", "what ran before runs again")
	s.restored(before)
	s.told(1, []string{"cancel", id}, "has already ended: rolled_back")
}

// A lock keeps rollouts away, and says why.
func TestLock(t *testing.T) {
	s := newTenant(t, rig.Options{})
	before := s.deployed("2.0.0")
	deploy := []string{"deploy", rig.App, "--image", "2.0.0"}

	s.told(2, []string{"lock", rig.App}, "--reason is missing")
	s.told(0, []string{"lock", rig.App, "--reason", "year-end freeze"}, "capakraken is locked")
	s.told(6, deploy, "locked by root", "year-end freeze", "fairlead unlock capakraken")
	s.told(6, []string{"lock", rig.App, "--reason", "mine"}, "already locked", "year-end freeze")
	s.told(0, []string{"status", rig.App}, "locked", "year-end freeze")
	s.told(0, []string{"unlock", rig.App, "--reason", "January"}, "capakraken is unlocked")
	s.told(1, []string{"unlock", rig.App, "--reason", "January"}, "is not locked")
	s.told(0, deploy)
	s.untouched(before)
}

// A request that is sent twice is one rollout.
func TestIdempotency(t *testing.T) {
	s := newTenant(t, rig.Options{})
	first := s.detached("--image", s.image("2.0.0"), "--idempotency-key", "build-7")
	s.told(0, []string{"watch", first})
	before := s.live("web", "worker")
	if second := s.detached("--image", "2.0.0", "--idempotency-key", "build-7"); second != first {
		t.Errorf("the same key began %s, and then %s", first, second)
	}
	s.told(1, []string{"deploy", rig.App, "--image", "2.1.0", "--idempotency-key", "build-7"}, "already used for another request", first)
	s.untouched(before)
}

// With --output json, standard output is JSON and nothing else.
func TestJSON(t *testing.T) {
	s := newTenant(t, rig.Options{})
	res := s.told(0, []string{"deploy", rig.App, "--image", s.image("2.0.0"), "--output", "json"})
	var last map[string]any
	for line := range strings.Lines(res.Out) {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
	}
	if last["outcome"] != "succeeded" || last["id"] == "" {
		t.Errorf("the last line is not the rollout: %v", last)
	}
	id := fmt.Sprint(last["id"])
	for _, args := range [][]string{{"status"}, {"status", rig.App}, {"secrets", rig.App}, {"rollouts"}, {"show", id},
		{"audit", "log"}, {"audit", "verify", "--state", s.State()}} {
		s.isJSON(s.told(0, append(args, "--output", "json")))
	}
	s.must(s.Store(t.Context(), residue()))
	s.isJSON(s.told(7, []string{"residue", rig.App, "--output", "json"}))
}

// isJSON expects a command's output to be nothing but JSON, in one text or several.
func (s *stage) isJSON(res rig.Result) {
	s.t.Helper()
	texts := json.NewDecoder(strings.NewReader(res.Out))
	for {
		var text any
		err := texts.Decode(&text)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.t.Errorf("%v in %s", err, res)
			return
		}
	}
}

// detached begins a deploy that nobody follows, and returns its id.
func (s *stage) detached(args ...string) string {
	s.t.Helper()
	res := s.told(0, append([]string{"deploy", rig.App, "--detach", "--quiet"}, args...))
	return strings.TrimSpace(res.Out)
}

// reaches waits until a rollout is in a step.
func (s *stage) reaches(id, step string) {
	s.t.Helper()
	s.eventually("the rollout is in "+step, func() error {
		var is struct{ Step string }
		res := s.run(0, "show", id, "--output", "json")
		if err := json.Unmarshal([]byte(res.Out), &is); err != nil {
			return err
		}
		if is.Step != step {
			return fmt.Errorf("it is in %s", is.Step)
		}
		return nil
	})
}
