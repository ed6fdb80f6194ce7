package orchestrator

import (
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
)

// Refused requests are recorded, but at most refusedPerHour of an app's in an hour; the next hour's first one says how
// many were left out. Nobody can fill the disk with them.
const refusedPerHour = 20

// refusals counts the refused requests of one app.
type refusals struct {
	since    time.Time
	recorded int
	left     int // not recorded since
}

// noteRefusal is recordRefusal for whoever does not hold the pen.
func (o *Orchestrator) noteRefusal(by journal.Actor, r Request, why error) {
	o.noteAnswer(by, r, requestRefused, why)
}

// noteAnswer is recordAnswer for whoever does not hold the pen. It does not wait long for it: nothing depends on it.
func (o *Orchestrator) noteAnswer(by journal.Actor, r Request, kind string, why error) {
	if !o.pen.takeWithin(time.Second) {
		o.Log.Warn("a refusal could not be recorded, since the journal's disk does not answer", zap.String("app", r.App))
		return
	}
	defer o.pen.give()
	o.recordAnswer(by, r, kind, why)
}

// recordRefusal records that a request was refused. The caller holds the pen.
func (o *Orchestrator) recordRefusal(by journal.Actor, r Request, why error) {
	o.recordAnswer(by, r, requestRefused, why)
}

// recordAnswer records that no rollout came of a request; why is nil where none was needed. The caller holds the pen. One
// that cannot be recorded is only logged: nothing depends on it.
func (o *Orchestrator) recordAnswer(by journal.Actor, r Request, kind string, why error) {
	if o.stopped {
		return // the record of the stop is the last one
	}
	name := r.App
	if why != nil && fault.KindOf(why) == fault.NotFound {
		name = "" // an app that does not exist is anybody's invention, and would be counted apart
	}
	c, ok := o.refusals[name]
	if !ok || time.Since(c.since) >= time.Hour {
		left := 0
		if ok {
			left = c.left
		}
		c = &refusals{since: time.Now(), left: left}
		o.refusals[name] = c
	}
	if c.recorded == refusedPerHour {
		c.left++
		return
	}
	data := map[string]any{"kind": r.Kind}
	if why != nil {
		data["fault"], data["why"] = fault.KindOf(why), fault.Summary(why)
	}
	if c.left > 0 && c.recorded == 0 {
		data["unrecorded_before"] = c.left
		c.left = 0
	}
	c.recorded++
	if _, err := o.append(journal.Record{Actor: by, Type: kind, App: name}, data); err != nil {
		o.Log.Warn("a refusal could not be recorded", zap.String("app", name))
	}
}
