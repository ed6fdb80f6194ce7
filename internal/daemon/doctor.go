package daemon

import (
	"cmp"
	"context"
	"crypto/rand"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/doctor"
	"github.com/capakraken/fairlead/internal/engine"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps"
)

// Where the shipped unit has things.
const (
	usualConfig = "/etc/fairlead/fairlead.yaml"
	usualState  = "/var/lib/fairlead"
	usualSocket = "/run/fairlead/" + socketName
)

// Containers returns a look at the Engine at host, for who drafts a configuration.
func Containers(host string) (*engine.Engine, error) {
	key, err := passingKey()
	if err != nil {
		return nil, err
	}
	return engine.New(engine.Options{Host: host, Key: key})
}

// Doctor returns what examines everything that a daemon of this version depends on. It takes hold of nothing, and does not
// need the daemon.
func Doctor(version string) func(context.Context, doctor.Where) doctor.Report {
	return func(ctx context.Context, w doctor.Where) doctor.Report {
		w.Config, w.State, w.Socket = cmp.Or(w.Config, usualConfig), cmp.Or(w.State, usualState), cmp.Or(w.Socket, usualSocket)
		p := doctor.Patient{Version: version, Path: w.Config, State: w.State, Socket: w.Socket, Self: os.Getuid(), Now: time.Now,
			Ask: asking(w.Socket), Space: space, Synchronized: synchronized}
		p.UID, p.GID = daemonUser(w.State)
		if docker := furnish(&p); docker != nil {
			defer docker.Close() //nolint:errcheck // nothing was written
		}
		return doctor.Examine(ctx, p)
	}
}

// furnish puts the adapters into p, as a daemon would use them, and returns the Engine that is to be closed.
func furnish(p *doctor.Patient) *engine.Engine {
	if p.Config, p.Unsound = config.Load(p.Path); p.Unsound != nil {
		return nil
	}
	_, p.Nobody = resolveAccess(p.Config.Access)
	key, err := passingKey()
	if err != nil {
		p.Unsound = err
		return nil
	}
	p.Config = placed(p.Config, cmp.Or(os.Getenv("CREDENTIALS_DIRECTORY"), usualCredentials))
	s, docker, err := newSteps(p.Config, key, newHands(p.Config.Instance, envfile.Policy{UID: p.UID, GID: p.GID}, true))
	if err != nil {
		p.Unsound = err
		return nil
	}
	p.Engine, p.Apps, p.Database = examined{docker}, s, database{docker}
	return docker
}

// passingKey returns a key for fingerprints that nobody will see: the host's own is the daemon's alone.
func passingKey() (secret.Key, error) {
	var b [secret.KeySize]byte
	if _, err := rand.Read(b[:]); err != nil {
		return secret.Key{}, fault.Hide(err, fault.Internal, "there are no random bytes for a key")
	}
	return secret.NewKey(b), nil
}

// daemonUser returns who the daemon runs as: the owner of its state, or else whoever asks.
func daemonUser(state string) (uid, gid int) {
	info, err := os.Stat(state)
	if err != nil {
		return os.Getuid(), os.Getgid()
	}
	s, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return os.Getuid(), os.Getgid()
	}
	return int(s.Uid), int(s.Gid)
}

// examined is the Engine as the doctor looks at it.
type examined struct{ *engine.Engine }

func (e examined) About(ctx context.Context) (doctor.About, error) {
	info, err := e.Info(ctx)
	return doctor.About{Version: info.EngineVersion, API: info.APIVersion, Host: e.Host(), RootDir: info.RootDir}, err
}

// Grants asks what the user of the database's URL may do.
func (d database) Grants(ctx context.Context, l steps.Legacy) (doctor.Grants, error) {
	g, err := d.open(l).Grants(ctx, target(l))
	return doctor.Grants(g), err
}

// asking asks the daemon behind a socket.
func asking(socket string) func(context.Context) (doctor.Daemon, error) {
	return func(ctx context.Context) (doctor.Daemon, error) {
		client := api.NewClient(socket)
		health, err := client.Health(ctx)
		if err != nil {
			return doctor.Daemon{}, err
		}
		d := doctor.Daemon{Version: health.Version, Instance: health.Instance, Refusing: health.Refusing, Running: map[string]bool{}, Locked: map[string]string{}}
		apps, err := client.Apps(ctx)
		for _, app := range apps {
			d.Running[app.Name] = app.Active != ""
			if app.Lock != nil {
				d.Locked[app.Name] = app.Lock.Reason
			}
		}
		return d, err
	}
}

// space looks at the file system of a path.
func space(path string) (doctor.Space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return doctor.Space{}, err
	}
	return doctor.Space{Bytes: s.Bavail * uint64(s.Bsize), Files: s.Ffree, ReadOnly: s.Flags&unix.MS_RDONLY != 0}, nil
}

// unsynchronized is the kernel's mark of a clock that nobody has set for long (STA_UNSYNC).
const unsynchronized = 0x40

// synchronized asks the kernel whether its clock is kept. It sets nothing.
func synchronized() (bool, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, err
	}
	return t.Status&unsynchronized == 0, nil
}
