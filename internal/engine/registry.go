package engine

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// A registry's refusals. The Engine tells them in its texts alone, and those hold the registry's own words, so they
// are recognized and not passed on. Within a list any one sign is enough. In the words, HOST stands for the registry, and
// LOGINS for the file with the credentials.
var registryFailures = []struct {
	signs []string
	kind  fault.Kind
	words string
}{
	{[]string{"toomanyrequests", "too many requests"}, fault.Unavailable,
		"the registry has had too many requests from here (429); wait, or use a login with a higher limit"},
	{[]string{"server gave http response to https client"}, fault.Unavailable,
		"the registry speaks plain HTTP; give it TLS, or name it under insecure-registries in /etc/docker/daemon.json"},
	{[]string{"x509:", "tls:", "certificate"}, fault.Unavailable,
		"the TLS connection to the registry failed; put its authority's certificate into /etc/docker/certs.d/HOST/ca.crt"},
	{[]string{"no basic auth credentials", "unauthorized", "authentication required", "incorrect username or password"}, fault.Refused,
		"the registry wants a login, and does not accept what LOGINS has for it (401); mend that file"},
	{[]string{"denied", "forbidden", "insufficient_scope"}, fault.Refused,
		"the registry does not let the login in LOGINS read the repository (403), or there is no such repository"},
	{[]string{"no matching manifest", "does not match the specified platform", "does not provide the specified platform"}, fault.Refused,
		"the image is not made for this host's platform"},
	{[]string{"manifest unknown", "name unknown", "not found", "does not exist"}, fault.Refused,
		"the registry has no such image (404); look at the tag, and whether it was pushed"},
	{[]string{"no such host", "connection refused", "i/o timeout", "network is unreachable", "no route to host", "timeout exceeded", "connection reset", "server misbehaving", "eof", "deadline exceeded"}, fault.Unavailable,
		"the registry cannot be reached from the Docker Engine; look at its address, DNS, the network and the Engine's proxy"},
	{[]string{"no space left on device"}, fault.Unavailable,
		"no space is left on the Docker Engine's disk; free some (docker system df shows what takes it)"},
	{[]string{"500 internal server error", "502 bad gateway", "503 service unavailable", "504 gateway time"}, fault.Unavailable,
		"the registry is out of order (5xx); try again later"},
}

// registryFailed returns the failure of a call that the Engine made to the registry of img.
func (e *Engine) registryFailed(err error, doing string, img workload.Image) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	doing += " " + asked(img)
	ours := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || client.IsErrConnectionFailed(err)
	if ours {
		return e.failed(err, "%s", doing)
	}
	kind, words := recognizeRegistry(err, img)
	words = strings.NewReplacer("HOST", hostOf(withHost(img.Repository)), "LOGINS", e.registryConfig).Replace(words)
	return fault.Hide(err, kind, "%s: %s; no container was touched", doing, words)
}

// recognizeRegistry returns the kind of a registry's refusal, and our words for it. The image's own name is taken out
// of the text first: a repository may be called anything.
func recognizeRegistry(err error, img workload.Image) (fault.Kind, string) {
	text := strings.ToLower(err.Error())
	for _, name := range []string{withHost(img.Repository), img.Repository} {
		text = strings.ReplaceAll(text, strings.ToLower(name), "")
	}
	for _, f := range registryFailures {
		for _, sign := range f.signs {
			if strings.Contains(text, sign) {
				return f.kind, f.words
			}
		}
	}
	switch {
	case errdefs.IsUnauthorized(err), errdefs.IsPermissionDenied(err):
		return fault.Refused, "the registry does not let this login read the repository (" + http.StatusText(http.StatusForbidden) + ")"
	case errdefs.IsNotFound(err):
		return fault.Refused, "the registry has no such image (404); look at the tag, and whether it was pushed"
	}
	return fault.Unavailable, "the registry, or the Docker Engine, failed; " + withheld
}

// asked returns the image as it was asked for, digest and all.
func asked(img workload.Image) string {
	if img.Tag != "" {
		return img.Repository + ":" + img.Tag
	}
	return img.Ref()
}
