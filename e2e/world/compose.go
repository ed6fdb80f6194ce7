package world

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// Compose is a Compose project of this run. It is brought up as docker compose does it, by the same library's reading of
// the file, and with the names and labels that docker compose gives; of the keys it knows those that a test needs.
type Compose struct {
	Project *types.Project

	file  string
	world *World
}

// Compose reads a Compose file, whose variables come from the .env beside it.
func (w *World) Compose(ctx context.Context, file string) (*Compose, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read a Compose file: %w", err)
	}
	dir := filepath.Dir(file)
	environment, err := dotenv.Read(filepath.Join(dir, ".env"))
	if err != nil {
		return nil, fmt.Errorf("read the .env of a Compose project: %w", err)
	}
	project, err := loader.LoadWithContext(ctx, types.ConfigDetails{
		WorkingDir: dir, ConfigFiles: []types.ConfigFile{{Filename: file, Content: text}}, Environment: environment,
	})
	if err != nil {
		return nil, fmt.Errorf("load a Compose file: %w", err)
	}
	return &Compose{Project: project, file: file, world: w}, nil
}

// Up makes the networks, the volumes and the containers, each service after those that it depends on.
func (c *Compose) Up(ctx context.Context) error {
	for key, n := range c.Project.Networks {
		err := c.world.Engine.Call(ctx, http.MethodPost, "/networks/create", nil, map[string]any{
			"Name": n.Name, "Driver": "bridge", "CheckDuplicate": true, "Labels": c.labels(map[string]string{"network": key}),
		}, nil)
		if err != nil {
			return err
		}
	}
	for key, v := range c.Project.Volumes {
		err := c.world.Engine.Call(ctx, http.MethodPost, "/volumes/create", nil, map[string]any{
			"Name": v.Name, "Labels": c.labels(map[string]string{"volume": key}),
		}, nil)
		if err != nil {
			return err
		}
	}
	return c.Project.ForEachService(nil, func(name string, _ *types.ServiceConfig) error {
		_, err := c.create(ctx, name)
		return err
	})
}

// Recreate replaces a service's container by one as the file has it, as docker compose up does with one that it did not
// make like that.
func (c *Compose) Recreate(ctx context.Context, service string) (*Container, error) {
	query := url.Values{"force": {"1"}}
	err := c.world.Engine.Call(ctx, http.MethodDelete, "/containers/"+c.Name(service), query, nil, nil)
	if err := gone(err); err != nil {
		return nil, err
	}
	return c.create(ctx, service)
}

// Name returns the name of a service's container.
func (c *Compose) Name(service string) string { return c.Project.Name + "-" + service + "-1" }

// Container returns a service's container as it is now, with its address on its first network by name.
func (c *Compose) Container(ctx context.Context, service string) (*Container, error) {
	var is struct {
		ID              string `json:"Id"`
		NetworkSettings struct {
			Networks map[string]struct{ IPAddress string }
		}
	}
	found := &Container{ID: c.Name(service), Name: c.Name(service), engine: c.world.Engine}
	if err := found.Inspect(ctx, &is); err != nil {
		return nil, err
	}
	found.ID = is.ID
	networks := is.NetworkSettings.Networks
	for _, name := range slices.Sorted(maps.Keys(networks)) {
		found.IP = networks[name].IPAddress
		break
	}
	return found, nil
}

func (c *Compose) create(ctx context.Context, name string) (*Container, error) {
	service := c.Project.Services[name]
	if err := c.world.ensureImage(ctx, service.Image); err != nil {
		return nil, err
	}
	var made struct{ ID string }
	query := url.Values{"name": {c.Name(name)}}
	if err := c.world.Engine.Call(ctx, http.MethodPost, "/containers/create", query, c.request(service), &made); err != nil {
		return nil, err
	}
	networks := service.NetworksByPriority()
	for _, key := range networks[1:] {
		err := c.world.Engine.Call(ctx, http.MethodPost, "/networks/"+c.Project.Networks[key].Name+"/connect", nil,
			map[string]any{"Container": made.ID, "EndpointConfig": c.endpoint(service, key)}, nil)
		if err != nil {
			return nil, err
		}
	}
	if err := c.world.Engine.Call(ctx, http.MethodPost, "/containers/"+made.ID+"/start", nil, nil, nil); err != nil {
		return nil, err
	}
	return c.Container(ctx, name)
}

