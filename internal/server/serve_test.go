package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/server"
	"github.com/capakraken/fairlead/internal/server/servertest"
)

func TestHealth(t *testing.T) {
	d := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{}, Version: "1.2.3", Instance: "prod-1"})
	h, err := api.NewClient(d.Socket).Health(t.Context())
	if err != nil || h.Version != "1.2.3" || h.Instance != "prod-1" || h.Refusing != "" {
		t.Fatalf("got %+v, %v", h, err)
	}
}

// TestActor checks that a request is made in the name of this very process.
func TestActor(t *testing.T) {
	var by journal.Actor
	d := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{LockFunc: func(_ context.Context, a journal.Actor, _, _ string) error { by = a; return nil }}})
	if err := api.NewClient(d.Socket).Lock(t.Context(), "capakraken", "a test"); err != nil {
		t.Fatal(err)
	}
	if by.UID != int64(os.Getuid()) || by.GID != int64(os.Getgid()) || by.PID != int64(os.Getpid()) || by.User == "" || by.Role != "admin" {
		t.Errorf("by %+v", by)
	}
}

// TestStrangers asks in the name of other users, which only root can do: a stranger, one that is named, and nobody.
func TestStrangers(t *testing.T) {
	const named = 48151
	d := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{},
		Access: server.Access{Viewers: server.Principals{UIDs: []uint32{named}}, Admins: server.Principals{UIDs: []uint32{65534}}}})
	if os.Getuid() != 0 {
		return // TestActor and the table of roles say the rest
	}
	if err := os.Chmod(d.Socket, 0o777); err != nil { // here nothing but the role shall keep them out
		t.Fatal(err)
	}
	opened(t, d.Socket)
	for uid, want := range map[uint32]string{named: "200", named + 1: "403", 65534: "403"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAsOther$")
		cmd.Env = []string{"FAIRLEAD_TEST_SOCKET=" + d.Socket}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, NoSetGroups: false}}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "status "+want) {
			t.Errorf("uid %d: %v, want status %s\n%s", uid, err, want, out)
		}
	}
}

// TestAsOther is what TestStrangers runs as another user. On its own it does nothing.
func TestAsOther(*testing.T) {
	socket := os.Getenv("FAIRLEAD_TEST_SOCKET")
	if socket == "" {
		return
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "GET /v1/apps HTTP/1.1\r\nHost: fairlead\r\nConnection: close\r\n\r\n")
	answer, _ := io.ReadAll(c)
	_, status, _ := strings.Cut(string(answer), " ")
	fmt.Println("status", status[:3])
}

// opened lets every user reach the socket and run the test's binary.
func opened(t *testing.T, socket string) {
	t.Helper()
	for _, path := range []string{socket, os.Args[0]} {
		for dir := path[:strings.LastIndex(path, "/")]; dir != "" && dir != "/tmp"; dir = dir[:strings.LastIndex(dir, "/")] {
			info, err := os.Stat(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, info.Mode().Perm()|0o055); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSlowHeader keeps a connection open that never sends its whole header: it is cut off, and others are answered.
func TestSlowHeader(t *testing.T) {
	t.Parallel()
	d := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{}})
	var slow []net.Conn
	for range 50 {
		c, err := net.Dial("unix", d.Socket)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		fmt.Fprint(c, "GET /v1/health HTTP/1.1\r\nHost: fair")
		slow = append(slow, c)
	}
	if _, err := api.NewClient(d.Socket).Health(t.Context()); err != nil {
		t.Errorf("the daemon does not answer beside slow peers: %v", err)
	}
	for _, c := range slow {
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c); err != nil {
			t.Fatalf("a slow peer is not cut off: %v", err)
		}
	}
}

// TestStop stops the server while an event stream is open and while a request is under way.
func TestStop(t *testing.T) {
	entered, proceed := make(chan struct{}), make(chan struct{})
	d := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{
		RolloutFunc: func(string) (rollout.State, error) { return rollout.State{}, nil },
		WatchFunc: func(ctx context.Context, _ string, _ uint64) iter.Seq2[orchestrator.Event, error] {
			return func(func(orchestrator.Event, error) bool) { <-ctx.Done() }
		},
		LockFunc: func(context.Context, journal.Actor, string, string) error { close(entered); <-proceed; return nil },
	}})
	c, err := net.Dial("unix", d.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	fmt.Fprint(c, "GET /v1/rollouts/01K/events HTTP/1.1\r\nHost: fairlead\r\n\r\n")
	stream := bufio.NewReader(c)
	if line, err := stream.ReadString('\n'); err != nil || !strings.HasSuffix(line, "200 OK\r\n") {
		t.Fatalf("%q, %v", line, err)
	}
	answered := make(chan error, 1)
	go func() { answered <- api.NewClient(d.Socket).Lock(context.Background(), "capakraken", "a test") }()
	<-entered
	stopped := make(chan struct{})
	go func() { d.Stop(); close(stopped) }()
	rest, err := io.ReadAll(stream)
	if err != nil || !strings.Contains(string(rest), "the daemon stops") {
		t.Errorf("the stream did not end well: %v\n%s", err, rest)
	}
	close(proceed)
	if err := <-answered; err != nil {
		t.Errorf("the request under way was not answered: %v", err)
	}
	<-stopped
	if _, err := api.NewClient(d.Socket).Health(t.Context()); fault.KindOf(err) != fault.Unreachable {
		t.Errorf("after the stop: %v", err)
	}
}

// TestOptions makes servers that lack something.
func TestOptions(t *testing.T) {
	for i, o := range []server.Options{{}, {Rollouts: &servertest.Rollouts{}}} {
		if _, err := server.New(o); fault.KindOf(err) != fault.Internal || err == nil {
			t.Error(strconv.Itoa(i), err)
		}
	}
}
