package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"

	"github.com/capakraken/fairlead/e2e/world"
)

// Result is how a command ended and what it printed.
type Result struct {
	Args     []string
	Out, Err string
	Code     int
}

// String returns the command and all that it printed.
func (r Result) String() string {
	return fmt.Sprintf("fairlead %q: exit %d\n%s%s", r.Args, r.Code, r.Out, r.Err)
}

// Command returns a command of fairlead as an operator would run it, for who wants to run it otherwise than Run does.
func (r *Rig) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.Binary, args...)
	cmd.Env = append(cmd.Environ(), "FAIRLEAD_SOCKET="+r.Socket())
	return cmd
}

// Run runs a command of fairlead as an operator would.
func (r *Rig) Run(ctx context.Context, args ...string) (Result, error) {
	return r.Finish(ctx, r.Command(ctx, args...))
}

// Finish runs a command to its end. That it fails is no error, but its Result.
func (r *Rig) Finish(ctx context.Context, cmd *exec.Cmd) (Result, error) {
	res := Result{Args: cmd.Args[1:]}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	res.Out, res.Err, res.Code = out.String(), errs.String(), cmd.ProcessState.ExitCode()
	if _, exited := errors.AsType[*exec.ExitError](err); exited && ctx.Err() == nil {
		err = nil
	}
	return res, err
}

// Container is what a test looks at in a container.
type Container struct {
	ID     string `json:"Id"`
	Name   string
	State  struct{ Status, StartedAt string }
	Config struct {
		Env    []string
		Labels map[string]string
		Image  string
	}
	HostConfig struct {
		RestartPolicy struct{ Name string }
	}
}

// Containers returns all containers of the rig's app, in any state: those that the daemon made, and those that bear
// the name of one of its services.
func (r *Rig) Containers(ctx context.Context) ([]Container, error) {
	var listed []struct {
		ID    string `json:"Id"`
		Names []string
	}
	if err := r.World.Engine.Call(ctx, http.MethodGet, "/containers/json", url.Values{"all": {"1"}}, nil, &listed); err != nil {
		return nil, err
	}
	var out []Container
	for _, l := range listed {
		var c Container
		err := r.World.Engine.Call(ctx, http.MethodGet, "/containers/"+l.ID+"/json", nil, nil, &c)
		if refusal, ok := errors.AsType[*world.Refusal](err); ok && refusal.Status == http.StatusNotFound {
			continue // it went between the two calls
		}
		if err != nil {
			return nil, err
		}
		if c.Config.Labels["fairlead.instance"] == r.Instance || c.Name == "/"+r.Container("web") || c.Name == "/"+r.Container("worker") {
			out = append(out, c)
		}
	}
	return out, nil
}

// Remove removes all containers of the rig's app.
func (r *Rig) Remove(ctx context.Context) error {
	all, err := r.Containers(ctx)
	for _, c := range all {
		err = errors.Join(err, r.World.Engine.Call(ctx, http.MethodDelete, "/containers/"+c.ID, url.Values{"force": {"1"}}, nil, nil))
	}
	return err
}

// Column returns a legacy value as the database holds it; NULL is "".
func (r *Rig) Column(ctx context.Context, name string) (string, error) {
	return r.Postgres.Text(ctx, `SELECT coalesce("`+name+`", '') FROM "SystemSettings"`)
}

// Store puts legacy values into the database, as an old version of the app did when an administrator entered them.
func (r *Rig) Store(ctx context.Context, columns map[string]string) error {
	if err := r.Postgres.Exec(ctx, `INSERT INTO "SystemSettings" (id) VALUES ('singleton') ON CONFLICT DO NOTHING`); err != nil {
		return err
	}
	for name, value := range columns {
		if err := r.Postgres.Exec(ctx, `UPDATE "SystemSettings" SET "`+name+`" = $1`, value); err != nil {
			return err
		}
	}
	return nil
}

// Rollouts returns what the daemon tells of the rollouts of the app, newest first.
func (r *Rig) Rollouts(ctx context.Context) ([]map[string]any, error) {
	res, err := r.Run(ctx, "rollouts", App, "--output", "json")
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	if err := json.Unmarshal([]byte(res.Out), &out); err != nil {
		return nil, fmt.Errorf("%w in %s", err, res)
	}
	return out, nil
}
