package cli

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/contexts"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
)

// stage is one part of a run over two hosts.
type stage struct {
	Name    string             `json:"name"`
	Host    string             `json:"host,omitempty"` // the context; empty for a comparison
	Rollout string             `json:"rollout,omitempty"`
	Took    int64              `json:"took_ms"`
	Outcome string             `json:"outcome"`
	Exit    int                `json:"exit"`
	Says    string             `json:"says,omitempty"` // one line
	Parity  *parity.Comparison `json:"parity,omitempty"`
}

// course is the report on a run over two hosts.
type course struct {
	Format int     `json:"format"`
	App    string  `json:"app"`
	From   string  `json:"from"`
	To     string  `json:"to"`
	Digest string  `json:"digest,omitempty"`
	Exit   int     `json:"exit"` // of the stage that failed
	Stages []stage `json:"stages"`
}

func (t *tool) parityRun() *cobra.Command {
	p, image, reason, quiet := promoting{}, "", "", false
	c := &cobra.Command{
		Use:   "run APP --from CONTEXT [--image REF]",
		Short: "Take one release through the same steps on two hosts, in order",
		Long: "Take one release through the same steps on two hosts, in order: deploy it on the host of --from; hold the two hosts against each\n" +
			"other; deploy, by its digest, what was verified there on this host (or the one of --context); and hold them against each other\n" +
			"again. The first that fails ends it, with its exit code, and the report says how far it came. Without --image it is the\n" +
			"release that runs on the first host, proved anew. Ctrl-C lets go of a rollout, and it goes on.",
		Args:        exactly("APP"),
		Annotations: map[string]string{markdown: "yes"},
		RunE: func(c *cobra.Command, args []string) error {
			if p.from == "" {
				return misused(c, "--from is missing: say which context comes first, for example --from staging")
			}
			if err := p.check(c, reason); err != nil {
				return err
			}
			r := run{tool: t, promoting: p, app: args[0], image: image, reason: reason, quiet: quiet, there: t.clientBy(p.from), here: t.client()}
			defer r.there.Close()
			defer r.here.Close()
			r.through(c.Context())
			if err := t.course(r.course); err != nil || r.Exit == 0 {
				return err
			}
			return &told{r.Exit}
		},
	}
	p.flags(c)
	c.Flags().StringVar(&image, "image", "", "the release: a tag, a digest, or a whole reference")
	c.Flags().StringVar(&reason, "reason", "", "why, for both audit logs")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "print only the report")
	return c
}

// run is a run over two hosts on its way.
type run struct {
	*tool
	promoting
	course
	app, image, reason string
	quiet              bool
	there, here        *api.Client
}

// through goes through all stages, and stops at the first that fails.
func (r *run) through(ctx context.Context) {
	r.Format, r.App, r.From, r.To = 1, r.app, r.from, contexts.Local
	if to, err := r.reach(); err == nil && to.name != "" {
		r.To = to.name
	}
	r.promoting.from = r.From
	var handed handedOn
	_ = r.do(stage{Name: "deploy", Host: r.From}, func(s *stage) error { return r.first(ctx, s) }) &&
		r.do(stage{Name: "parity"}, func(s *stage) (err error) {
			handed, err = r.verifiedThere(ctx, r.there, r.here, r.app)
			if err == nil && handed.there.Image.Digest != r.Digest {
				err = fault.New(fault.Refused, "%s runs another release by now (%s)", r.From, handed.there.Image.Digest)
			}
			return r.compared(s, handed.found, err)
		}) &&
		r.do(stage{Name: "deploy", Host: r.To}, func(s *stage) error {
			return r.deploy(ctx, s, r.here, r.app, handed.trigger(api.Trigger{Kind: rollout.Deploy, Reason: r.reason}, r.From))
		}) &&
		r.do(stage{Name: "parity again"}, func(s *stage) error { return r.last(ctx, s, handed) })
}

// do goes through one stage and returns whether it was passed.
func (r *run) do(s stage, work func(*stage) error) bool {
	since := time.Now()
	err := work(&s)
	s.Took = time.Since(since).Milliseconds()
	s.Outcome = cmp.Or(s.Outcome, "passed")
	if err != nil {
		s.Outcome, s.Exit, s.Says = "failed", fault.KindOf(err).ExitCode(), cmp.Or(s.Says, flat(fault.Summary(err)))
		if said, ok := errors.AsType[*told](err); ok {
			s.Exit = said.code
		}
	}
	r.Stages, r.Exit = append(r.Stages, s), s.Exit
	return err == nil
}

// first deploys the release on the first host.
func (r *run) first(ctx context.Context, s *stage) error {
	app := cmp.Or(r.appThere, r.app)
	what := api.Trigger{Kind: rollout.Deploy, Image: r.image, Reason: r.reason}
	if what.Image == "" {
		a, err := r.there.App(ctx, app)
		switch {
		case err != nil:
			return at(r.From, err)
		case a.Current == nil || a.Current.Image.Digest == "":
			return fault.New(fault.Refused, "%s runs no release of %s that has a digest: say which to deploy with --image", r.From, app)
		}
		what.Image = a.Current.Image.Digest
	}
	return r.deploy(ctx, s, r.there, app, what)
}

// deploy carries out one rollout and follows it to its end.
func (r *run) deploy(ctx context.Context, s *stage, client *api.Client, app string, what api.Trigger) error {
	begun, err := client.Trigger(ctx, app, what, "")
	if err != nil {
		return at(s.Host, err)
	}
	s.Rollout = begun.ID
	var tale story
	for e, err := range client.Watch(ctx, begun.ID, 0) {
		if err != nil && ctx.Err() != nil {
			s.Says = "let go of; the rollout goes on"
			return &told{interrupted}
		}
		if err != nil {
			return at(s.Host, err)
		}
		for _, l := range tale.take(e) {
			if !r.quiet {
				r.hint("%s: %s", s.Host, l)
			}
		}
	}
	ended, err := client.Rollout(ctx, begun.ID)
	if err != nil {
		return at(s.Host, err)
	}
	s.Outcome, s.Says = string(ended.Outcome), flat(conclusion(ended, atLength))
	if ended.Fault != "" {
		return &told{ended.Fault.ExitCode()}
	}
	if image := ended.Target.Image; image.Digest != "" {
		r.Digest = image.Digest
	}
	return nil
}

// compared takes a comparison into the report.
func (r *run) compared(s *stage, found parity.Comparison, err error) error {
	if found.Format == 0 {
		return err
	}
	s.Parity, s.Says = &found, tally(found)
	if err == nil && !found.Parity {
		s.Outcome = "drift allowed"
	}
	return err
}

// last holds the hosts against each other when both have the release: now it must be the same one, and proved on both. A
// drift that was allowed before is allowed still.
func (r *run) last(ctx context.Context, s *stage, before handedOn) error {
	a, err := r.there.Provisioning(ctx, cmp.Or(r.appThere, r.app))
	if err != nil {
		return at(r.From, err)
	}
	b, err := r.here.Provisioning(ctx, r.app)
	if err != nil {
		return at(r.To, err)
	}
	found, err := parity.Compare(a, b, parity.Options{NameA: r.From, NameB: r.To, Expect: before.found.Breaks(), Demand: []string{"image/digest", "proof"}})
	if err == nil && !found.Parity {
		err = brokenParity(found, "both hosts have the release all the same")
	}
	return r.compared(s, found, err)
}
