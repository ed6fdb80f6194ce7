package orchestrator_test

import "fmt"

// when says at which moment of an append a daemon dies.
type when int

const (
	before  when = iota + 1 // nothing of the record was written
	written                 // it was written, and not synced: a kill keeps it
	torn                    // it was written, and not synced: a power cut leaves what it likes of it
	synced                  // it is durable, and the daemon never hears of it
)

func (w when) String() string {
	return [...]string{"", "before it", "written and killed", "written and without power", "synced and unheard"}[w]
}

// whens are all moments.
var whens = []when{before, written, torn, synced}

// end is how a daemon goes.
type end int

const (
	killed    end = iota // what the kernel was given is there
	powerless            // what was not synced may be gone
	unheard              // what was asked for last is still done
)

// death is when a daemon dies.
type death struct {
	append  int // counted over all lives from 1; what a start writes anew counts as well
	when    when
	move    int  // before this move of the host, counted over all lives from 1
	reboots bool // the host goes down with it
}

func (d *death) String() string {
	switch {
	case d == nil:
		return "no death"
	case d.move > 0:
		return fmt.Sprintf("before move %d", d.move)
	}
	return fmt.Sprintf("append %d %s", d.append, d.when)
}
