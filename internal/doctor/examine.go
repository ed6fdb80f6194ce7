package doctor

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/steps"
	"github.com/capakraken/fairlead/internal/workload"
)

// The bounds of an examination.
const (
	checkTime = 7 * time.Second
	wholeTime = 25 * time.Second
	atOnce    = 8
)

// check is one look at one thing.
type check struct {
	topic, subject string
	look           func(ctx context.Context) []Finding
}

// Examine looks at everything. It returns after half a minute at the latest: what is not done by then is said to be so.
func Examine(ctx context.Context, p Patient) Report {
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	e := &examination{Patient: p}
	report := Report{Findings: together(ctx, e.firstChecks())}
	if p.Unsound != nil {
		return report
	}
	rest := e.hostChecks()
	for _, name := range slices.Sorted(maps.Keys(p.Config.Apps)) {
		rest = append(rest, e.appChecks(name)...)
	}
	report.Findings = append(report.Findings, together(ctx, rest)...)
	return report
}

// examination is what the checks share. What the first ones find out decides what the others are worth.
type examination struct {
	Patient
	mu      sync.Mutex
	engine  bool // it answers
	daemon  Daemon
	answers bool // the daemon does
}

// firstChecks are those that the others build on, or that need no configuration.
func (e *examination) firstChecks() []check {
	all := []check{
		{"configuration", e.Path, e.configuration},
		{"daemon", e.Socket, e.socket},
		{"systemd", "fairlead.service", e.systemd},
		{"state", e.State, e.state},
		{"clock", "this host", e.clock},
	}
	if e.Unsound == nil {
		all = append(all, check{"engine", "", e.dockerEngine})
	}
	return all
}

// hostChecks are about the whole host.
func (e *examination) hostChecks() []check {
	return []check{
		{"engine", "socket", e.dockerSocket},
		{"disk", "images", needing(e.reachable(), e.imageSpace)},
		{"registry", e.Config.Registry.ConfigFile, e.logins},
		{"leftovers", "other daemons", needing(e.reachable(), e.strangers)},
	}
}

// appChecks are about one app. Its environment is read once for all of them.
func (e *examination) appChecks(name string) []check {
	app := e.Config.Apps[name]
	known := sync.OnceValues(func() (steps.Provisioned, error) {
		ctx, cancel := context.WithTimeout(context.Background(), checkTime)
		defer cancel()
		return e.Apps.Examine(ctx, name)
	})
	all := []check{{"environment", name, func(context.Context) []Finding { return e.environment(app, known) }}}
	for _, source := range app.Env {
		if file := source.File; file != "" {
			all = append(all, check{"environment", file, func(context.Context) []Finding { return e.directories(file) }})
		}
		if source.Age != nil {
			all = append(all, check{"environment", source.Age.File, func(context.Context) []Finding { return e.directories(source.Age.File) }})
		}
	}
	found := sync.OnceValues(func() ([]workload.Container, error) {
		p, err := known()
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), checkTime)
		defer cancel()
		return e.Engine.Observe(ctx, p.Key, p.Services)
	})
	all = append(all,
		check{"host", name, needing(e.reachable(), func(ctx context.Context) []Finding { return e.surroundings(ctx, known) })},
		check{"registry", app.Repository, needing(e.reachable(), func(ctx context.Context) []Finding { return e.registry(ctx, app, found) })},
		check{"leftovers", name, needing(e.reachable(), func(context.Context) []Finding { return e.leftovers(app, found) })})
	for _, m := range e.Config.Registry.MirrorsOf(app.Repository) {
		all = append(all, check{"registry", m, needing(e.reachable(), func(ctx context.Context) []Finding { return e.mirror(ctx, app, m, found) })})
	}
	for _, d := range app.Services {
		all = append(all, check{"status", name + "/" + d.Name, needing(e.reachable(), func(ctx context.Context) []Finding { return e.status(ctx, app, d.Name, found) })})
	}
	if app.Legacy != nil {
		all = append(all, check{"database", name, func(ctx context.Context) []Finding { return e.database(ctx, app, known) }})
	}
	return all
}

// reachable tells whether the Engine has answered.
func (e *examination) reachable() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.engine
}

// said returns what the daemon has said, and whether it has.
func (e *examination) said() (Daemon, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.daemon, e.answers
}

// needing returns a look that is not taken where the Engine does not answer: that was said already.
func needing(engine bool, look func(ctx context.Context) []Finding) func(ctx context.Context) []Finding {
	if engine {
		return look
	}
	return func(context.Context) []Finding {
		return []Finding{warning("not looked at, since the Docker Engine does not answer", "")}
	}
}

// together takes all looks, some at once, and returns their findings in the checks' order.
func together(ctx context.Context, checks []check) []Finding {
	found := make([][]Finding, len(checks))
	room := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { // ends with the check's time
			room <- struct{}{}
			defer func() { <-room }()
			found[i] = c.take(ctx)
		})
	}
	all.Wait()
	return slices.Concat(found...)
}

// take takes the look. One that panics or does not come back is a problem of its own; its goroutine ends with the process.
func (c check) take(ctx context.Context) []Finding {
	if ctx.Err() != nil {
		return c.name([]Finding{problem("not looked at: the time was up before its turn came", "look at what did not come to an end, then run it again")})
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	done := make(chan []Finding, 1)
	go func() { // ends with the look
		defer func() {
			if recover() != nil {
				done <- []Finding{problem("this check has a bug, and found nothing out", "report it, with the version of this program")}
			}
		}()
		done <- c.look(ctx)
	}()
	var findings []Finding
	select {
	case findings = <-done:
	case <-ctx.Done():
		select { // it may have ended in the same instant
		case findings = <-done:
		case <-time.After(time.Second): // a look that keeps to its context says better what was slow
			findings = []Finding{problem("did not come to an end in time", "look whether the disk, the network or the Docker Engine hangs, then run it again")}
		}
	}
	return c.name(findings)
}

// name puts on every finding what it is of.
func (c check) name(findings []Finding) []Finding {
	for i := range findings {
		findings[i].Check = c.topic
		if findings[i].Subject == "" {
			findings[i].Subject = c.subject
		}
	}
	return findings
}

func ok(found string) Finding { return Finding{Verdict: OK, Found: found} }
func warning(found, remedy string) Finding {
	return Finding{Verdict: Warning, Found: found, Remedy: remedy}
}
func problem(found, remedy string) Finding {
	return Finding{Verdict: Problem, Found: found, Remedy: remedy}
}

// of names what a finding is about, where that is not what the check is about.
func (f Finding) of(subject string) Finding {
	f.Subject = subject
	return f
}

// barred says that this user may not look.
func barred(what string) Finding {
	return warning(what+" could not be looked at: this user may not", "run it as root: sudo fairlead doctor")
}

// failed returns an error as findings, each of its problems by itself.
func failed(err error, remedy string) []Finding {
	problems := fault.ProblemsOf(err)
	if len(problems) == 0 {
		return []Finding{problem(fault.Text(err), remedy)}
	}
	return mended(problems, remedy)
}

// mended returns problems as findings; remedy is for those that have none of their own.
func mended(problems []fault.Problem, remedy string) []Finding {
	var out []Finding
	for _, p := range problems {
		found := p.What
		if p.Where != "" {
			found = p.Where + ": " + found
		}
		out = append(out, problem(found, cmp.Or(p.Fix, remedy)))
	}
	return out
}
