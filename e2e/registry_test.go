//go:build e2e

package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// company has registries as a company has them: docker-registry itself, with a login by htpasswd, and TLS by an authority
// of its own, at an address at which the Engine takes no certificate unseen. All of them have the same images.
type company struct {
	world   *world.World
	open    *world.Registry // without TLS and login
	ca      *world.Authority
	gateway string
}

func newCompany(t *testing.T) company {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("what the Engine trusts is written below /etc/docker, which takes root")
	}
	c := company{open: common.newRegistry(t, world.RegistryOptions{})}
	c.world, c.gateway = common.world, common.network.Gateway
	var err error
	if c.ca, err = world.NewAuthority(); err != nil {
		t.Fatal(err)
	}
	return c
}

// registry returns another registry, whose certificate holds until then, for an address.
func (c company) registry(t *testing.T, until time.Time, address string) *world.Registry {
	t.Helper()
	certificate, err := c.ca.Sign(until, net.ParseIP(address))
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.world.Secured(t.Context(), c.open, c.gateway, certificate)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// trust has the Engine trust the company's authority for a registry, until the test ends or the function is called.
func (c company) trust(t *testing.T, r *world.Registry) (distrust func() error) {
	t.Helper()
	distrust, err := c.world.Trust(r, c.ca)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := distrust(); err != nil {
			t.Error(err)
		}
	})
	return distrust
}

// from has the daemon start again with the app's image in another registry.
func (s *stage) from(r *world.Registry) {
	s.t.Helper()
	s.Registry = r
	s.reconfigured()
}

// With the right login and a known authority a deploy goes through; everything else that stands between the daemon and
// its image is told apart, refuses the rollout, and touches nothing.
func TestRegistryWithTLSAndLogin(t *testing.T) {
	c := newCompany(t)
	tomorrow := time.Now().Add(24 * time.Hour)
	good := c.registry(t, tomorrow, c.gateway)
	s := newTenant(t, rig.Options{Registry: good})
	login := func() { s.must(s.WriteLogin(world.SecuredUser, world.SecuredPassword)) }
	next := []string{"deploy", rig.App, "--image", s.image("2.1.0")}
	login()
	unknown := "the certificate of registry " + good.Host + " is signed by an authority that the Docker Engine does not know; put that authority's certificate into /etc/docker/certs.d/" + good.Host + "/ca.crt"
	s.told(3, next, unknown, "no container was touched")
	s.nothingLeft()
	distrust := c.trust(t, good)
	before := s.deployed("2.0.0")

	refused := func(name, want string, spoil func(s *stage), args ...string) {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			login()
			spoil(s)
			if len(args) == 0 {
				args = next
			}
			s.told(3, args, "registry "+s.Registry.Host, want, "no container was touched")
			s.untouched(before)
		})
	}
	refused("a wrong password", "does not accept what "+s.Dir+"/docker.json has for it, if anything (401)", func(s *stage) { s.must(s.WriteLogin(world.SecuredUser, "canary-wrong")) })
	refused("an unknown user", "does not accept what "+s.Dir+"/docker.json has for it, if anything (401)", func(s *stage) { s.must(s.WriteLogin("nobody", world.SecuredPassword)) })
	refused("no login", "wants a login, and "+s.Dir+"/docker.json has none for it (401)", func(s *stage) { s.must(os.WriteFile(s.Dir+"/docker.json", []byte("{}"), 0o600)) })
	refused("no such tag", "has no such tag or digest in that repository (404)", func(*stage) {}, "deploy", rig.App, "--image", "9.9.9")
	refused("no such digest", "has no such tag or digest in that repository (404)", func(*stage) {}, "deploy", rig.App, "--image", "sha256:"+strings.Repeat("0", 64))
	refused("an authority that is known no more", unknown, func(s *stage) { s.must(distrust()) })
	refused("no such repository", "(404)", func(s *stage) {
		c.trust(s.t, good)
		s.reconfigured("image: {{.Repository}}", "image: {{.Repository}}-none")
	})
	s.Template = rig.Config
	for _, bad := range []struct {
		name, want, address string
		until               time.Time
	}{
		{"an expired certificate", "has expired, or is not valid yet; renew it there", c.gateway, time.Now().Add(-time.Hour)},
		{"a certificate of another host", "is made out to another name", "192.0.2.1", tomorrow},
	} {
		r := c.registry(t, bad.until, bad.address)
		c.trust(t, r)
		refused(bad.name, bad.want, func(s *stage) { s.from(r); login() })
	}

	c.trust(t, good)
	s.from(good)
	login()
	s.told(0, next)
}

// limit is a registry that has had enough: of what has this in its path it answers 429, before it looks at anything.
func limit(t *testing.T, behind *world.Registry) (r *world.Registry, of *atomic.Pointer[string]) {
	t.Helper()
	of = &atomic.Pointer[string]{}
	u := &url.URL{Scheme: "http", Host: behind.Host}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if part := of.Load(); part == nil || !strings.Contains(r.URL.Path, *part) {
			pass.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "60")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"errors":[{"code":"TOOMANYREQUESTS","message":"canary-of-the-registry: slow down"}]}`))
	}))
	t.Cleanup(server.Close)
	return &world.Registry{Host: server.Listener.Addr().String()}, of
}

// A limit of requests ends a rollout before anything is touched, wherever in it the registry says so; once it is over,
// the same deploy goes through.
func TestRegistryLimitsRequests(t *testing.T) {
	s := newTenant(t, rig.Options{})
	before := s.deployed("2.0.0")
	next := []string{"deploy", rig.App, "--image", s.image("2.1.0")}
	limited, of := limit(t, s.Registry)
	s.from(limited)
	for name, part := range map[string]string{"the tag": "/manifests/2.1.0", "the digest": "/manifests/sha256:"} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			of.Store(&part)
			s.told(3, next, "registry "+limited.Host+" has had too many requests from here (429); try later", s.Dir+"/docker.json", "no container was touched")
			s.untouched(before)
		})
	}
	of.Store(nil)
	s.told(0, next)
}

// An app's list of registries holds for its configuration, and for the releases that it goes back to.
func TestRegistriesThatAreAllowed(t *testing.T) {
	s := newTenant(t, rig.Options{})
	s.deployed("2.0.0")
	old := s.Options.Repository
	s.Options.Repository = "moved/" + s.Instance
	s.reconfigured("image: {{.Repository}}", "image: {{.Repository}}\n    allowed_registries: [{{.Registry.Host}}/moved]")
	before := s.deployed("3.0.0")

	outside := s.Registry.Host + "/" + old
	s.told(3, []string{"rollback", rig.App}, "the image "+outside+":2.0.0@", "is of no registry in the app's allowed_registries ("+s.Registry.Host+"/moved)", "nothing was changed")
	s.untouched(before)
	s.told(3, []string{"deploy", rig.App, "--image", outside + ":2.0.0"}, "the image is of the repository "+outside, "nothing was changed")
	s.untouched(before)
	s.told(0, []string{"rotate", rig.App})

	s.Options.Repository = "movedaway/" + s.Instance
	s.must(s.WriteConfig())
	s.told(3, []string{"config", "check", s.ConfigFile()}, "apps.capakraken.image: is of no registry in allowed_registries ("+s.Registry.Host+"/moved)")
}
