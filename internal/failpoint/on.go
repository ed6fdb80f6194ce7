//go:build failpoint

package failpoint

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// armed is what this process was started with. It is read at the first point.
var armed = sync.OnceValue(fromEnvironment)

// arms are the orders, and how often each point was come by.
type arms struct {
	log    string
	mu     sync.Mutex
	orders []order
	times  map[Point]int
}

// Hit has happen what was ordered for this time at p. It returns unless the process was to end or to stall.
func Hit(p Point) {
	a := armed()
	if len(a.orders) == 0 {
		return
	}
	a.mu.Lock()
	deed := a.count(p)
	if deed != "" {
		a.note(p)
	}
	a.mu.Unlock()
	switch deed {
	case kill:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // there is nothing else to do where it fails
		select {}
	case crash:
		panic("failpoint " + string(p))
	case leave:
		os.Exit(0)
	case freeze:
		select {}
	}
}

// count counts this time at p and returns what is to be done, which may be nothing. The caller holds mu.
func (a *arms) count(p Point) (deed string) {
	a.times[p]++
	a.times[anywhere]++
	for _, o := range a.orders {
		if (o.at == p || o.at == anywhere) && a.times[o.at] == o.nth {
			return o.deed
		}
	}
	return ""
}

// note adds the point's name to the log and returns when that is durable. The caller holds mu.
func (a *arms) note(p Point) {
	f, err := os.OpenFile(a.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		if _, err = f.WriteString(string(p) + "\n"); err == nil {
			err = f.Sync()
		}
		_ = f.Close() // it is durable, or there is an error already
	}
	if err != nil {
		fail(err)
	}
}

func fromEnvironment() *arms {
	a := &arms{log: os.Getenv("FAIRLEAD_FAILPOINT_LOG"), times: map[Point]int{}}
	text := os.Getenv("FAIRLEAD_FAILPOINT")
	if text == "" {
		return a
	}
	var err error
	if a.orders, err = parse(text); err != nil {
		fail(err)
	}
	return a
}

// fail ends a process that could not do as it was ordered: a test must not take it for one that has survived.
func fail(err error) {
	fmt.Fprintln(os.Stderr, "FAIRLEAD_FAILPOINT:", err)
	os.Exit(2)
}
