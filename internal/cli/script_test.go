package cli_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/capakraken/fairlead/internal/cli"
	"github.com/capakraken/fairlead/internal/doctor"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/server"
	"github.com/capakraken/fairlead/internal/server/servertest"
	"github.com/capakraken/fairlead/internal/workload"
)

// TestScript runs the stories in testdata/script. Besides testscript's own commands they have:
//
//	daemon SCENARIO      start a daemon that answers as the scenario has it
//	second SCENARIO      start another daemon, whose socket is $SECOND
//	terminal             from now on, standard input and output are a terminal
//	answer TEXT          what is typed at the next question
//	given FILE           what stands on standard input
//	interrupt TEXT       from now on, commands are interrupted when they have printed the text
//	journal N            write a journal of N records into state/journal
//	append FILE TEXT     write text behind a file's end
//	replace FILE OLD NEW change a file's first OLD into NEW
//	doctor FINDING...    from now on, a doctor finds these, each as CHECK|SUBJECT|VERDICT|FOUND|REMEDY
//	fairlead CODE ARG... run a command, which exits with CODE
//
// With UPDATE=1 in the environment the wanted outputs are written anew.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Values[deskKey{}] = &desk{t: t}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": func(ts *testscript.TestScript, _ bool, args []string) { at(ts).daemon(ts, args[0]) },
			"second": func(ts *testscript.TestScript, _ bool, args []string) {
				fake := servertest.Start(at(ts).t, server.Options{Rollouts: scenario(ts, args[0]), Version: "test", Instance: "staging-1"})
				ts.Defer(fake.Stop)
				ts.Setenv("SECOND", fake.Socket)
			},
			"terminal":  func(ts *testscript.TestScript, _ bool, _ []string) { at(ts).terminal = true },
			"answer":    func(ts *testscript.TestScript, _ bool, args []string) { at(ts).in = args[0] + "\n" },
			"given":     func(ts *testscript.TestScript, _ bool, args []string) { at(ts).in = ts.ReadFile(args[0]) },
			"interrupt": func(ts *testscript.TestScript, _ bool, args []string) { at(ts).interrupt = args[0] },
			"journal":   writeJournal,
			"append": func(ts *testscript.TestScript, _ bool, args []string) {
				overwrite(ts, args[0], ts.ReadFile(args[0])+args[1])
			},
			"replace": func(ts *testscript.TestScript, _ bool, args []string) {
				overwrite(ts, args[0], strings.Replace(ts.ReadFile(args[0]), args[1], args[2], 1))
			},
			"doctor":   func(ts *testscript.TestScript, _ bool, args []string) { at(ts).findings = args },
			"fairlead": func(ts *testscript.TestScript, _ bool, args []string) { at(ts).run(ts, args) },
		},
	})
}

type deskKey struct{}

// desk is where an operator of a script sits.
type desk struct {
	t                     testing.TB
	socket, in, interrupt string
	terminal              bool
	findings              []string
}

func at(ts *testscript.TestScript) *desk { return ts.Value(deskKey{}).(*desk) }

func (d *desk) daemon(ts *testscript.TestScript, name string) {
	fake := servertest.Start(d.t, server.Options{Rollouts: scenario(ts, name), Version: "test", Instance: "prod-1"})
	ts.Defer(fake.Stop)
	d.socket = fake.Socket
}

func (d *desk) run(ts *testscript.TestScript, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	wired := func(to io.Writer) io.Writer { return &tripwire{Writer: to, text: d.interrupt, trip: cancel} }
	code := cli.Run(ctx, args[1:], cli.Options{
		In: strings.NewReader(d.in), Out: wired(ts.Stdout()), Err: wired(ts.Stderr()), Version: "test",
		Getenv: func(name string) string {
			if name == "FAIRLEAD_SOCKET" {
				return d.socket
			}
			return ts.Getenv(name)
		},
		Now:      func() time.Time { return servertest.At(600) },
		Terminal: func(any) bool { return d.terminal },
		Doctor:   d.examine,
		Containers: func(string) (cli.Containers, error) {
			return existing{"shop-web": {Service: workload.Service{Name: "web", ContainerName: "shop-web", Restart: workload.RestartPolicy{Name: "always"}},
				Image: workload.Image{Repository: "registry.example.com/shop"}, Variables: []string{"API_KEY", "NODE_ENV"}, Exposed: []uint16{3000}}}, nil
		},
	})
	if code != want {
		ts.Fatalf("exit %d, want %d", code, want)
	}
}

// examine finds what the script says.
func (d *desk) examine(_ context.Context, w doctor.Where) doctor.Report {
	r := doctor.Report{Findings: []doctor.Finding{{Check: "configuration", Subject: w.Config, Verdict: doctor.OK, Found: "sound", Remedy: "none"}}}
	for _, text := range d.findings {
		part := strings.Split(text, "|")
		r.Findings = append(r.Findings, doctor.Finding{Check: part[0], Subject: part[1], Verdict: doctor.Verdict(part[2]), Found: part[3], Remedy: part[4]})
	}
	return r
}

// existing are containers that somebody else made.
type existing map[string]workload.Existing

func (e existing) Existing(_ context.Context, name string) (workload.Existing, error) {
	c, ok := e[name]
	if !ok {
		return c, fault.New(fault.NotFound, "there is no container %q; docker ps -a shows those that there are", name)
	}
	return c, nil
}

// tripwire calls trip as soon as the text has been written through it.
type tripwire struct {
	io.Writer
	text string
	trip func()
	seen strings.Builder
}

func (w *tripwire) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.seen.Write(b)
	if w.text != "" && strings.Contains(w.seen.String(), w.text) {
		w.trip()
	}
	return n, err
}

// writeJournal writes a journal as the daemon would.
func writeJournal(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs("state"), 0o700))
	tick := 0
	j, err := journal.Open(journal.Options{Dir: ts.MkAbs("state/journal"), Now: func() time.Time { tick++; return servertest.At(tick) }})
	ts.Check(err)
	for range n {
		_, err := j.Append(journal.Record{Actor: journal.Actor{User: "fairlead"}, Type: "daemon.started", Data: []byte(`{"version":"test"}`)})
		ts.Check(err)
	}
	ts.Check(j.Close())
}

func overwrite(ts *testscript.TestScript, file, text string) {
	ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
}

// endless follows the events of watch with signs of life, and then with nothing until the watcher leaves.
func endless(watch func(context.Context, string, uint64) iter.Seq2[orchestrator.Event, error]) func(context.Context, string, uint64) iter.Seq2[orchestrator.Event, error] {
	return func(ctx context.Context, id string, after uint64) iter.Seq2[orchestrator.Event, error] {
		return func(yield func(orchestrator.Event, error) bool) {
			for e, err := range watch(ctx, id, after) {
				if !yield(e, err) {
					return
				}
			}
			for look := range 3 {
				p := rollout.Progress{Step: rollout.Verify, Service: "web", Text: fmt.Sprintf("look %d: not healthy yet", look+1)}
				if !yield(orchestrator.Event{Progress: &p}, nil) {
					return
				}
			}
			<-ctx.Done()
		}
	}
}
