package steps

import (
	"context"
	"errors"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// aftercareTime bounds what is done after a clear. It may outlast the step's deadline.
const aftercareTime = 20 * time.Second

// aftercare has the database forget what its statistics hold, and finds out what may still keep copies of the cleared
// values. That it cannot is a note: the values are cleared.
func (j job) aftercare(ctx context.Context, l Legacy, c *rollout.Cleared) {
	if errors.Is(ctx.Err(), context.Canceled) {
		c.Notes = append(c.Notes, "ANALYZE was not run, since the daemon was stopping: the database's statistics may still hold values")
		return
	}
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), aftercareTime)
	defer stop()
	analyzed := j.Database.Analyze(bounded, l)
	if analyzed != nil {
		c.Notes = append(c.Notes, "ANALYZE did not succeed, so the database's statistics may still hold values: "+fault.Text(analyzed))
	}
	survey, err := j.Database.Survey(bounded, l)
	if err != nil {
		c.Notes = append(c.Notes, "what may keep copies was not looked at again: "+fault.Text(err))
		if before := j.state.Validated.Survey; before != nil {
			survey = *before
		}
	}
	for _, h := range survey.Hazards {
		if analyzed != nil || h.Kind != secret.Statistics { // what they hold now is what other rows hold
			c.Remains = append(c.Remains, h)
		}
	}
}
