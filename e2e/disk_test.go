//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
)

// A disk without room for a rollout's records: the request is refused with the numbers, and nothing is done.
func TestDiskFullBefore(t *testing.T) {
	s := newSmall(t, memoryOf("32m"))
	before := s.deployed("2.0.0")
	since := time.Now()
	s.fill(7 << 19)
	s.told(1, []string{"deploy", rig.App, "--image", "2.0.0", "--force"}, "only 3 MiB are free for the journal, and a rollout wants 16", "nothing was changed; make room")
	s.untouched(before)
	s.nothingDone(since)
	s.makeRoom()
	s.told(0, []string{"deploy", rig.App, "--image", "2.0.0", "--force"}, "succeeded")
}

// A disk that becomes full in the middle of a rollout: what the rollout needs to its end was set aside.
func TestDiskFullInTheMiddle(t *testing.T) {
	s := newSmall(t, memoryOf("32m"))
	s.deployed("2.0.0")
	id := s.detached("--image", s.image("2.1.0", "slow-start=3s"))
	s.reaches(id, "verify")
	s.fill(0)
	s.told(0, []string{"watch", id}, "succeeded")
	s.live("web", "worker")
	s.told(1, []string{"rotate", rig.App}, "only 0 MiB are free for the journal", "nothing was changed; make room")
	s.readable(id)
	s.makeRoom()
	s.told(0, []string{"rotate", rig.App}, "succeeded")
}

// badDisk is a disk that fails.
type badDisk struct {
	disk   func(*testing.T) (mount func(string) error)
	breaks func(*small)
	mends  func(*small, func(string) error)
	says   string
	killed bool // the daemon is, meanwhile, and started again
}

// A disk that fails in the middle of a rollout, by being full beyond what was set aside or by having become read-only:
// nothing more is done, everything can be looked at, and when the disk works again the rollout goes on by itself, in
// the same daemon, to its right end. A daemon that is started meanwhile does the same.
func TestDiskFails(t *testing.T) {
	full := badDisk{
		disk:   func(*testing.T) func(string) error { return memoryOf("32m") },
		breaks: func(s *small) { s.fill(0); s.exhaust() },
		mends:  func(s *small, _ func(string) error) { s.makeRoom() },
		says:   "no space left on device",
	}
	readOnly := badDisk{
		disk:   func(t *testing.T) func(string) error { return ext4(newImage(t)) },
		breaks: func(s *small) { s.does("mount", "-o", "remount,abort", s.State()) },
		mends: func(s *small, mount func(string) error) {
			s.does("umount", "-l", s.State())
			s.must(mount(s.State()))
		},
		says: "read-only file system",
	}
	again := readOnly
	again.killed = true
	for name, c := range map[string]badDisk{"full": full, "read-only": readOnly, "read-only, and the daemon is killed": again} {
		t.Run(name, func(t *testing.T) {
			mount := c.disk(t)
			s := newSmall(t, mount)
			s.deployed("2.0.0")
			id := s.detached("--image", s.image("2.1.0", "slow-start=4s"))
			s.reaches(id, "verify")
			c.breaks(s)
			before, since, pid := s.still(), time.Now(), s.PID()

			s.eventually("the daemon has found that nothing can be recorded", func() error {
				if !strings.Contains(s.Log(), "rollout stands still") {
					return errors.New("it does not say so")
				}
				return nil
			})
			for range 2 {
				s.told(1, []string{"rotate", rig.App}, "cannot be written: "+c.says, "mend the disk, and the daemon goes on by itself", "nothing was changed")
			}
			verb := "lock"
			if strings.Contains(s.run(0, "status").Out, "locked") {
				verb = "unlock" // it was an unlock that found the disk full
			}
			s.told(1, []string{verb, rig.App, "--reason", "a test"}, c.says)
			s.told(1, []string{"cancel", id}, c.says)
			s.readable(id)
			s.told(0, []string{"status"}, "stands still", "the daemon accepts no rollout now: ", c.says)
			s.told(0, []string{"status", rig.App}, "stands still", c.says, "next: mend what stands in its way, and the rollout goes on by itself")
			s.told(1, []string{"watch", id}, "rollout "+id+" stands still: ", c.says)
			if got, want := fmt.Sprint(s.still()), fmt.Sprint(before); got != want {
				t.Errorf("the containers are not as they were when the disk failed:\n%s\n%s", got, want)
			}
			s.nothingDone(since)
			if c.killed {
				s.must(s.Kill())
				s.must(s.Start(t.Context()))
				pid = s.PID()
				s.told(1, []string{"rotate", rig.App}, "cannot be written: "+c.says, "nothing was changed")
				s.readable(id)
				s.told(0, []string{"status"}, "the daemon accepts no rollout now: ", c.says)
				s.nothingDone(since)
			}

			c.mends(s, mount)
			s.eventually("the rollout has ended", func() error { return s.over(id) })
			s.told(0, []string{"show", id}, "succeeded")
			if s.PID() != pid {
				t.Error("the daemon was started anew")
			}
			s.live("web", "worker")
			s.told(0, []string{"audit", "log"}, "journal.recovered", "it can be written again, which had failed: the journal in", c.says)
			s.told(0, []string{"audit", "verify", "--state", s.State()}, "the journal is whole")
			s.freed()
			s.told(0, []string{"rotate", rig.App}, "succeeded")
		})
	}
}

