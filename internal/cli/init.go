package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/draft"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// draftMode lets root and the file's group read a new configuration.
const draftMode = 0o640

// drafting is what an init is asked for.
type drafting struct {
	compose, engine, write     string
	containers                 []string
	instance, app, environment string
}

func (t *tool) init() *cobra.Command {
	var d drafting
	c := &cobra.Command{
		Use:   "init --from-compose FILE SERVICE... | --from-container NAME [NAME...]",
		Short: "Draft a configuration from what runs today",
		Long: "Draft a commented configuration from the services of a Compose file, or from containers that run. It goes to standard\n" +
			"output, or with --write into a new file; an existing one is never overwritten. Secrets are proposed by the names of their\n" +
			"variables: no value of any variable is taken over, and what has to be decided is marked CHANGE. Nothing else is changed.",
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if t.json() {
				return misused(c, "a configuration is YAML; take --output json out")
			}
			app, err := t.drafted(c, d, args)
			if err != nil {
				return err
			}
			if d.write == "" {
				_, err := t.Out.Write(app.Text())
				return written(err)
			}
			if err := create(d.write, app.Text()); err != nil {
				return err
			}
			t.say("%s: written; decide what is marked CHANGE, then run: fairlead config check %s", d.write, d.write)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&d.compose, "from-compose", "", "the Compose file that defines the services")
	f.StringArrayVar(&d.containers, "from-container", nil, "a container of the app")
	f.StringVar(&d.engine, "engine", t.Getenv("DOCKER_HOST"), "the Engine, if it is not at its usual place, such as unix:///run/docker.sock; also from $DOCKER_HOST")
	f.StringVar(&d.write, "write", "", "a file to write the configuration into, which must not exist yet")
	f.StringVar(&d.instance, "instance", "prod-1", "this daemon's name on its Engine")
	f.StringVar(&d.app, "app", "", "what the app is called; the Compose project's name, or the container's, if not given")
	f.StringVar(&d.environment, "environment", "production", "the environment that the app runs in")
	return c
}

// drafted returns what a configuration is to be drafted for.
func (t *tool) drafted(c *cobra.Command, d drafting, args []string) (draft.App, error) {
	app := draft.App{Instance: d.instance, Name: d.app, Environment: d.environment, EngineHost: d.engine}
	for flag, name := range map[string]string{"--instance": d.instance, "--app": d.app, "--environment": d.environment} {
		if name != "" && draft.PlainName(name, "") != name || name == "" && flag != "--app" {
			return app, misused(c, flag+" is not usable: use lower-case letters, digits and hyphens, 63 at most")
		}
	}
	switch {
	case (d.compose == "") == (len(d.containers) == 0):
		return app, misused(c, "say from what: --from-compose FILE SERVICE..., or --from-container NAME")
	case d.compose != "" && len(args) == 0:
		return app, misused(c, "name the services that make up the app")
	case d.compose != "":
		return draftFromCompose(app, d.compose, args)
	}
	return t.draftFromContainers(c.Context(), app, append(d.containers, args...))
}

func draftFromCompose(app draft.App, path string, services []string) (draft.App, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return app, fault.Hide(err, fault.Internal, "the working directory is not known")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return app, fault.Hide(err, fault.Refused, "%s: cannot be read: %s", path, cause(err))
	}
	return app.FromCompose(draft.File{Path: path, Content: content, Names: variablesIn}, services)
}

// variablesIn returns the names of an env file's variables, as far as it can be read. How well it is kept is not looked
// at: a doctor says that.
func variablesIn(path string) ([]string, bool) {
	f, err := envfile.Read(path, envfile.Policy{UID: os.Getuid(), GID: os.Getgid()})
	if err != nil && f.Env == nil && f.Faulty == nil {
		return nil, false
	}
	return append(f.Env.Names(), f.Faulty...), true
}

func (t *tool) draftFromContainers(ctx context.Context, app draft.App, names []string) (draft.App, error) {
	if t.Containers == nil {
		return app, fault.New(fault.Internal, "this program was built without an Engine")
	}
	var found []workload.Existing
	containers, err := t.Containers(app.EngineHost)
	if err != nil {
		return app, err
	}
	for _, name := range names {
		c, err := containers.Existing(ctx, name)
		if err != nil {
			return app, err
		}
		found = append(found, c)
	}
	return app.FromContainers(found)
}

// create writes a file that was not there before.
func create(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, draftMode)
	if err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fault.Hide(err, fault.Refused, "%s: is there already, and was left as it is; write the draft to another file, and compare the two", path)
		}
		return fault.Hide(err, fault.Refused, "%s: cannot be made: %s", path, cause(err))
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Chmod(draftMode), f.Sync(), f.Close()); err != nil { // the umask may have taken away more
		_ = os.Remove(path)
		return fault.Hide(err, fault.Unavailable, "%s: cannot be written: %s", path, cause(err))
	}
	return nil
}

// cause returns why a file operation failed, without the path, which the message names already.
func cause(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return "it failed"
}
