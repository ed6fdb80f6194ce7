package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// canary stands for a secret that the Engine quotes.
const canary = "canary-5f2b-must-not-be-seen"

func testEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := New(Options{Host: "unix:///nonexistent.sock", Key: secret.NewKey([secret.KeySize]byte{1})})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestEngineTextsAreRecognizedAndNeverPassedOn feeds texts as Engines from 20.10 to 28 write them, with a canary in
// each.
func TestEngineTextsAreRecognizedAndNeverPassedOn(t *testing.T) {
	for _, tt := range []struct {
		text string
		kind fault.Kind
		want string
	}{
		{"driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:8080 failed: port is already allocated", fault.Conflict, "host port 0.0.0.0:8080 is already in use"},
		{"driver failed programming: Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in use", fault.Conflict, "host port 127.0.0.1:8080 is already in use"},
		{"failed to set up container networking: failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use", fault.Conflict, "host port 0.0.0.0:8080 is already in use"},
		{"failed to bind host port 127.0.0.1:80/tcp: address already in use", fault.Conflict, "host port 127.0.0.1:80 is already in use"},
		{"Bind for [::]:8080 failed: port is already allocated", fault.Conflict, "host port [::]:8080 is already in use"},
		{"Bind for 999.0.0.1:8080 failed: port is already allocated", fault.Conflict, "a host port that it publishes is already in use"},
		{"failed to create endpoint: Address already in use", fault.Conflict, "ipv4_address"},
		{`Conflict. The container name "/web" is already in use by container "abc". You have to remove (or rename) that container`, fault.Conflict, "name is already in use"},
		{"network nowhere not found", fault.NotFound, "network that it joins"},
		{"mkdir /var/lib/docker/overlay2/abc: no space left on device", fault.Unavailable, "no space is left"},
		{"No such image: r.example.com/app@sha256:feed", fault.NotFound, "not on this host any more"},
		{"No such container: abc", fault.NotFound, "does not exist"},
		{`OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "serve": executable file not found in $PATH: unknown`, fault.Unavailable, "does not exist in the image"},
		{`runc create failed: exec: "/serve": stat /serve: no such file or directory: unknown`, fault.Unavailable, "does not exist in the image"},
		{`exec: "/serve": permission denied: unknown`, fault.Unavailable, "may not be executed"},
		{"exec /serve: exec format error", fault.Unavailable, "another platform"},
		{"unable to find user nobody-here: no matching entries in passwd file", fault.Unavailable, "user is not known"},
		{"invalid mount config for type \"bind\": bind source path does not exist: /x", fault.Refused, "does not exist on the host"},
		{"error looking up logging plugin nonsense: plugin \"nonsense\" not found", fault.Refused, "no such logging driver"},
		{"unknown log opt 'nonsense' for json-file log driver", fault.Refused, "logging options"},
		{"invalid CapAdd: unknown capability: \"CAP_NONSENSE\"", fault.Refused, "unknown capability"},
		{"Minimum memory limit allowed is 6MB", fault.Refused, "memory limit"},
		{`"specify health-check start interval" requires API version 1.44, but the Docker daemon API version is 1.41`, fault.Refused, "too old"},
		{"something that nobody foresaw", fault.Unavailable, "withheld"},
	} {
		err := fmt.Errorf("Error response from daemon: %s (env: API_KEY=%s)", tt.text, canary) //nolint:staticcheck // as the client writes it
		got := testEngine(t).failed(err, "start container %s", "web")
		if fault.KindOf(got) != tt.kind || !strings.HasPrefix(got.Error(), "start container web: ") || !strings.Contains(got.Error(), tt.want) {
			t.Errorf("%s\n  is told as %v (%s)", tt.text, got, fault.KindOf(got))
		}
		silent(t, got)
		if !errors.Is(got, err) {
			t.Errorf("%s: the cause is lost", tt.text)
		}
	}
}

