package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
)

// promoting are the flags of commands that take a release from another host.
type promoting struct {
	from, appThere string
	allowDrift     bool
}

func (p *promoting) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.from, "from", "", "take the release that runs on the host of this context, where it is verified")
	c.Flags().StringVar(&p.appThere, "app-there", "", "what the app is called on the host of --from, if it is called otherwise")
	c.Flags().BoolVar(&p.allowDrift, "allow-drift", false, "take it although parity is broken; needs --reason")
}

// check returns what is wrong with the flags.
func (p *promoting) check(c *cobra.Command, reason string) error {
	switch {
	case p.from == "" && (p.allowDrift || p.appThere != ""):
		return misused(c, "--allow-drift and --app-there belong to --from")
	case p.allowDrift && reason == "":
		return misused(c, "--allow-drift needs --reason: say why the hosts may differ")
	}
	return nil
}

// handedOn is a release that another host has verified, as this one would take it.
type handedOn struct {
	there, here parity.Report
	found       parity.Comparison
}

// verifiedThere looks at both hosts. It refuses a release that the other one has not verified (Refused), and broken parity
// (Difference) unless that is allowed. Nothing is changed.
func (p *promoting) verifiedThere(ctx context.Context, there, here *api.Client, app string) (handedOn, error) {
	var h handedOn
	var err error
	if h.there, err = there.Provisioning(ctx, cmp.Or(p.appThere, app)); err != nil {
		return h, at(p.from, err)
	}
	if h.here, err = here.Provisioning(ctx, app); err != nil {
		return h, err
	}
	if !h.there.Proof.Verified || h.there.Image.Digest == "" {
		return h, fault.New(fault.Refused, "%s has not verified what runs there: %s; nothing was changed; deploy it there first", p.from, cmp.Or(h.there.Proof.Why, "its image has no digest"))
	}
	h.found, err = parity.Compare(h.there, h.here, parity.Options{NameA: p.from, NameB: h.here.Instance, Expect: parity.Ahead()})
	if err != nil || h.found.Parity || p.allowDrift {
		return h, err
	}
	return h, brokenParity(h.found, "nothing was changed; mend it, or allow it with --allow-drift --reason …")
}

// brokenParity names every point that breaks parity.
func brokenParity(c parity.Comparison, what string) error {
	var problems []fault.Problem
	for _, l := range c.Lines {
		if l.Breaks {
			problems = append(problems, fault.Problem{Where: l.Point, What: flat(difference(c, l))})
		}
	}
	return fault.Many(fault.Difference, "parity between "+c.A.Name+" and "+c.B.Name+" is broken; "+what, problems)
}

// trigger returns the request for the release.
func (h handedOn) trigger(what api.Trigger, from string) api.Trigger {
	what.Image = h.there.Image.Digest
	what.From = &rollout.From{Context: from, Instance: h.there.Instance, Environment: h.there.Environment, App: h.there.App,
		Rollout: h.there.Proof.Rollout, Digest: h.there.Image.Digest, Drift: h.found.Breaks()}
	return what
}
