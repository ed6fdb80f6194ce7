package world

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Engine is a Docker Engine, spoken to directly: what is tried must not be judged by its own client.
type Engine struct {
	Host    string // as in DOCKER_HOST
	Version string // of its API

	http *http.Client
	base string
}

// Refusal is an answer of the Engine other than success.
type Refusal struct {
	Status  int // of HTTP
	Request string
	Message string
}

// Error returns the request and what the Engine said.
func (r *Refusal) Error() string {
	return fmt.Sprintf("the engine refuses %s (%d): %s", r.Request, r.Status, r.Message)
}

// Connect returns the Engine at DOCKER_HOST, or at /var/run/docker.sock.
func Connect(ctx context.Context) (*Engine, error) {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		host = "unix:///var/run/docker.sock"
	}
	e := &Engine{Host: host}
	transport := &http.Transport{}
	switch scheme, address, _ := strings.Cut(host, "://"); scheme {
	case "unix":
		dialer := &net.Dialer{}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", address)
		}
		e.base = "http://engine"
	case "tcp":
		e.base = "http://" + address
	default:
		return nil, fmt.Errorf("DOCKER_HOST: only unix:// and tcp:// are understood, not %q", host)
	}
	e.http = &http.Client{Transport: transport}
	return e, e.negotiate(ctx)
}

// negotiate finds out the version of the Engine's API, which stands in every path from then on.
func (e *Engine) negotiate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var about struct {
		APIVersion string `json:"ApiVersion"`
	}
	if err := e.Call(ctx, "GET", "/version", nil, nil, &about); err != nil {
		return fmt.Errorf("no Docker Engine answers at %s (e2e/setup.sh starts one): %w", e.Host, err)
	}
	e.Version = about.APIVersion
	e.base += "/v" + e.Version
	return nil
}

// Call sends one request with in as its JSON body, unless nil, and decodes the answer into out, unless nil. The path
// carries no version.
func (e *Engine) Call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	answer, err := e.Stream(ctx, method, path, query, in)
	if err != nil {
		return err
	}
	defer answer.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, answer)
	} else {
		err = json.NewDecoder(answer).Decode(out)
	}
	if err != nil {
		return fmt.Errorf("read the engine's answer to %s %s: %w", method, path, err)
	}
	return nil
}

// Stream is Call for an answer that is read as it comes. The caller closes it.
func (e *Engine) Stream(ctx context.Context, method, path string, query url.Values, in any) (io.ReadCloser, error) {
	if in == nil {
		return e.Send(ctx, method, path, query, "", nil)
	}
	text, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode a request to the engine: %w", err)
	}
	return e.Send(ctx, method, path, query, "application/json", bytes.NewReader(text))
}

// Send is Stream with a body of any kind.
func (e *Engine) Send(ctx context.Context, method, path string, query url.Values, kind string, body io.Reader) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, e.base+path+"?"+query.Encode(), body)
	if err != nil {
		return nil, fmt.Errorf("make a request to the engine: %w", err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	answer, err := e.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the engine: %w", err)
	}
	if answer.StatusCode >= 300 {
		defer answer.Body.Close()
		return nil, refusal(method+" "+path, answer)
	}
	return answer.Body, nil
}

func refusal(request string, answer *http.Response) error {
	r := &Refusal{Status: answer.StatusCode, Request: request, Message: answer.Status}
	var said struct{ Message string }
	if json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&said) == nil && said.Message != "" {
		r.Message = said.Message
	}
	return r
}

// Pull pulls an image, by tag or by digest, from a registry that asks for no credentials.
func (e *Engine) Pull(ctx context.Context, ref string) error {
	progress, err := e.Stream(ctx, "POST", "/images/create", url.Values{"fromImage": {ref}}, nil)
	if err != nil {
		return err
	}
	defer progress.Close()
	// A pull that fails on its way still answers 200: the failure is one of the lines.
	for lines := json.NewDecoder(progress); ; {
		var line struct{ Error string }
		err := lines.Decode(&line)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("pull %s: %w", ref, err)
		}
		if line.Error != "" {
			return fmt.Errorf("pull %s: %s", ref, line.Error)
		}
	}
}
