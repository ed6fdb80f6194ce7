// Package engine is the adapter of the Docker Engine: it finds an app's containers by their labels, gets images by
// digest, and puts a new container in the place of an old one and takes it back. It speaks API 1.41 (Engine 20.10)
// and every later version, and agrees on one with the Engine at the first call.
//
// Whatever changes the host looks at it first and may be called again after a death in its middle. Containers that
// carry another daemon's or another app's labels are never changed, and volumes are never removed.
//
// The Engine's own error texts can quote a request, and with it an environment, so they are never passed on: they are
// recognized and said again in our words.
package engine

import (
	"reflect"
	"sync/atomic"

	"github.com/docker/docker/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// Options are what an Engine is made of.
type Options struct {
	// Host is where the Engine listens, such as unix:///var/run/docker.sock; empty for DOCKER_HOST, or the default.
	Host string
	// RegistryConfig is the path of a Docker config file with the registries' credentials; empty for
	// DefaultRegistryConfig. It is read anew for each call to a registry.
	RegistryConfig string
	// Mirrors returns a repository as mirrors of its registry have it, in the order in which they are asked; nil for none.
	Mirrors func(repository string) []string
	// Key makes the fingerprints of environments. It is required.
	Key secret.Key
}

// Engine is one Docker Engine. It is safe for concurrent use.
type Engine struct {
	api            *client.Client
	registryConfig string
	mirrors        func(repository string) []string
	key            secret.Key
	known          atomic.Pointer[ocispec.Platform] // what images must be made for; nil until it was asked for
}

// New returns the Engine at o.Host without calling it: an Engine that does not answer shows in the first call.
func New(o Options) (*Engine, error) {
	if reflect.ValueOf(o.Key).IsZero() {
		return nil, fault.New(fault.Internal, "engine: the key for fingerprints is missing")
	}
	opts := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if o.Host != "" {
		opts = append(opts, client.WithHost(o.Host))
	}
	api, err := client.NewClientWithOpts(opts...)
	if err != nil {
		return nil, fault.Hide(err, fault.Usage, "the Docker Engine's address or its TLS files are not usable: look at the Engine's host in the configuration, or at DOCKER_HOST and DOCKER_CERT_PATH")
	}
	if o.RegistryConfig == "" {
		o.RegistryConfig = DefaultRegistryConfig
	}
	if o.Mirrors == nil {
		o.Mirrors = func(string) []string { return nil }
	}
	return &Engine{api: api, registryConfig: o.RegistryConfig, mirrors: o.Mirrors, key: o.Key}, nil
}

// Close lets go of the connections to the Engine.
func (e *Engine) Close() error { return e.api.Close() }
