package orchestrator

import (
	"context"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Request asks for a rollout.
type Request struct {
	App            string
	Kind           rollout.Kind
	Image          string // of a deploy: a tag, a digest, or a whole reference in the app's repository
	Release        string // of a rollback: the release to go back to, or the beginning of its id; empty for the one before
	Confirmed      bool   // of a rollback: the database may have been changed since
	Force          bool
	AllowWeaker    bool
	IfChanged      bool // of a rotate: nothing is done where the environment is the one that runs
	Reason         string
	IdempotencyKey string
	From           *rollout.From // of a deploy: the host that has verified the image
}

// Event is one event of a rollout's stream: a durable record, or a passing sign of life.
type Event struct {
	Record   journal.Record
	Progress *rollout.Progress // nil for a durable record
}

// Steps does the actions of rollouts and looks at apps. It is what package steps offers.
type Steps interface {
	// Begin returns the request of a rollout of the app as its configuration has it, or why it is refused.
	Begin(app string, kind rollout.Kind, image string) (rollout.Request, error)
	// Do carries out one action and returns what it found or did. It looks first, so it may be called again after any
	// death. It returns when ctx ends.
	Do(ctx context.Context, s rollout.State, a rollout.Action, progress func(rollout.Progress)) (*rollout.Evidence, error)
	// Apps returns the names of the configured apps, sorted.
	Apps() []string
	// Observe returns what the host shows of an app.
	Observe(ctx context.Context, app string) (rollout.App, []workload.Container, error)
	// Secrets returns what is known of the app's secrets. The fingerprints are keyed by the secrets' names.
	Secrets(ctx context.Context, app string) (rollout.SecretReport, map[string]secret.Fingerprint, error)
	// Unchanged reports whether every service of the app runs with the environment that its sources give now, whose
	// fingerprint it returns. That an env file is refused is an error.
	Unchanged(ctx context.Context, app string) (bool, secret.Fingerprint, error)
	// Residue returns what the app's database still holds.
	Residue(ctx context.Context, app string) (rollout.ResidueReport, error)
	// Provisioning returns how the app is provisioned, but for what only the journal knows.
	Provisioning(ctx context.Context, app string) (parity.Report, error)
}

// unavailable says that a request could not be recorded, so nothing was done. Where the disk failed, nobody can tell
// whether the record reached it. It is read when the disk works again, and then acted on.
func unavailable(err error) error {
	if fault.KindOf(err) != fault.Unavailable {
		return err
	}
	return fault.Hide(err, fault.Unavailable, "nothing was done, since the request could not be recorded for sure; whether it was shows when the disk works again, with 'fairlead audit log': %s", fault.Text(err))
}
