// Package rig is a host as an operator would set it up: the app's configuration, its .env.production, a network, a
// registry, a database, and a fairlead daemon that can be killed. The end-to-end tests, the demonstration and the
// benchmarks share it.
package rig

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/capakraken/fairlead/e2e/world"
)

// App is the app's name in the rig's configuration.
const App = "capakraken"

// Options are the choices for a Rig. Several rigs of one World need an Instance and a Repository each.
type Options struct {
	World      *world.World
	Registry   *world.Registry // a new one where nil
	Network    *world.Network  // a new one where nil
	Postgres   *world.Postgres // a new server where nil
	Binary     string          // of fairlead; built where empty
	Instance   string          // the run's name where empty
	Repository string          // of the app's images, in the registry; capakraken/app where empty
	Clear      string          // with_deploy where empty
	Template   string          // of fairlead.yaml; Config where empty
	Verify     string          // time limit; 20s where empty
	NoDatabase bool
	Services   []string // of the app; web and worker where nil
}

// Rig is such a host.
type Rig struct {
	Options
	Dir  string
	Port int // on 127.0.0.1, where web is published
	// Environ is more of the daemon's environment, from its next start on.
	Environ []string

	daemon *daemon
}

// New makes a rig. Its daemon does not run yet, and its env file is still to be written.
func New(ctx context.Context, o Options) (*Rig, error) {
	r := &Rig{Options: o}
	r.Instance = orElse(r.Instance, "rig-"+o.World.Run)
	r.Options.Repository = orElse(r.Options.Repository, "capakraken/app")
	r.Clear = orElse(r.Clear, "with_deploy")
	r.Template = orElse(r.Template, Config)
	r.Verify = orElse(r.Verify, "20s")
	if r.Services == nil {
		r.Services = []string{"web", "worker"}
	}
	var err error
	if r.Dir, err = os.MkdirTemp(o.World.Dir, "rig-"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(r.path("docker.json"), []byte("{}"), 0o600); err != nil {
		return nil, err
	}
	if r.Network == nil {
		if r.Network, err = o.World.Network(ctx); err != nil {
			return nil, err
		}
	}
	if r.Registry == nil {
		if r.Registry, err = o.World.Registry(ctx, world.RegistryOptions{}); err != nil {
			return nil, err
		}
	}
	if r.Postgres == nil && !o.NoDatabase {
		if r.Postgres, err = o.World.Postgres(ctx, world.PostgresOptions{Network: r.Network}); err != nil {
			return nil, err
		}
	}
	if r.Port, err = freePort(); err != nil {
		return nil, err
	}
	if r.Binary == "" {
		if r.Binary, err = Build(ctx, r.Dir); err != nil {
			return nil, err
		}
	}
	return r, r.WriteConfig()
}

// Build builds fairlead into dir and returns the binary's path.
func Build(ctx context.Context, dir string) (string, error) { return BuildVersion(ctx, dir, "dev") }

// BuildVersion is Build with a version, and with build tags.
func BuildVersion(ctx context.Context, dir, version string, tags ...string) (string, error) {
	binary := filepath.Join(dir, "fairlead")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-X main.version="+version, "-tags", strings.Join(tags, ","),
		"-o", binary, "github.com/capakraken/fairlead/cmd/fairlead")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build fairlead: %w\n%s", err, out)
	}
	return binary, nil
}

func (r *Rig) path(name string) string { return filepath.Join(r.Dir, name) }

// ConfigFile returns the path of the configuration.
func (r *Rig) ConfigFile() string { return r.path("fairlead.yaml") }

// EnvFile returns the path of the app's env file.
func (r *Rig) EnvFile() string { return r.path(".env.production") }

// State returns the daemon's state directory.
func (r *Rig) State() string { return r.path("state") }

// Socket returns the path of the daemon's socket.
func (r *Rig) Socket() string { return r.path("fairlead.sock") }

// Repository returns the app's repository in the rig's registry.
func (r *Rig) Repository() string { return r.Registry.Host + "/" + r.Options.Repository }

// WriteConfig writes the configuration anew from the template. A running daemon does not read it.
func (r *Rig) WriteConfig() error {
	t, err := template.New("fairlead.yaml").Parse(r.Template)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := t.Execute(&text, r); err != nil {
		return err
	}
	return os.WriteFile(r.ConfigFile(), []byte(text.String()), 0o600)
}

// Env is an env file's variables. DATABASE_URL is added where it is not set.
type Env map[string]string

// WriteEnv replaces the env file as an editor does: a new file, renamed over the old one.
func (r *Rig) WriteEnv(env Env) error {
	var lines []string
	for name, value := range env {
		lines = append(lines, name+"="+value)
	}
	if _, ok := env["DATABASE_URL"]; !ok && r.Postgres != nil {
		lines = append(lines, "DATABASE_URL="+r.Postgres.URL())
	}
	return r.WriteEnvText(strings.Join(lines, "\n") + "\n")
}

// WriteEnvText is WriteEnv with the file's exact text.
func (r *Rig) WriteEnvText(text string) error {
	fresh := r.EnvFile() + ".new"
	return errors.Join(os.WriteFile(fresh, []byte(text), 0o640), os.Rename(fresh, r.EnvFile()))
}

// WriteSecretFile writes a file of the rig's directory that holds one secret.
func (r *Rig) WriteSecretFile(name, value string) error {
	return os.WriteFile(r.path(name), []byte(value+"\n"), 0o640)
}

// WriteLogin replaces the registry credentials that the daemon reads.
func (r *Rig) WriteLogin(user, password string) error {
	login := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	return os.WriteFile(r.path("docker.json"), fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, r.Registry.Host, login), 0o600)
}

// Image makes an image of the reference application in the rig's registry.
func (r *Rig) Image(ctx context.Context, tag string, env ...string) (world.Image, error) {
	return r.World.Image(ctx, r.Registry, world.ImageSpec{Repository: r.Options.Repository, Tag: tag, Env: append([]string{"REFAPP_VERSION=" + tag}, env...)})
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