func TestErrorsAreClassified(t *testing.T) {
	quoted := errors.New("Error response from daemon: invalid environment variable: =" + canary) //nolint:staticcheck // as the client writes it
	for _, tt := range []struct {
		err  error
		kind fault.Kind
		want string
	}{
		{errors.Join(quoted, errdefs.ErrInvalidArgument), fault.Refused, "does not accept a setting"},
		{errors.Join(quoted, errdefs.ErrNotFound), fault.NotFound, "does not know it"},
		{errors.Join(quoted, errdefs.ErrConflict), fault.Conflict, "withheld"},
		{errors.Join(quoted, errdefs.ErrPermissionDenied), fault.Unavailable, "does not allow it"},
		{errors.Join(quoted, context.DeadlineExceeded), fault.TimedOut, "in time"},
		{errors.Join(quoted, context.Canceled), fault.Unavailable, "interrupted"},
		{fault.New(fault.Halted, "ours"), fault.Halted, "ours"},
	} {
		got := testEngine(t).failed(tt.err, "create container web")
		if fault.KindOf(got) != tt.kind || !strings.Contains(got.Error(), tt.want) {
			t.Errorf("%v is told as %v (%s)", tt.err, got, fault.KindOf(got))
		}
		silent(t, got)
	}
	if testEngine(t).failed(nil, "nothing") != nil {
		t.Error("no error became one")
	}
}

func TestRegistryTextsAreToldApart(t *testing.T) {
	// The repository's name is built to mislead.
	img := workload.Image{Repository: "registry.example.com/denied/not found", Tag: "2"}
	for _, tt := range []struct {
		text string
		kind fault.Kind
		want string
	}{
		{"Get https://registry.example.com/v2/: unauthorized: authentication required", fault.Refused, "(401)"},
		{"Head https://registry.example.com/v2/x/manifests/2: no basic auth credentials", fault.Refused, "(401)"},
		{"denied: requested access to the resource is denied", fault.Refused, "(403)"},
		{"manifest unknown: manifest unknown", fault.Refused, "(404)"},
		{"manifest for registry.example.com/denied/not found:2 not found: manifest unknown", fault.Refused, "(404)"},
		{"name unknown: repository name not known to registry", fault.Refused, "(404)"},
		{"toomanyrequests: You have reached your pull rate limit", fault.Unavailable, "(429)"},
		{"received unexpected HTTP status: 503 Service Unavailable", fault.Unavailable, "(5xx)"},
		{"Get https://registry.example.com/v2/: dial tcp: lookup registry.example.com: no such host", fault.Unavailable, "cannot be reached"},
		{"dial tcp 192.0.2.1:443: connect: connection refused", fault.Unavailable, "cannot be reached"},
		{"net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)", fault.Unavailable, "cannot be reached"},
		{"x509: certificate signed by unknown authority", fault.Unavailable, "/etc/docker/certs.d/registry.example.com/ca.crt"},
		{"http: server gave HTTP response to HTTPS client", fault.Unavailable, "insecure-registries"},
		{`error parsing HTTP 429 response body: invalid character 's' looking for beginning of value: "slow down"`, fault.Unavailable, "(429)"},
		{`error parsing HTTP 404 response body: unexpected end of JSON input: ""`, fault.Refused, "or it is no registry (404)"},
		{`error parsing HTTP 403 response body: invalid character 'o' in literal null (expecting 'u'): "manifest unknown"`, fault.Refused, "(403)"},
		{"received unexpected HTTP status: 502 Bad Gateway", fault.Unavailable, "(5xx)"},
		{"error unmarshalling content: invalid character '<' looking for beginning of value", fault.Unavailable, "a registry's language"},
		{"unexpected end of JSON input", fault.Unavailable, "a registry's language"},
		{`Head "https://registry.example.com/v2/x/manifests/2": unable to decode token response: invalid character '<' looking for beginning of value`, fault.Unavailable, "a registry's language"},
		{`Head "https://registry.example.com/v2/x/manifests/2": unauthorized: incorrect username or password`, fault.Refused, "does not accept what /etc/fairlead/docker.json has"},
		{`Head "https://registry.example.com/v2/x/manifests/2": unauthorized: token has expired`, fault.Refused, "has expired (401)"},
		{`Head "https://registry.example.com/v2/x/manifests/2": no basic auth credentials`, fault.Refused, "/etc/fairlead/docker.json has none for it (401)"},
		{`Head "https://registry.example.com/v2/x/manifests/2": denied: forbidden`, fault.Refused, "(403)"},
		{"name unknown", fault.Refused, "no such repository (404)"},
		{"manifest unknown", fault.Refused, "no such tag or digest in that repository (404)"},
		{`Get "https://registry.example.com/v2/": x509: certificate has expired or is not yet valid: current time 2026-11-26T12:13:26Z is after 2026-11-26T11:13:26Z`, fault.Unavailable, "renew it"},
		{`Get "https://registry.example.com/v2/": x509: certificate is valid for 127.0.0.1, not 192.0.2.2`, fault.Unavailable, "another name"},
		{`Get "https://registry.example.com/v2/": x509: cannot validate certificate for 192.0.2.2 because it doesn't contain any IP SANs`, fault.Unavailable, "another name"},
		{`Get "https://nothing.invalid/v2/": dial tcp: lookup nothing.invalid on 192.0.2.53:53: no such host`, fault.Unavailable, "cannot resolve its name"},
		{`Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused`, fault.Unavailable, "nothing listens there"},
		{"net/http: TLS handshake timeout", fault.Unavailable, "in time"},
		{"filesystem layer verification failed for digest sha256:feed", fault.Unavailable, "not what the digest stands for"},
		{"failed to resolve reference: unexpected status from HEAD request to https://registry.example.com/v2/x/manifests/2: 429 Too Many Requests", fault.Unavailable, "(429)"},
		{"failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://registry.example.com/token: 401 Unauthorized", fault.Refused, "(401)"},
		{"pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed", fault.Refused, "(403)"},
		{"no matching manifest for linux/amd64 in the manifest list entries", fault.Refused, "this host's platform"},
		{"Error processing tar file: write /x: no space left on device", fault.Unavailable, "no space is left"},
		{"registry.example.com/denied/not found: something that nobody foresaw", fault.Unavailable, "withheld"},
	} {
		got := testEngine(t).registryFailed(errors.New(tt.text+" "+canary), "pull", img)
		if fault.KindOf(got) != tt.kind || !strings.Contains(got.Error(), tt.want) {
			t.Errorf("%s\n  is told as %v (%s)", tt.text, got, fault.KindOf(got))
		}
		if !strings.Contains(got.Error(), "no container was touched") || strings.Contains(got.Error(), "HOST") || strings.Contains(got.Error(), "LOGINS") || strings.Contains(got.Error(), "\n") {
			t.Errorf("%s\n  is told as %v", tt.text, got)
		}
		silent(t, got)
	}
}

