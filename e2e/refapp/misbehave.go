package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// The switches of REFAPP_MISBEHAVE, a list with commas. Before a name may stand the service that it is meant for
// ("worker:crash"); without, it is meant for all.
//
//	slow-start=5s            sleep before doing anything
//	crash                    write a log line and exit with 3
//	crash-after=2s           exit with 3 after a while
//	crash-loop               work well for half a second, then exit with 0; a restart policy makes it a loop
//	leak-log                 write the secrets' values to the log and exit with 1
//	ignore-sigterm           wait to be killed
//	never-healthy            report ok: false
//	flapping                 report ok: true and false in turn
//	source-database[=NAME]   report the source "database" for a secret (primary-ai)
//	one-secret-missing[=NAME] leave a secret out of the report (primary-ai)
//	misreport-version=V      report another version
//	leak                     put a secret's value into the report
//	hang                     accept a request for the status and never answer
//	redirect                 redirect it
//	wrong-json               answer it with something that is not JSON
//	http-500                 answer it with 500
//	huge                     answer it with 100 MB
//	endless, drip, …         answer it with what has no end, or unpacks to too much; see flood.go for these
//	log-storm=100            write so many MB of long lines to the log and exit with 3
func knownSwitches() map[string]string {
	known := map[string]string{ // with what each is set to when nothing is said
		"slow-start": "5s", "crash": "", "crash-after": "2s", "crash-loop": "", "leak-log": "", "ignore-sigterm": "",
		"never-healthy": "", "flapping": "", "source-database": "primary-ai", "one-secret-missing": "primary-ai",
		"misreport-version": "0.0.0", "leak": "",
		"hang": "", "redirect": "", "wrong-json": "", "http-500": "", "huge": "",
		"log-storm": "100",
	}
	for name := range floods() {
		known[name] = ""
	}
	return known
}

// Switches are the ways in which one service misbehaves.
type Switches struct {
	set   map[string]string
	looks atomic.Int64 // how often its health was asked for
}

// parseSwitches returns the switches of list that are meant for role.
func parseSwitches(list, role string) (*Switches, error) {
	s := &Switches{set: map[string]string{}}
	for item := range strings.SplitSeq(list, ",") {
		name, value, hasValue := strings.Cut(strings.TrimSpace(item), "=")
		if name == "" {
			continue
		}
		if service, rest, ok := strings.Cut(name, ":"); ok {
			if service != role {
				continue
			}
			name = rest
		}
		preset, known := knownSwitches()[name]
		if !known {
			return nil, fmt.Errorf("REFAPP_MISBEHAVE: there is no switch %q", name)
		}
		if !hasValue {
			value = preset
		}
		if name == "slow-start" || name == "crash-after" {
			if _, err := time.ParseDuration(value); err != nil {
				return nil, fmt.Errorf("REFAPP_MISBEHAVE: %s takes a duration such as 5s", name)
			}
		}
		s.set[name] = value
	}
	return s, nil
}

func (s *Switches) on(name string) bool {
	_, ok := s.set[name]
	return ok
}

// duration returns what the switch is set to; parseSwitches saw that it is a duration.
func (s *Switches) duration(name string) time.Duration {
	d, _ := time.ParseDuration(s.set[name])
	return d
}

// healthy tells whether the service claims to be well this time.
func (s *Switches) healthy() bool {
	flapped := s.on("flapping") && s.looks.Add(1)%2 == 0
	return !s.on("never-healthy") && !flapped
}

// misbehaveAtStart does what the switches want before the service starts. The context that it returns ends when they want
// the service to end, with the exit code as its cause.
func (a *App) misbehaveAtStart(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if a.switches.on("slow-start") {
		delay := a.switches.duration("slow-start")
		log.Printf("starting slowly, in %s", delay)
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
	switch {
	case a.switches.on("crash"):
		log.Print("fatal: crashing at start, on demand")
		return ctx, func() {}, exit(3)
	case a.switches.on("log-storm"):
		return ctx, func() {}, a.switches.storm(os.Stderr)
	case a.switches.on("leak-log"):
		return ctx, func() {}, a.leakLog(ctx)
	case a.switches.on("crash-loop"):
		ctx, cancel := context.WithTimeoutCause(ctx, 500*time.Millisecond, exit(0))
		return ctx, cancel, nil
	case a.switches.on("crash-after"):
		ctx, cancel := context.WithTimeoutCause(ctx, a.switches.duration("crash-after"), exit(3))
		return ctx, cancel, nil
	}
	return ctx, func() {}, nil
}

// leakLog does what no application should: it writes its secrets to the log and dies of them.
func (a *App) leakLog(ctx context.Context) error {
	stored, err := a.store.Read(ctx)
	if err != nil {
		log.Print(err)
	}
	for _, r := range resolve(a.env, stored, a.legacy()) {
		log.Printf("fatal: bad credential %s=%s", r.env, r.value)
	}
	return exit(1)
}

// distort makes the status say what the switches want.
func (s *Switches) distort(status *Status, secrets []resolved) {
	if !s.healthy() {
		status.OK, status.Problem = false, "unwell on demand"
	}
	if s.on("source-database") {
		status.RuntimeSecrets[s.set["source-database"]] = SecretStatus{Source: fromDatabase, Configured: true}
	}
	if s.on("one-secret-missing") {
		delete(status.RuntimeSecrets, s.set["one-secret-missing"])
	}
	if s.on("misreport-version") {
		status.Version = s.set["misreport-version"]
	}
	if s.on("leak") {
		for _, r := range secrets {
			status.Debug += r.value
		}
	}
}

// spoil answers in the service's place if a switch wants that, and tells whether it did.
func (s *Switches) spoil(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case s.on("hang"):
		<-r.Context().Done()
	case s.on("redirect"):
		http.Redirect(w, r, "/healthz", http.StatusFound)
	case s.on("wrong-json"):
		fmt.Fprintln(w, "{\"ok\": true, \"runtimeSecrets\": <nil>}")
	case s.on("http-500"):
		http.Error(w, "broken on demand", http.StatusInternalServerError)
	case s.on("huge"):
		writeHuge(w)
	default:
		return s.flood(w, r)
	}
	return true
}

// spoilOutput is spoil for the output of `refapp status`. A redirect has no meaning there.
func (s *Switches) spoilOutput(ctx context.Context, w io.Writer) error {
	switch {
	case s.on("hang"):
		<-ctx.Done()
		return ctx.Err()
	case s.on("wrong-json"):
		fmt.Fprintln(w, "{\"ok\": true, \"runtimeSecrets\": <nil>}")
	case s.on("http-500"):
		log.Print("broken on demand")
		return exit(1)
	case s.on("huge"):
		writeHuge(w)
	default:
		return nil
	}
	return exit(0)
}

// writeHuge writes 100 MB that begin like a good answer, or as much as is read of them.
func writeHuge(w io.Writer) {
	if _, err := io.WriteString(w, `{"ok":true,"padding":"`); err != nil {
		return
	}
	padding := []byte(strings.Repeat("x", 1<<20))
	for range 100 {
		if _, err := w.Write(padding); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, "\"}\n") // nobody reads as far
}
