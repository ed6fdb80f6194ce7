package engine

import (
	"context"
	"errors"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// A registry's refusals. The Engine tells them in its texts alone, and those hold the registry's own words, so they
// are recognized and not passed on. Within a list any one sign is enough, and the first list that fits counts: a status
// that the Engine names stands before the words that the registry wrote beside it. In the words, HOST stands for the
// registry, and LOGINS for the file with the credentials.
var registryFailures = []struct {
	signs []string
	kind  fault.Kind
	words string
}{
	{[]string{"http 429 response", "429 too many requests", "toomanyrequests", "too many requests"}, fault.Unavailable,
		"registry HOST has had too many requests from here (429); try later, or put a login with a higher limit into LOGINS"},
	{[]string{"500 internal server error", "502 bad gateway", "503 service unavailable", "504 gateway time", "http 500 response", "http 502 response", "http 503 response", "http 504 response"}, fault.Unavailable,
		"registry HOST is out of order (5xx); try again later, or look at its log"},
	{[]string{"http 401 response"}, fault.Refused, loginWords},
	{[]string{"http 403 response"}, fault.Refused, deniedWords},
	{[]string{"http 404 response"}, fault.Refused,
		"registry HOST has no such image, or it is no registry (404); look at the repository's name and the tag, and whether HOST is the right address"},
	{[]string{"server gave http response to https client"}, fault.Unavailable,
		"registry HOST speaks plain HTTP; give it TLS, or name it under insecure-registries in /etc/docker/daemon.json"},
	{[]string{"x509: certificate has expired", "certificate has expired or is not yet valid"}, fault.Unavailable,
		"the certificate of registry HOST has expired, or is not valid yet; renew it there, and look at the clock of this host"},
	{[]string{"x509: certificate is valid for", "cannot validate certificate for", "certificate is not valid for any names", "x509: certificate relies on legacy common name"}, fault.Unavailable,
		"the certificate of registry HOST is made out to another name; use a name that it holds, or have one made with HOST among its subjectAltNames"},
	{[]string{"signed by unknown authority"}, fault.Unavailable,
		"the certificate of registry HOST is signed by an authority that the Docker Engine does not know; put that authority's certificate into /etc/docker/certs.d/HOST/ca.crt (no restart is needed)"},
	{[]string{"x509:", "tls:", "certificate"}, fault.Unavailable,
		"the TLS connection to registry HOST failed; look at its certificate, and at /etc/docker/certs.d/HOST"},
	{[]string{"no basic auth credentials"}, fault.Refused,
		"registry HOST wants a login, and LOGINS has none for it (401); write one with docker --config DIR login HOST"},
	{[]string{"token has expired", "token is expired", "expired token", "token expired"}, fault.Refused,
		"the login for registry HOST in LOGINS has expired (401); write it anew with docker --config DIR login HOST"},
	{[]string{"unauthorized", "authentication required", "incorrect username or password"}, fault.Refused, loginWords},
	{[]string{"denied", "forbidden", "insufficient_scope"}, fault.Refused, deniedWords},
	{[]string{"no matching manifest", "does not match the specified platform", "does not provide the specified platform"}, fault.Refused,
		"the image is not made for this host's platform"},
	{[]string{"name unknown", "repository name not known"}, fault.Refused,
		"registry HOST has no such repository (404); look at the app's image in the configuration, and whether anything was pushed there"},
	{[]string{"manifest unknown"}, fault.Refused,
		"registry HOST has no such tag or digest in that repository (404); look at the tag, and whether it was pushed"},
	{[]string{"manifest verification failed", "filesystem layer verification failed", "unexpected commit digest", "digest mismatch"}, fault.Unavailable,
		"what registry HOST sent is not what the digest stands for, and was not used; look at the registry, and at a proxy or mirror before it"},
	{[]string{"no such host", "server misbehaving", "temporary failure in name resolution"}, fault.Unavailable,
		"registry HOST cannot be reached: the Docker Engine cannot resolve its name; look at the name, and at this host's DNS"},
	{[]string{"connection refused"}, fault.Unavailable,
		"registry HOST cannot be reached: nothing listens there (connection refused); look at its address and port, and whether it runs"},
	{[]string{"i/o timeout", "timeout exceeded", "handshake timeout", "deadline exceeded", "connection timed out"}, fault.Unavailable,
		"registry HOST cannot be reached in time: it did not answer the Docker Engine; look at the network, the firewall, and the Engine's proxy"},
	{[]string{"network is unreachable", "no route to host", "connection reset", "eof"}, fault.Unavailable,
		"registry HOST cannot be reached from the Docker Engine, or broke the connection off; look at its address, the network and the Engine's proxy"},
	{[]string{"error unmarshalling content", "unable to decode token response", "end of json input", "invalid character", "unsupported manifest media type"}, fault.Unavailable,
		"what answers as registry HOST does not speak a registry's language; look whether HOST is the registry's address, and at a proxy before it"},
	{[]string{"not found", "does not exist"}, fault.Refused,
		"registry HOST has no such image (404); look at the repository's name and the tag, and whether it was pushed"},
	{[]string{"no space left on device"}, fault.Unavailable,
		"no space is left on the Docker Engine's disk; free some (docker system df shows what takes it)"},
}

const (
	loginWords  = "registry HOST wants a login, and does not accept what LOGINS has for it, if anything (401); write it anew with docker --config DIR login HOST"
	deniedWords = "registry HOST does not let the login in LOGINS read the repository (403), or there is no such repository; have it allowed there, or look at the name"
)

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
	kind, words := e.registrySays(err, img)
	return fault.Hide(err, kind, "%s: %s%s", doing, words, untouched)
}

// untouched ends what is said of a registry: a failure there ends a rollout before anything was done.
const untouched = "; no container was touched"

// why returns, in our words and nothing besides, what failed in a call that the Engine made to the registry of img.
func (e *Engine) why(err error, img workload.Image) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return fault.Text(f)
	}
	_, words := e.registrySays(err, img)
	return words
}

// registrySays is recognizeRegistry with the names filled in.
func (e *Engine) registrySays(err error, img workload.Image) (fault.Kind, string) {
	kind, words := recognizeRegistry(err, img)
	return kind, strings.NewReplacer("HOST", hostOf(withHost(img.Repository)), "LOGINS", e.registryConfig).Replace(words)
}

// recognizeRegistry returns the kind of a registry's refusal, and our words for it. The names of the image and of
// its host are taken out of the text first: they may be called anything.
func recognizeRegistry(err error, img workload.Image) (fault.Kind, string) {
	text := strings.ToLower(err.Error())
	for _, name := range []string{withHost(img.Repository), img.Repository, hostOf(withHost(img.Repository)), bare(img.Repository)} {
		if name != "" {
			text = strings.ReplaceAll(text, strings.ToLower(name), "")
		}
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
		return fault.Refused, deniedWords
	case errdefs.IsNotFound(err):
		return fault.Refused, "registry HOST has no such image (404); look at the tag, and whether it was pushed"
	}
	return fault.Unavailable, "registry HOST, or the Docker Engine, failed; " + withheld
}

// bare returns the repository's name behind the host with the slashes about it, as it stands in a registry's URLs.
func bare(repository string) string {
	_, path, ok := strings.Cut(withHost(repository), "/")
	if !ok {
		return ""
	}
	return "/" + path + "/"
}

// asked returns the image as it was asked for, digest and all.
func asked(img workload.Image) string {
	if img.Tag != "" {
		return img.Repository + ":" + img.Tag
	}
	return img.Ref()
}