// TestRegistryNamesDoNotMislead names hosts and repositories by what is looked for in the Engine's texts.
func TestRegistryNamesDoNotMislead(t *testing.T) {
	for _, repository := range []string{"denied.example.com/app", "eof.example.com/forbidden", "registry.example.com/unauthorized/denied"} {
		host, path, _ := strings.Cut(repository, "/")
		text := `Get "https://` + host + `/v2/` + path + `/manifests/2": dial tcp 192.0.2.1:443: connect: connection refused`
		got := testEngine(t).registryFailed(errors.New(text), "pull", workload.Image{Repository: repository, Tag: "2"})
		if !strings.Contains(got.Error(), "nothing listens there") {
			t.Errorf("%s is told as %v", repository, got)
		}
	}
}

// FuzzFailureTextsStayInside holds that nothing of a foreign text comes out, but an address.
func FuzzFailureTextsStayInside(f *testing.F) {
	for _, seed := range []string{"port is already allocated", "Bind for 1.2.3.4:80 failed: port is already allocated", "no such image", ""} {
		f.Add(seed)
	}
	e := testEngine(f)
	f.Fuzz(func(t *testing.T, text string) {
		got := e.failed(errors.New(text+" "+canary), "start container web")
		silent(t, got)
		silent(t, e.registryFailed(errors.New(canary+" "+text), "pull", workload.Image{Repository: "a/b", Tag: "1"}))
	})
}

// silent fails the test when the canary can be read in err.
func silent(t *testing.T, err error) {
	t.Helper()
	if strings.Contains(err.Error(), "canary") || strings.Contains(fault.Text(err), "canary") {
		t.Errorf("the Engine's text came out: %v", err)
	}
}

func TestNewWantsAKey(t *testing.T) {
	if _, err := New(Options{}); fault.KindOf(err) != fault.Internal {
		t.Errorf("New says %v", err)
	}
	if _, err := New(Options{Host: "no-address", Key: secret.NewKey([secret.KeySize]byte{})}); fault.KindOf(err) != fault.Usage {
		t.Errorf("New says %v", err)
	}
}
