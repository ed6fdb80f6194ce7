package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/server"
	"github.com/capakraken/fairlead/internal/server/servertest"
)

// TestCalls makes every call, and compares what the daemon was asked and what it answered.
func TestCalls(t *testing.T) {
	var asked []string
	note := func(format string, args ...any) { asked = append(asked, fmt.Sprintf(format, args...)) }
	state := rollout.State{Request: rollout.Request{ID: "01K", App: "a b/c", Kind: rollout.Cleanup}, Phase: rollout.Over, Outcome: rollout.Succeeded,
		Cleared: &rollout.Cleared{Residue: []secret.Residue{{Secret: "s", Verdict: secret.Differs}}}}
	d := servertest.Start(t, server.Options{Version: "1.2.3", Instance: "prod-1", Rollouts: &servertest.Rollouts{
		TriggerFunc: func(_ context.Context, _ journal.Actor, r orchestrator.Request) (rollout.State, error) {
			note("trigger %+v", r)
			return state, nil
		},
		CancelFunc: func(_ context.Context, _ journal.Actor, id, reason string) (rollout.State, error) {
			note("cancel %s %s", id, reason)
			return state, nil
		},
		LockFunc: func(_ context.Context, _ journal.Actor, app, reason string) error {
			note("lock %s %s", app, reason)
			return nil
		},
		UnlockFunc: func(_ context.Context, _ journal.Actor, app, reason string) (rollout.Unlocked, error) {
			note("unlock %s %s", app, reason)
			return rollout.Unlocked{App: app}, nil
		},
		RolloutFunc:  func(id string) (rollout.State, error) { note("rollout %s", id); return state, nil },
		RolloutsFunc: func(app string, n int) []rollout.State { note("rollouts %s %d", app, n); return []rollout.State{state} },
		AppsFunc:     func(context.Context) []rollout.App { return []rollout.App{{Name: "a b/c"}} },
		AppFunc: func(_ context.Context, name string) (rollout.App, error) {
			note("app %s", name)
			return rollout.App{Name: name}, nil
		},
		SecretsFunc: func(_ context.Context, app string) (rollout.SecretReport, error) {
			note("secrets %s", app)
			return rollout.SecretReport{App: app}, nil
		},
		ResidueFunc: func(_ context.Context, app string) (rollout.ResidueReport, error) {
			note("residue %s", app)
			return rollout.ResidueReport{App: app}, nil
		},
		RefusingFunc: func() string { return "full" },
	}})
	c := api.NewClient(d.Socket)
	defer c.Close()
	var version string
	c.OnVersion = func(v string) { version = v }
	ctx := t.Context()
	var got []any
	keep := func(v any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
	}
	h, err := c.Health(ctx)
	keep(h.Refusing, err)
	apps, err := c.Apps(ctx)
	keep(apps[0].Name, err)
	app, err := c.App(ctx, "a b/c")
	keep(app.Name, err)
	secrets, err := c.Secrets(ctx, "a b/c")
	keep(secrets.App, err)
	residue, err := c.Residue(ctx, "a b/c")
	keep(residue.App, err)
	r, err := c.Trigger(ctx, "a b/c", api.Trigger{Kind: rollout.Deploy, Image: "2.0.0", Force: true, Reason: "why"}, "k")
	keep(r.Fault, err)
	list, err := c.Rollouts(ctx, "a b/c", 7)
	keep(len(list), err)
	r, err = c.Rollout(ctx, "0/1")
	keep(r.Fault, err)
	r, err = c.Cancel(ctx, "01K", "why")
	keep(r.ID, err)
	keep(nil, c.Lock(ctx, "a b/c", "why"))
	unlocked, err := c.Unlock(ctx, "a b/c", "why")
	keep(unlocked.App, err)
	if want := fmt.Sprint([]any{"full", "a b/c", "a b/c", "a b/c", "a b/c", fault.Difference, 1, fault.Difference, "01K", nil, "a b/c"}); fmt.Sprint(got) != want {
		t.Errorf("answers %v, want %v", got, want)
	}
	if want := "app a b/c|secrets a b/c|residue a b/c|trigger {App:a b/c Kind:deploy Image:2.0.0 Release: Confirmed:false Force:true AllowWeaker:false IfChanged:false Reason:why IdempotencyKey:k From:<nil>}|" +
		"rollouts a b/c 7|rollout 0/1|cancel 01K why|lock a b/c why|unlock a b/c why"; strings.Join(asked, "|") != want {
		t.Errorf("asked for %s", strings.Join(asked, "|"))
	}
	if version != "1.2.3" {
		t.Errorf("version %q", version)
	}
}

