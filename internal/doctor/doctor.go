// Package doctor looks at everything that a rollout will depend on, and says of each what was found, whether it will do,
// and how to mend it. It changes nothing, and it does not need the daemon.
//
// Each check is one small function that may fail, panic or hang without keeping the others from being heard. No finding
// holds a secret value, nor the words of a driver, a parser or the Engine.
package doctor

import (
	"context"
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps"
	"github.com/capakraken/fairlead/internal/workload"
)

// Verdict is how a check ended.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Warning Verdict = "warning" // a rollout goes through, or it could not be looked at
	Problem Verdict = "problem" // a rollout would be refused or fail, or a promise does not hold
)

// Finding is what one check found.
type Finding struct {
	Check   string  `json:"check"`             // the topic, such as registry
	Subject string  `json:"subject,omitempty"` // what was looked at: an app, a service, a path
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`
	Remedy  string  `json:"remedy,omitempty"` // one command or one line
}

// Report is what all checks found, in a fixed order.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Count returns how many findings have the verdict.
func (r Report) Count(v Verdict) int {
	n := 0
	for _, f := range r.Findings {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// About is what an Engine says of itself.
type About struct{ Version, API, Host, RootDir string }

// Engine is looked at. It changes nothing by any of these.
type Engine interface {
	About(ctx context.Context) (About, error)
	// Reach asks the registry for one manifest. That it has none of this tag is a NotFound fault.
	Reach(ctx context.Context, image workload.Image) error
	Observe(ctx context.Context, k workload.Key, services []workload.Service) ([]workload.Container, error)
	// Check returns what would keep the services from being started.
	Check(ctx context.Context, k workload.Key, services []workload.Service) ([]fault.Problem, error)
	// Missing returns those of the volumes that are not there.
	Missing(ctx context.Context, volumes []string) ([]string, error)
	// Owned returns every container that carries the labels of a daemon, whichever that is.
	Owned(ctx context.Context) ([]workload.Owned, error)
	// Free returns the bytes that are free for images, and false where that cannot be seen.
	Free(ctx context.Context) (uint64, bool)
}

// Apps knows the configured apps.
type Apps interface {
	Examine(ctx context.Context, app string) (steps.Provisioned, error)
	// Look takes one look at a container, as verify would.
	Look(ctx context.Context, app string, c workload.Container) (workload.Answer, error)
}

// Grants is what the user of a database's URL may do with the legacy table.
type Grants struct {
	Server                 string
	Now                    time.Time
	User, Table            string
	Unreadable, Unwritable []string
}

// Database is where legacy values are.
type Database interface {
	Grants(ctx context.Context, l steps.Legacy) (Grants, error)
	Inspect(ctx context.Context, l steps.Legacy, expected map[string]secret.Value) ([]secret.Residue, error)
}

// Daemon is what the daemon says of itself.
type Daemon struct {
	Version  string
	Instance string
	Refusing string            // why it accepts no rollout
	Running  map[string]bool   // the apps that a rollout is changing now
	Locked   map[string]string // the apps that are locked, and why
}

// Space is what a file system has left.
type Space struct {
	Bytes, Files uint64
	ReadOnly     bool
}

// Where says where a daemon has its things; empty for the places that the shipped unit gives it.
type Where struct{ Config, State, Socket string }

// Patient is what is examined.
type Patient struct {
	Version  string // of this program
	Path     string // of the configuration
	Config   config.Config
	Unsound  error // why the configuration was refused; then there are no Engine, Apps and Database
	Nobody   error // which users and groups of its access do not exist
	State    string
	Socket   string
	Root     string // of the file system; empty but in tests
	UID, GID int    // the daemon's user
	Self     int    // the user of this process
	Engine   Engine
	Apps     Apps
	Database Database
	// Ask asks the daemon. One that does not answer is an Unreachable fault.
	Ask func(ctx context.Context) (Daemon, error)
	// Space looks at the file system of a path.
	Space func(path string) (Space, error)
	// Synchronized tells whether the kernel takes its clock to be synchronized.
	Synchronized func() (bool, error)
	Now          func() time.Time
}
