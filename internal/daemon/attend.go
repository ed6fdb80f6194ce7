package daemon

import (
	"context"
	"fmt"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
)

const (
	// glance is how often what is told of the daemon is held against what is the case, where nothing tells of a change.
	glance = 5 * time.Second
	// extension is for how much longer than now a stop asks systemd each time that it does.
	extension = 15 * time.Second
)

// attend tells systemd what the daemon does and, if systemd keeps a watchdog, that it makes progress, until ctx ends.
// A daemon that is stuck is not vouched for: systemd then ends it and starts another, which goes on with what is begun.
// Once stopping is closed, it asks for the time that a step needs to its end.
func (d *Daemon) attend(ctx context.Context, stopping <-chan struct{}) {
	vouch := time.Duration(0)
	if limit, err := sd.SdWatchdogEnabled(false); err == nil && limit > 0 {
		vouch = max(limit/4, time.Millisecond)
	}
	every := glance
	if vouch > 0 {
		every = min(every, vouch)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	told, stuck := "", ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.moved:
		case <-stopping:
			stopping = nil
		case <-tick.C:
			why := d.stuck(ctx, every)
			switch {
			case why == "" && vouch > 0:
				d.notify(sd.SdNotifyWatchdog)
			case why != "" && stuck == "":
				d.options.Log.Error("the daemon is stuck", zap.String("why", why))
			}
			if stuck = why; stuck != "" {
				d.say(&told, "STATUS=stuck: "+stuck)
				continue // what else it would say may be what it is stuck in
			}
			if d.stops.Load() {
				d.notify(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", extension.Microseconds()))
			}
		}
		d.say(&told, d.status())
	}
}

// stuck returns why the daemon makes no progress, or "".
func (d *Daemon) stuck(ctx context.Context, limit time.Duration) string {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := d.rollouts.Stuck(ctx); err != nil {
		return fault.Text(err)
	}
	return ""
}

// say tells systemd a status that it does not show yet.
func (d *Daemon) say(told *string, now string) {
	if now != *told {
		d.notify(now)
		*told = now
	}
}

// status returns what is told of the daemon now.
func (d *Daemon) status() string {
	refusing := d.rollouts.Refusing()
	if refusing != "" && !d.stops.Load() {
		refusing = "no rollout is accepted: " + refusing
	}
	remark := ""
	if p := d.remark.Load(); p != nil {
		remark = *p
	}
	return status(d.rollouts.Doing(), len(d.apps.Apps()), refusing, remark)
}

// stir has the status told anew. It does not wait.
func (d *Daemon) stir() {
	select {
	case d.moved <- struct{}{}:
	default: // it is about to be
	}
}
