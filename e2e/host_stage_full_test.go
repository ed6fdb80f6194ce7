//go:build e2e && full

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/host"
	"github.com/capakraken/fairlead/e2e/world"
)

// site is a throw-away host on which Fairlead is installed from its package.
type site struct {
	*host.Host
	t      *testing.T
	images *world.World
}

// The versions of the package that the tests install.
const (
	oldPackage = "0.1"
	newPackage = "0.2"
)

// delivered is where a host has the package, and directory where that is.
const (
	directory = "/var/tmp"
	delivered = directory + "/fairlead.deb"
)

// packages builds the Debian package of a version, once for all tests, and returns its path.
var packages = map[string]func() (string, error){
	oldPackage: sync.OnceValues(func() (string, error) { return makePackage(oldPackage) }),
	newPackage: sync.OnceValues(func() (string, error) { return makePackage(newPackage) }),
}

func makePackage(version string) (string, error) {
	dir, err := binaries()
	if err != nil {
		return "", err
	}
	return packageIn(filepath.Join(dir, "package-"+version), version)
}

// packageIn has "make deb" build a package into a directory and returns its path.
func packageIn(dir, version string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "make", "deb", "DIST="+dir, "VERSION="+version, "DEB_VERSION="+version)
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make deb: %w\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("make deb made %v: %w", found, err)
	}
	return found[0], nil
}

// bare boots a host with nothing of Fairlead but its package, as delivered.
func bare(t *testing.T, lan *host.LAN, name string) *site {
	t.Helper()
	h, err := lan.Boot(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{h, t, world.Workshop(t.TempDir())}
	s.deliver(oldPackage)
	// A registry on the host itself, which the Engine trusts without TLS, as the address is the loopback's.
	// It is started anew, since it remembers the names of the hosts for some seconds.
	s.sh(0, "echo 127.0.0.1 registry.example.com >>/etc/hosts && systemctl restart docker")
	return s
}

// installed is bare with Fairlead installed and an app that is not rolled out yet.
func installed(t *testing.T) *site {
	t.Helper()
	s := bare(t, host.ForTest(t), "alpha")
	s.sh(0, "apt-get install -y "+delivered)
	return configured(s)
}

// configured gives the host its app, and starts the daemon.
func configured(s *site) *site {
	s.t.Helper()
	s.sh(0, "install -d -m 0750 -o root -g fairlead /etc/shop")
	s.env("AZURE_OPENAI_API_KEY="+aiKey, "SMTP_PASSWORD="+smtpPass)
	s.write("/etc/fairlead/fairlead.yaml", siteConfig, 0o640)
	s.sh(0, "chgrp fairlead /etc/fairlead/fairlead.yaml; systemctl enable --now fairlead")
	return s
}

const siteConfig = `instance: prod-1
access: {operators: {groups: [fairlead]}}
apps:
  shop:
    environment: production
    image: registry.example.com:5000/shop
    env: [{file: /etc/shop/.env.production}]
    timeouts: {verify: 2m, restart: 1m}
    services:
      web: {command: [web], ports: ["127.0.0.1:3000:3000"], restart: unless-stopped, stop_grace_period: 2s, container_name: shop-web}
    verify:
      web:
        url: "http://{container}:3000/api/runtime-status"
        query: "{healthy: .ok, version: .version, secrets: [.runtimeSecrets | to_entries[] | {name: .key, source: .value.source, present: .value.configured}]}"
    secrets:
      - {name: primary-ai, env: AZURE_OPENAI_API_KEY, description: Primary AI API credential, required: true, min_length: 20}
      - {name: smtp, env: SMTP_PASSWORD, description: SMTP password, required: true}
`

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// deliver copies a version of the package to the host.
func (s *site) deliver(version string) {
	s.t.Helper()
	path, err := packages[version]()
	s.must(err)
	text, err := os.ReadFile(path)
	s.must(err)
	s.write(delivered, string(text), 0o644)
}

func (s *site) write(name, text string, mode os.FileMode) {
	s.t.Helper()
	s.must(s.Write(name, []byte(text), mode))
}

// env writes the app's env file as an editor does: a new file, renamed over the old one, with the old one's owner.
func (s *site) env(lines ...string) {
	s.t.Helper()
	s.sh(0, "umask 077; cat >/etc/shop/.swap <<'END'\n"+strings.Join(lines, "\n")+"\nEND\nchown root:fairlead /etc/shop/.swap; chmod 0640 /etc/shop/.swap; mv /etc/shop/.swap /etc/shop/.env.production")
}

// image puts an image of the app into the host's registry and returns its tag.
func (s *site) image(tag string, misbehave ...string) string {
	s.t.Helper()
	spec := world.ImageSpec{Repository: "shop", Tag: tag, Env: []string{"REFAPP_VERSION=" + tag}}
	if len(misbehave) > 0 {
		spec.Env = append(spec.Env, "REFAPP_MISBEHAVE="+strings.Join(misbehave, ","))
	}
	_, err := s.images.Image(s.t.Context(), world.Elsewhere("127.0.0.1:5000", s.HTTP()), spec)
	s.must(err)
	return tag
}

// sh runs lines on the host, expects an exit code, and returns what they printed.
func (s *site) sh(code int, lines string, says ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 4*time.Minute)
	defer cancel()
	res, err := s.Script(ctx, lines)
	s.must(err)
	if res.Code != code {
		s.t.Fatalf("want exit %d: %s", code, res)
	}
	for _, text := range says {
		if !strings.Contains(res.Out+res.Err, text) {
			s.t.Errorf("%q is missing in %s", text, res)
		}
	}
	return res.Out
}

// eventually waits until lines end with 0 on the host.
func (s *site) eventually(what, lines string) {
	s.t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		res, err := s.Script(s.t.Context(), lines)
		s.must(err)
		if res.Code == 0 {
			return
		}
		select {
		case <-deadline:
			s.t.Fatalf("waited in vain until %s: %s", what, res)
		case <-tick.C:
		}
	}
}

// begun starts a deploy of an image that takes its time to start, and returns the rollout when it is in verify.
func (s *site) begun(tag string) string {
	s.t.Helper()
	id := strings.TrimSpace(s.sh(0, "fairlead deploy shop --detach --output json --image "+s.image(tag, "slow-start=20s")+" | sed -n 's/.*\"id\": *\"\\([^\"]*\\)\".*/\\1/p' | head -1"))
	if id == "" {
		s.t.Fatal("the deploy told no rollout's id")
	}
	s.eventually(id+" verifies", "fairlead show "+id+" --output json | grep -q '\"step\": *\"verify\"'")
	return id
}

// ends expects a rollout to end well, and its release to run, once.
func (s *site) ends(id, tag string) {
	s.t.Helper()
	s.sh(0, "fairlead watch "+id, "succeeded")
	s.runs(tag)
}

// runs expects one container of the app, of this version, which answers.
func (s *site) runs(tag string) {
	s.t.Helper()
	s.eventually(tag+" answers", "curl -fsS http://127.0.0.1:3000/api/runtime-status | grep -q '\""+tag+"\"'")
	if got := strings.TrimSpace(s.sh(0, "docker ps --all --format '{{.Names}} {{.State}}'")); got != "shop-web running" {
		s.t.Errorf("the containers of the host are:\n%s", got)
	}
	s.sh(0, "runuser -u fairlead -- fairlead audit verify --state /var/lib/fairlead", "whole")
}
