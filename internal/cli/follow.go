package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// interrupted is the exit code of a command that was interrupted while it followed a rollout.
const interrupted = 130

// following are the flags of commands that follow a rollout.
type following struct {
	quiet   bool
	timeout span
}

// span is a duration that a flag sets, none that is negative.
type span struct {
	time.Duration
	flag string
}

// Set reads the duration.
func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fault.New(fault.Usage, "--%s: write 90s or 5m, not %q", s.flag, text)
	}
	s.Duration = d
	return nil
}

// String returns the duration, and "0" for none, which the help does not show as a default.
func (s *span) String() string {
	if s.Duration == 0 {
		return "0"
	}
	return s.Duration.String()
}

// Type returns what the help calls the value.
func (*span) Type() string { return "duration" }

func (f *following) flags(c *cobra.Command) {
	f.timeout.flag = "timeout"
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print only how the rollout ended")
	c.Flags().Var(&f.timeout, "timeout", "how long to wait; the rollout does not depend on it (0: until it ends)")
}

// follow shows a rollout live until it has ended, and ends as it did. When ctx ends it lets go of the rollout, which
// goes on, and says so.
func (t *tool) follow(ctx context.Context, client *api.Client, id string, f following) error {
	waiting, cancel := ctx, context.CancelFunc(func() {})
	if f.timeout.Duration > 0 {
		waiting, cancel = context.WithTimeout(ctx, f.timeout.Duration)
	}
	defer cancel()
	show := t.screen(f.quiet)
	defer show.close()
	var tale story
	for e, err := range client.Watch(waiting, id, 0) {
		if err != nil {
			show.close()
			return t.letGo(ctx, waiting, id, f, err)
		}
		lines := tale.take(e)
		show.event(e, lines)
	}
	ended := api.NewRollout(tale.state)
	if tale.foreign || tale.state.Phase != rollout.Over {
		var err error
		if ended, err = client.Rollout(ctx, id); err != nil {
			return err
		}
	}
	show.end(ended)
	return toldFault(ended.Fault)
}

// goesOn takes the rollout's id three times.
const goesOn = "rollout %s goes on; follow it with: fairlead watch %s; end it with: fairlead cancel %s"

// letGo ends a command that cannot follow its rollout any longer.
func (t *tool) letGo(ctx, waiting context.Context, id string, f following, err error) error {
	switch {
	case ctx.Err() != nil:
		t.hint("let go: "+goesOn, id, id, id)
		return &told{interrupted}
	case waiting.Err() != nil:
		return fault.New(fault.TimedOut, "it has not ended within %s: "+goesOn, &f.timeout, id, id, id)
	}
	switch kind := fault.KindOf(err); kind {
	case fault.Unreachable, fault.Unavailable:
		return fault.Hide(err, kind, "%s\nrollout %s was not seen to its end: if it has not ended, it goes on when the daemon starts; follow it then with: fairlead watch %s",
			fault.Text(err), id, id)
	}
	return err
}
