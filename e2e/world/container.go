package world

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// ContainerSpec says how a container that the run itself needs shall be: an old version, a neighbour, a forwarder.
type ContainerSpec struct {
	Name    string // made up where empty
	Image   string // pulled first, where the Engine does not have it
	Cmd     []string
	Env     []string
	Network *Network // the Engine's default where nil
	Aliases []string // on the Network
	Hosts   []string // name:address
	Publish []string // address:port:container-port, TCP
	Labels  map[string]string
	Restart string // policy; no where empty
	Remove  bool   // when it ends, as docker run --rm
}

// Container is a container that runs.
type Container struct {
	ID   string
	Name string
	IP   string

	engine *Engine
}

// Container makes a container and starts it.
func (w *World) Container(ctx context.Context, spec ContainerSpec) (*Container, error) {
	c := &Container{Name: cmp.Or(spec.Name, w.name("box")), engine: w.Engine}
	if err := w.ensureImage(ctx, spec.Image); err != nil {
		return nil, err
	}
	request, err := w.createRequest(spec)
	if err != nil {
		return nil, err
	}
	var made struct{ ID string }
	if err := w.Engine.Call(ctx, "POST", "/containers/create", url.Values{"name": {c.Name}}, request, &made); err != nil {
		return nil, err
	}
	c.ID = made.ID
	if err := w.Engine.Call(ctx, "POST", "/containers/"+c.ID+"/start", nil, nil, nil); err != nil {
		return nil, err
	}
	var is struct {
		NetworkSettings struct {
			Networks map[string]struct{ IPAddress string }
		}
	}
	if err := c.Inspect(ctx, &is); err != nil {
		return nil, err
	}
	for _, endpoint := range is.NetworkSettings.Networks {
		c.IP = endpoint.IPAddress
	}
	return c, nil
}

// Existing returns the container with this id, which somebody else made. Its Name and IP are not looked up.
func (w *World) Existing(id string) *Container { return &Container{ID: id, engine: w.Engine} }

func (w *World) ensureImage(ctx context.Context, ref string) error {
	err := w.Engine.Call(ctx, "GET", "/images/"+ref+"/json", nil, nil, nil)
	if err == nil || gone(err) != nil {
		return err
	}
	return w.Engine.Pull(ctx, ref)
}

// createRequest puts spec in the Engine's words.
func (w *World) createRequest(spec ContainerSpec) (map[string]any, error) {
	labels := w.labels()
	for name, value := range spec.Labels {
		labels[name] = value
	}
	ports := map[string][]map[string]string{}
	for _, p := range spec.Publish {
		part := strings.Split(p, ":")
		if len(part) != 3 {
			return nil, fmt.Errorf("publish %q: not address:port:container-port", p)
		}
		ports[part[2]+"/tcp"] = []map[string]string{{"HostIp": part[0], "HostPort": part[1]}}
	}
	host := map[string]any{
		"ExtraHosts":    spec.Hosts,
		"PortBindings":  ports,
		"RestartPolicy": map[string]string{"Name": cmp.Or(spec.Restart, "no")},
		"AutoRemove":    spec.Remove,
	}
	request := map[string]any{"Image": spec.Image, "Cmd": spec.Cmd, "Env": spec.Env, "Labels": labels, "HostConfig": host}
	if n := spec.Network; n != nil {
		host["NetworkMode"] = n.Name
		endpoint := map[string]any{"Aliases": spec.Aliases}
		request["NetworkingConfig"] = map[string]any{"EndpointsConfig": map[string]any{n.Name: endpoint}}
	}
	return request, nil
}

// URL returns the address of a path of an HTTP server in the container.
func (c *Container) URL(port int, path string) string {
	return "http://" + net.JoinHostPort(c.IP, strconv.Itoa(port)) + path
}

// Inspect decodes what the Engine knows of the container into out.
func (c *Container) Inspect(ctx context.Context, out any) error {
	return c.engine.Call(ctx, "GET", "/containers/"+c.ID+"/json", nil, nil, out)
}

// Logs returns what the container has written until now, both streams in one.
func (c *Container) Logs(ctx context.Context) (string, error) {
	query := url.Values{"stdout": {"1"}, "stderr": {"1"}}
	framed, err := c.engine.Stream(ctx, "GET", "/containers/"+c.ID+"/logs", query, nil)
	if err != nil {
		return "", err
	}
	defer framed.Close()
	return unframe(framed)
}

// Exec runs a command in the container and returns what it wrote and its exit code.
func (c *Container) Exec(ctx context.Context, argv ...string) (string, int, error) {
	var made struct{ ID string }
	request := map[string]any{"Cmd": argv, "AttachStdout": true, "AttachStderr": true}
	if err := c.engine.Call(ctx, "POST", "/containers/"+c.ID+"/exec", nil, request, &made); err != nil {
		return "", 0, err
	}
	framed, err := c.engine.Stream(ctx, "POST", "/exec/"+made.ID+"/start", nil, map[string]any{"Detach": false})
	if err != nil {
		return "", 0, err
	}
	defer framed.Close()
	text, err := unframe(framed)
	if err != nil {
		return "", 0, err
	}
	var ended struct{ ExitCode int }
	err = c.engine.Call(ctx, "GET", "/exec/"+made.ID+"/json", nil, nil, &ended)
	return text, ended.ExitCode, err
}

// Stop stops the container and gives it a second.
func (c *Container) Stop(ctx context.Context) error {
	return c.engine.Call(ctx, "POST", "/containers/"+c.ID+"/stop", url.Values{"t": {"1"}}, nil, nil)
}

// Remove removes the container before the run ends, running or not. It may be called twice.
func (c *Container) Remove(ctx context.Context) error {
	return gone(c.engine.Call(ctx, "DELETE", "/containers/"+c.ID, url.Values{"force": {"1"}}, nil, nil))
}

// unframe takes the Engine's frames from around the output of a container: eight bytes before each piece, of which the
// last four are its length.
func unframe(framed io.Reader) (string, error) {
	var out bytes.Buffer
	var header [8]byte
	for {
		_, err := io.ReadFull(framed, header[:])
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err == nil {
			_, err = io.CopyN(&out, framed, int64(binary.BigEndian.Uint32(header[4:])))
		}
		if err != nil {
			return "", fmt.Errorf("read a container's output: %w", err)
		}
	}
}
