package daemon

import (
	"context"
	"reflect"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
)

// reloads takes up the configuration anew with every word in the options' Reload, until ctx ends.
func (d *Daemon) reloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.options.Reload:
			d.reload(ctx)
		}
	}
}

// reload takes up the configuration as it is now. One that is refused leaves the old one, which is logged, and shown as the
// status until one is taken up. systemd is told when it begins and when it is over, whatever came of it.
func (d *Daemon) reload(ctx context.Context) {
	d.notify(sd.SdNotifyReloading, strings.TrimSpace(sd.SdNotifyMonotonicUsec()))
	restart, err := d.reconfigure(ctx)
	switch {
	case err != nil:
		d.options.Log.Error("the new configuration is refused, and the old one is kept", zap.String("why", fault.Text(err)))
		d.observe("the configuration of " + time.Now().UTC().Format(time.DateTime) + " is refused, and the old one kept: " + fault.Summary(err) + first(err))
	case len(restart) > 0:
		text := strings.Join(restart, ", ")
		d.options.Log.Warn("the new configuration is taken up, but for what needs a restart", zap.Strings("restart", restart))
		d.observe("a restart is needed for the new " + text)
	default:
		d.options.Log.Info("the new configuration is taken up", zap.Strings("apps", d.apps.Apps()))
		d.observe("")
	}
	d.notify(sd.SdNotifyReady, d.status())
}

// observe sets the remark that is shown with the status.
func (d *Daemon) observe(remark string) {
	d.remark.Store(&remark)
	d.stir()
}

// first returns the first of the problems behind err.
func first(err error) string {
	if p := fault.ProblemsOf(err); len(p) > 0 {
		return " (" + p[0].String() + ")"
	}
	return ""
}

// reconfigure takes up the configuration as a whole or not at all, but for what is fixed when the daemon starts: the names
// of that are returned, where it has changed.
func (d *Daemon) reconfigure(ctx context.Context) ([]string, error) {
	cfg, err := config.Load(d.options.Config)
	if err == nil {
		cfg, err = provided(cfg)
	}
	if err != nil {
		return nil, err
	}
	var restart []string
	for _, fixed := range []struct {
		name     string
		was, now any
	}{{"instance", &d.cfg.Instance, &cfg.Instance}, {"engine", &d.cfg.Engine, &cfg.Engine}, {"registry", &d.cfg.Registry, &cfg.Registry}} {
		if !reflect.DeepEqual(fixed.was, fixed.now) {
			restart = append(restart, fixed.name)
		}
	}
	cfg.Instance, cfg.Engine, cfg.Registry = d.cfg.Instance, d.cfg.Engine, d.cfg.Registry
	access, err := resolveAccess(cfg.Access)
	if err != nil {
		return nil, err
	}
	s, err := stepsOn(d.docker, cfg, d.key, d.hands)
	if err != nil {
		return nil, err
	}
	if err := d.rollouts.Reconfigure(ctx, s.Apps(), func(unended []string) { d.apps.swap(s, unended) }); err != nil {
		return nil, err
	}
	d.server.Admit(access)
	if named(access) {
		if err := d.listener.Welcome(); err != nil {
			d.options.Log.Warn("the socket cannot be opened to those whom the configuration names", zap.String("why", fault.Text(err)))
			restart = append(restart, "access")
		}
	}
	d.cfg = cfg
	return restart, nil
}