// TestProblem maps a problem back to the error that the daemon had.
func TestProblem(t *testing.T) {
	daemon := fault.Hide(&orchestrator.BusyError{Rollout: "01J"}, fault.Busy, "held by 01J")
	daemon.Problems = []fault.Problem{{Where: "f:1", What: "is wrong", Fix: "mend it"}}
	d := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{
		TriggerFunc: func(context.Context, journal.Actor, orchestrator.Request) (rollout.State, error) {
			return rollout.State{}, daemon
		},
	}})
	_, err := api.NewClient(d.Socket).Trigger(t.Context(), "capakraken", api.Trigger{Kind: rollout.Rotate}, "")
	if fault.KindOf(err) != fault.Busy || err.Error() != daemon.Error() {
		t.Errorf("got %v of kind %s", err, fault.KindOf(err))
	}
	if p, ok := errors.AsType[*api.Problem](err); !ok || p.Rollout != "01J" {
		t.Errorf("the holder is lost: %+v", p)
	}
}

// TestUnreachable asks where no daemon answers, and says what to do about it.
func TestUnreachable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	hasty := raw(t, func(c net.Conn) { _ = c.Close() })
	cut := raw(t, func(c net.Conn) {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
		_ = c.Close()
	})
	foreign := raw(t, func(c net.Conn) {
		fmt.Fprint(c, "HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n")
		_ = c.Close()
	})
	other := raw(t, func(c net.Conn) {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")
		_ = c.Close()
	})
	for socket, want := range map[string]struct {
		kind fault.Kind
		says string
	}{
		filepath.Join(dir, "none"): {fault.Unreachable, "there is no socket " + dir + "/none. Is it running? systemctl status fairlead"},
		file:                       {fault.Unreachable, "nobody listens there"},
		hasty:                      {fault.Unreachable, "took the request and did not answer"},
		cut:                        {fault.Unreachable, "broke its answer off"},
		foreign:                    {fault.Internal, "(with status 302), but not as a Fairlead daemon does"},
		other:                      {fault.Internal, "not what this command expects"},
	} {
		_, err := api.NewClient(socket).Apps(t.Context())
		if fault.KindOf(err) != want.kind || !strings.Contains(fault.Text(err), want.says) {
			t.Errorf("%s: %v of kind %s, want %q", socket, err, fault.KindOf(err), want.says)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := api.NewClient(file).Apps(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// raw listens on a socket and hands every connection to serve once it has read a request's beginning.
func raw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fl") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = ln.Close(), os.RemoveAll(dir) })
	go func() { // ends with ln
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			serve(c)
		}
	}()
	return path
}

// TestAudit reads lines exactly as the daemon writes them, and notices when the rest is missing.
func TestAudit(t *testing.T) {
	damaged := false
	d := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{AuditFunc: func(from uint64) iter.Seq2[journal.Record, error] {
		return func(yield func(journal.Record, error) bool) {
			for seq := from; seq < from+3; seq++ {
				if !yield(servertest.Record(seq, journal.Actor{User: "fairlead"}, rollout.Event{Type: rollout.Resumed, Time: servertest.At(int(seq))}, "a", "01K"), nil) {
					return
				}
			}
			if damaged {
				yield(journal.Record{}, fault.New(fault.Difference, "the journal is damaged"))
			}
		}
	}}})
	c := api.NewClient(d.Socket)
	read := func() (seqs []uint64, err error) {
		for line, err := range c.Audit(t.Context(), api.Excerpt{From: 4, App: "a"}) {
			if err != nil {
				return seqs, err
			}
			var r journal.Record
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			exact, err := r.Line()
			if err != nil || string(exact) != string(line)+"\n" {
				t.Errorf("the line is not exact: %v\n%s", err, line)
			}
			seqs = append(seqs, r.Seq)
		}
		return seqs, nil
	}
	if seqs, err := read(); err != nil || fmt.Sprint(seqs) != "[4 5 6]" {
		t.Errorf("got %v, %v", seqs, err)
	}
	damaged = true
	if _, err := read(); fault.KindOf(err) != fault.Unreachable || !strings.Contains(fault.Text(err), "broke its answer off") {
		t.Errorf("a log that was cut off: %v", err)
	}
}