// does runs a command of the host.
func (s *small) does(name string, args ...string) {
	s.t.Helper()
	_, err := tool(name, args...)
	s.must(err)
}

// exhaust uses up what was set aside for the rollout, with records of locks, until nothing more can be recorded.
func (s *small) exhaust() {
	s.t.Helper()
	client := api.NewClient(s.Socket())
	defer client.Close()
	reason := strings.Repeat("x", 500)
	for range 5000 {
		err := client.Lock(s.t.Context(), rig.App, reason)
		if err == nil {
			_, err = client.Unlock(s.t.Context(), rig.App, reason)
		}
		if fault.KindOf(err) == fault.Unavailable {
			return
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	s.t.Fatal("the disk is not full after 5000 locks")
}

// freed takes the lock away that exhaust may have left: whether its last record reached the disk, nobody knew.
func (s *small) freed() {
	s.t.Helper()
	if res := s.run(0, "status"); strings.Contains(res.Out, "locked") {
		s.told(0, []string{"unlock", rig.App, "--reason", "the disk works again"})
	}
}

// over returns nil when the rollout has ended.
func (s *small) over(id string) error {
	var is struct{ Phase string }
	res := s.run(0, "show", id, "--output", "json")
	if err := json.Unmarshal([]byte(res.Out), &is); err != nil {
		return err
	}
	if is.Phase != "over" {
		return fmt.Errorf("it is %s", is.Phase)
	}
	return nil
}

// nothingDone expects that the Engine was asked to change none of the app's containers since a moment.
func (s *small) nothingDone(since time.Time) {
	s.t.Helper()
	stamp := func(t time.Time) string {
		return strconv.FormatInt(t.Unix(), 10) + "." + fmt.Sprintf("%09d", t.Nanosecond())
	}
	events, err := s.World.Engine.Stream(s.t.Context(), "GET", "/events", url.Values{"since": {stamp(since)}, "until": {stamp(time.Now())},
		"filters": {`{"type":["container"],"label":["fairlead.instance=` + s.Instance + `"]}`}}, nil)
	s.must(err)
	defer func() { s.must(events.Close()) }()
	for all := json.NewDecoder(events); ; {
		var e event
		err := all.Decode(&e)
		if errors.Is(err, io.EOF) {
			return
		}
		s.must(err)
		if !strings.HasPrefix(e.Action, "exec_") { // looks at the status
			s.t.Errorf("after the disk had failed, %s was done to container %s", e.Action, e.Actor.Attributes["name"])
		}
	}
}
