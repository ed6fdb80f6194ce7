package steps

import (
	"context"
	"slices"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// replace puts the rollout's container of one service in the place of the old one, which is stopped and kept. Docker
// fixes a container's environment when it is created, so a changed environment always means a new container.
func (j job) replace(ctx context.Context) (*rollout.Evidence, error) {
	p, err := j.unchanged(ctx)
	if err != nil {
		return nil, err
	}
	unit, err := unitOf(p.units, j.action.Service)
	if err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.ReplaceChecked)
	if j.state.PreStart == rollout.Complete { // its result is recorded, so its container has done its duty
		if err := j.Runtime.Discard(ctx, j.key, j.state.Request.ID); err != nil {
			return nil, err
		}
	}
	done, err := j.Runtime.Replace(ctx, workload.Replacement{
		Key:     j.key,
		Rollout: j.state.Request.ID,
		Release: j.state.Target,
		Unit:    unit,
		Old:     j.baseline(unit.Service.Name).Container,

		AllowWeaker: j.state.Request.AllowWeaker,
	})
	if err != nil {
		return nil, err
	}
	return &rollout.Evidence{Replaced: &done}, nil
}

// promote makes the verified container the service's current one: its name and its restart policy are final from here.
// They are those that were validated, so that an env file or a configuration which is being edited just now cannot turn
// a proved rollout back.
func (j job) promote(ctx context.Context) (*rollout.Evidence, error) {
	for _, svc := range j.state.Validated.Services {
		if svc.Name == j.action.Service {
			return nil, j.Runtime.Promote(ctx, j.key, j.state.Request.ID, svc)
		}
	}
	return nil, gone(j.action.Service)
}

// retire removes the old container, which still holds the old secrets.
func (j job) retire(ctx context.Context) (*rollout.Evidence, error) {
	old := j.baseline(j.action.Service).Container
	if old == nil {
		return nil, nil
	}
	return nil, j.Runtime.Retire(ctx, j.key, j.state.Request.ID, *old)
}

// unchanged reads the environment again and makes sure that it is the one which was validated: a container must not be
// created with values that nobody has checked.
func (j job) unchanged(ctx context.Context) (provision, error) {
	p, problems := j.provision(ctx, j.app)
	if err := fault.Many(fault.Refused, "the environment no longer passes", problems); err != nil {
		return p, err
	}
	if j.rekeyed() {
		return p, fault.New(fault.Refused, "the host's key for fingerprints was lost or replaced after the environment was validated, so nobody can tell whether %s is still the same; start a new rollout", j.app.EnvFiles())
	}
	if v := j.state.Validated; p.env != v.Env || p.definitions != v.Definitions {
		return p, fault.New(fault.Refused, "%s or the service definitions changed after they were validated; start a new rollout", j.app.EnvFiles())
	}
	return p, nil
}

// rekeyed reports whether what was validated was fingerprinted with another key than today's. Nothing can be compared
// with it any more.
func (j job) rekeyed() bool {
	was := j.state.Validated.Key
	return was != "" && was != j.Key.Mark()
}

func unitOf(units []workload.Unit, service string) (workload.Unit, error) {
	i := slices.IndexFunc(units, func(u workload.Unit) bool { return u.Service.Name == service })
	if i < 0 {
		return workload.Unit{}, gone(service)
	}
	return units[i], nil
}

func gone(service string) error {
	return fault.New(fault.Refused, "service %s is no longer configured", service)
}

// baseline returns what validate found of the service.
func (j job) baseline(service string) rollout.Baseline {
	for _, v := range j.state.Services {
		if v.Name == service {
			return v.Baseline
		}
	}
	return rollout.Baseline{Service: service}
}
