package engine

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// DefaultRegistryConfig is where the registries' credentials are. It need not exist: registries are then asked
// anonymously. A file at another path must.
const DefaultRegistryConfig = "/etc/fairlead/docker.json"

// maxRegistryConfig is the longest credentials file that is read, in bytes.
const maxRegistryConfig = 1 << 20

// login is how to present oneself to one registry.
type login struct {
	server        string
	user          string
	password      secret.Value
	identityToken secret.Value
	registryToken secret.Value
}

// header returns l as the Engine takes it, or nothing for an anonymous login.
func (l login) header() (secret.Value, error) {
	if l.server == "" {
		return secret.Value{}, nil
	}
	text, err := registry.EncodeAuthConfig(registry.AuthConfig{
		Username:      l.user,
		Password:      l.password.Reveal(),
		IdentityToken: l.identityToken.Reveal(),
		RegistryToken: l.registryToken.Reveal(),
		ServerAddress: l.server,
	})
	if err != nil {
		return secret.Value{}, fault.Hide(err, fault.Internal, "the credentials of registry %s cannot be encoded", l.server)
	}
	return secret.NewValue(text), nil
}

// credentials returns the header to present to the registry of repository, from the configured file as it is now.
func (e *Engine) credentials(repository string) (secret.Value, error) {
	text, err := readConfig(e.registryConfig)
	if err != nil || text == nil {
		return secret.Value{}, err
	}
	named, err := reference.ParseNormalizedNamed(repository)
	if err != nil {
		return secret.Value{}, fault.Hide(err, fault.Refused, "the repository %q is no image name", repository)
	}
	l, err := findLogin(text, e.registryConfig, reference.Domain(named))
	if err != nil {
		return secret.Value{}, err
	}
	return l.header()
}

// readConfig returns the file's text, and nil when there is no file at the default path.
func readConfig(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && path == DefaultRegistryConfig {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Hide(err, fault.Refused, "the registry credentials in %s cannot be read (%s); nothing was changed", path, reason(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRegistryConfig+1))
	if err != nil {
		return nil, fault.Hide(err, fault.Refused, "the registry credentials in %s cannot be read (%s); nothing was changed", path, reason(err))
	}
	if len(text) > maxRegistryConfig {
		return nil, fault.New(fault.Refused, "%s is larger than 1 MiB, so it is no Docker config file; nothing was changed", path)
	}
	return text, nil
}

// reason returns the operating system's word for why a path cannot be read; it is about the path and nothing else.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return "it failed"
}

// configFile is what is used of a Docker config file.
type configFile struct {
	Auths       map[string]authEntry `json:"auths"`
	CredsStore  string               `json:"credsStore"`
	CredHelpers map[string]string    `json:"credHelpers"`
}

type authEntry struct {
	Auth          string `json:"auth"`
	Username      string `json:"username"`
	Password      string `json:"password"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// findLogin returns the login for the registry host out of a Docker config file's text; a host that it does not name
// is asked anonymously. The text is never quoted: it is all credentials.
func findLogin(text []byte, path, host string) (login, error) {
	var file configFile
	if err := json.Unmarshal(text, &file); err != nil {
		return login{}, fault.Hide(err, fault.Refused, "%s is no Docker config file (it is not valid JSON of that form); nothing was changed; write it anew with docker --config DIR login", path)
	}
	if helper := helperFor(file, host); helper != "" {
		return login{}, fault.New(fault.Refused, "%s leaves the login for %s to a credential helper, which a daemon does not run; nothing was changed; put it under auths (docker --config DIR login writes it there where no helper is set)", path, host)
	}
	for server, entry := range file.Auths {
		if hostOf(server) == hostOf(host) && entry != (authEntry{}) {
			return entry.login(server, path)
		}
	}
	return login{}, nil
}

// helperFor returns the credential helper that keeps the login for host: the one named for it, or the general one where
// the file has an empty entry for host, which is how docker marks a login that it gave away.
func helperFor(file configFile, host string) string {
	for server, helper := range file.CredHelpers {
		if hostOf(server) == hostOf(host) {
			return helper
		}
	}
	for server, entry := range file.Auths {
		if hostOf(server) == hostOf(host) && entry == (authEntry{}) {
			return file.CredsStore
		}
	}
	return ""
}

func (a authEntry) login(server, path string) (login, error) {
	l := login{server: server, user: a.Username, password: secret.NewValue(a.Password), identityToken: secret.NewValue(a.IdentityToken), registryToken: secret.NewValue(a.RegistryToken)}
	if a.Auth == "" {
		return l, nil
	}
	pair, err := base64.StdEncoding.DecodeString(a.Auth)
	user, password, ok := strings.Cut(string(pair), ":")
	if err != nil || !ok {
		return login{}, fault.New(fault.Refused, "the auth of %s in %s is not base64 of user:password; nothing was changed; write it anew with docker --config DIR login", hostOf(server), path)
	}
	l.user, l.password = user, secret.NewValue(strings.TrimRight(password, "\x00"))
	return l, nil
}

// hostOf returns the host that an entry of a config file is for. Old entries are URLs, and Docker Hub has three names.
func hostOf(server string) string {
	server = strings.TrimPrefix(strings.TrimPrefix(server, "https://"), "http://")
	server, _, _ = strings.Cut(server, "/")
	switch server {
	case "index.docker.io", "registry-1.docker.io":
		return "docker.io"
	}
	return server
}
