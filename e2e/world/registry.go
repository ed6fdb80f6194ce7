package world

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// Registry is an image registry of this run.
type Registry struct {
	Host string // address and port, as in an image reference

	direct  string // the base URL of a server where no credentials are asked for
	client  *http.Client
	data    string // the directory with its images
	process *process
}

// RegistryOptions are the choices for a Registry.
type RegistryOptions struct {
	User, Password string // asked for, where a User is named
}

// Registry starts a registry on the loopback address, which the Engine trusts without TLS.
func (w *World) Registry(ctx context.Context, o RegistryOptions) (*Registry, error) {
	data, err := w.mkdir("images")
	if err != nil {
		return nil, err
	}
	port, p, err := w.serveOnFreePort(ctx, func(ctx context.Context, port int) (*process, error) {
		s := registryServer{host: at(loopback, port), data: data}
		s.ready = func(ctx context.Context) error {
			_, err := exchange(ctx, http.DefaultClient, "GET", "http://"+s.host+"/v2/", "", nil)
			return err
		}
		return w.startRegistry(ctx, s)
	})
	if err != nil {
		return nil, err
	}
	r := &Registry{Host: at(loopback, port), direct: "http://" + at(loopback, port), client: http.DefaultClient, data: data, process: p}
	w.onClose(r.Stop)
	if o.User != "" {
		if r.Host, err = w.guard(r.direct, o); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Elsewhere returns a registry that runs on another host and asks for no credentials. The host is what an image reference
// says there, and the client reaches it.
func Elsewhere(host string, client *http.Client) *Registry {
	return &Registry{Host: host, direct: "http://" + host, client: client}
}

// Stop ends the registry before the run ends. It may be called twice.
func (r *Registry) Stop() error {
	if r.process == nil {
		return nil // not ours to end
	}
	return r.process.stop()
}

// registryServer is what is told to one docker-registry.
type registryServer struct {
	host   string // address and port
	data   string
	files  map[string][]byte           // that its configuration names
	config func(dir string) string     // more of it, behind http; the files are in dir. Nothing where nil
	ready  func(context.Context) error // whether it serves
}

func (w *World) startRegistry(ctx context.Context, s registryServer) (*process, error) {
	binary, err := anyOf("docker-registry", "registry")
	if err != nil {
		return nil, err
	}
	dir, err := w.mkdir("registry")
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: true}
http:
  addr: %q
`, s.data, s.host)
	if s.config != nil {
		config += s.config(dir)
	}
	files := map[string][]byte{"config.yml": []byte(config)}
	maps.Copy(files, s.files)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, fmt.Errorf("configure the registry: %w", err)
		}
	}
	serve := exec.Command(binary, "serve", filepath.Join(dir, "config.yml"))
	serve.Env = []string{} // REGISTRY_ variables would change the configuration
	p, err := w.start("registry", serve)
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, s.ready); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// guard serves the registry at target for those who have the password, and returns its address.
func (w *World) guard(target string, o RegistryOptions) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", fmt.Errorf("parse the registry's address: %w", err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.Out.Host = r.In.Host // the registry's answers point to where it is asked
	}}
	asksFor := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if subtle.ConstantTimeCompare([]byte(user+":"+password), []byte(o.User+":"+o.Password)) != 1 {
			rw.Header().Set("WWW-Authenticate", `Basic realm="test registry"`)
			http.Error(rw, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(rw, r)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("guard the registry: %w", err)
	}
	server := &http.Server{Handler: asksFor, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // it ends with Close
	}()
	w.onClose(func() error {
		defer func() { <-served }()
		return server.Close()
	})
	return listener.Addr().String(), nil
}

const loopback = "127.0.0.1"

// at returns an address with its port.
func at(address string, port int) string { return net.JoinHostPort(address, strconv.Itoa(port)) }

// serveOnFreePort starts a server on a port that was free a moment ago, and returns both. As somebody else may take it in
// between, it tries three times.
func (w *World) serveOnFreePort(ctx context.Context, start func(context.Context, int) (*process, error)) (int, *process, error) {
	var failed error
	for range 3 {
		// Free on every address, since some servers listen on several.
		listener, err := net.Listen("tcp4", ":0")
		if err != nil {
			return 0, nil, fmt.Errorf("look for a free port: %w", err)
		}
		port := listener.Addr().(*net.TCPAddr).Port
		if err := listener.Close(); err != nil {
			return 0, nil, fmt.Errorf("look for a free port: %w", err)
		}
		p, err := start(ctx, port)
		if err == nil {
			return port, p, nil
		}
		if failed = err; ctx.Err() != nil {
			break
		}
	}
	return 0, nil, failed
}

// anyOf returns the path of the first program that is installed.
func anyOf(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed (e2e/setup.sh installs it)", names[0])
}