// request puts a service in the Engine's words.
func (c *Compose) request(s types.ServiceConfig) map[string]any {
	var env []string
	for name, value := range s.Environment {
		if value != nil {
			env = append(env, name+"="+*value)
		}
	}
	slices.Sort(env)
	var binds []string
	for _, v := range s.Volumes {
		source := v.Source
		if v.Type == types.VolumeTypeVolume {
			source = c.Project.Volumes[v.Source].Name
		}
		bind := source + ":" + v.Target
		if v.ReadOnly {
			bind += ":ro"
		}
		binds = append(binds, bind)
	}
	exposed, published := map[string]any{}, map[string]any{}
	for _, p := range s.Ports {
		port := strconv.Itoa(int(p.Target)) + "/tcp"
		exposed[port] = struct{}{}
		published[port] = []map[string]string{{"HostIp": p.HostIP, "HostPort": p.Published}}
	}
	first := s.NetworksByPriority()[0]
	host := map[string]any{"Binds": binds, "PortBindings": published, "NetworkMode": c.Project.Networks[first].Name}
	if s.Restart != "" {
		host["RestartPolicy"] = map[string]string{"Name": s.Restart}
	}
	if s.Logging != nil {
		host["LogConfig"] = map[string]any{"Type": s.Logging.Driver, "Config": s.Logging.Options}
	}
	request := map[string]any{
		"Image": s.Image, "Env": env, "HostConfig": host, "ExposedPorts": exposed,
		"Labels": c.labels(map[string]string{
			"service": s.Name, "container-number": "1", "oneoff": "False", "config-hash": digest([]byte(s.Name))[7:],
			"project.config_files": c.file, "project.working_dir": c.Project.WorkingDir,
		}),
		"NetworkingConfig": map[string]any{"EndpointsConfig": map[string]any{c.Project.Networks[first].Name: c.endpoint(s, first)}},
	}
	if len(s.Command) > 0 {
		request["Cmd"] = []string(s.Command)
	}
	if s.User != "" {
		request["User"] = s.User
	}
	if h := s.HealthCheck; h != nil {
		check := map[string]any{"Test": []string(h.Test)}
		if h.Interval != nil {
			check["Interval"] = int64(*h.Interval)
		}
		if h.Timeout != nil {
			check["Timeout"] = int64(*h.Timeout)
		}
		if h.Retries != nil {
			check["Retries"] = int(*h.Retries)
		}
		request["Healthcheck"] = check
	}
	return request
}

func (c *Compose) endpoint(s types.ServiceConfig, network string) map[string]any {
	aliases := []string{s.Name}
	if n := s.Networks[network]; n != nil {
		aliases = append(aliases, n.Aliases...)
	}
	return map[string]any{"Aliases": aliases}
}

// labels returns the run's label beside docker compose's own.
func (c *Compose) labels(more map[string]string) map[string]string {
	labels := c.world.labels()
	labels["com.docker.compose.project"] = c.Project.Name
	labels["com.docker.compose.version"] = "2.29.0"
	for key, value := range more {
		labels["com.docker.compose."+key] = value
	}
	return labels
}

// Postgres returns the server in a service's container, as the host reaches it.
func (c *Compose) Postgres(ctx context.Context, service string) (*Postgres, error) {
	container, err := c.Container(ctx, service)
	if err != nil {
		return nil, err
	}
	env := c.Project.Services[service].Environment
	value := func(name string) string {
		if v := env[name]; v != nil {
			return *v
		}
		return ""
	}
	p := &Postgres{
		Host: service, Port: 5432, User: value("POSTGRES_USER"), Password: value("POSTGRES_PASSWORD"), Database: value("POSTGRES_DB"),
		near: container.IP,
	}
	if p.Password == "" {
		return nil, errors.New("the service " + service + " sets no POSTGRES_PASSWORD")
	}
	return p, nil
}
