//go:build e2e && full

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// toolFile is a project for Debian's docker-compose: the app alone, on a network that also has its database.
const toolFile = `services:
  web:
    image: %[1]s:${APP_TAG:-1.0.0}
    command: [web]
    env_file: [.env, .env.production]
    restart: unless-stopped
    stop_grace_period: 2s
    volumes: ["/var/cache/shop"]
  worker:
    image: %[1]s:${APP_TAG:-1.0.0}
    command: [worker]
    env_file: [.env, .env.production]
    restart: unless-stopped
    stop_grace_period: 2s

networks:
  default:
    external: true
    name: %[2]s
`

// composeTool is a project of the real docker-compose.
type composeTool struct {
	*stage
	name, file string
}

// compose runs docker-compose and returns what it prints.
func (c *composeTool) compose(args ...string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker-compose", append([]string{"--project-name", c.name, "--file", c.file, "--ansi", "never"}, args...)...)
	cmd.Dir = filepath.Dir(c.file)
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("docker-compose %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// runs returns the container of a service by Compose's own account of it.
func (c *composeTool) runs(service string) string {
	c.t.Helper()
	id := strings.TrimSpace(c.compose("ps", "-q", service))
	if len(id) != 64 {
		c.t.Fatalf("docker-compose takes %q for the container of %s", id, service)
	}
	return id
}

// The real docker-compose made the app, and takes what Fairlead made of it for its own: ps, logs, up and down work, up is
// found out and repaired, and what is in a volume without a name goes on.
func TestComposeTool(t *testing.T) {
	if _, err := exec.LookPath("docker-compose"); err != nil {
		t.Fatal("docker-compose is not installed; make test-full installs Debian's")
	}
	w := world.ForTest(t)
	network, err := w.Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := "shop" + w.Run
	template := strings.NewReplacer("services: [web, worker]}", "project: "+name+", services: [web, worker]}",
		"    not_consumers: [{{.Instance}}-db-1, {{.Instance}}-redis-1, {{.Instance}}-proxy-1]\n", "").Replace(composeConfig)
	s := quietStage(t, rig.Options{World: w, Network: network, Repository: "capakraken/shop", Template: template, Clear: "manual"})
	s.image("1.0.0")
	dir := filepath.Join(s.Dir, "shop")
	s.must(os.Mkdir(dir, 0o755))
	c := &composeTool{s, name, filepath.Join(dir, "compose.yaml")}
	s.must(os.WriteFile(c.file, fmt.Appendf(nil, toolFile, s.Repository(), network.Name), 0o644))
	s.must(os.WriteFile(filepath.Join(dir, ".env"), []byte("DATABASE_URL="+s.Postgres.URL()+"\n"), 0o640))
	s.must(os.WriteFile(filepath.Join(dir, ".env.production"), fmt.Appendf(nil, "AZURE_OPENAI_API_KEY=%s\nSMTP_PASSWORD=%s\nANONYMIZATION_SEED=%s\n", aiKey, smtpPass, seed), 0o640))
	t.Cleanup(func() { // its containers are not known to belong to this run
		_ = exec.Command("docker-compose", "--project-name", c.name, "--file", c.file, "down", "-v").Run()
	})
	c.compose("up", "-d")
	s.eventually("version 1 has made its table", func() error { return s.Store(t.Context(), residue()) })
	old, cache := c.runs("web"), c.volume(c.runs("web"))
	s.must(s.Start(t.Context()))

	s.told(0, []string{"config", "check", s.ConfigFile()}, "is a volume without a name")
	s.told(0, []string{"deploy", rig.App, "--image", s.image("2.0.0")}, "succeeded", "the volume without a name at /var/cache/shop is carried over")
	first := c.runs("web")
	if first == old || c.volume(first) != cache {
		t.Errorf("web runs in %s with the volume %s, before in %s with %s", first, c.volume(first), old, cache)
	}
	if ps := c.compose("ps"); strings.Count(ps, " Up") != 2 {
		t.Errorf("docker-compose ps shows\n%s", ps)
	}
	if log := c.compose("logs", "worker"); !strings.Contains(log, "refapp worker 2.0.0") {
		t.Errorf("docker-compose logs shows\n%s", log)
	}
	s.told(0, []string{"rotate", rig.App}, "succeeded")
	if c.volume(c.runs("web")) != cache {
		t.Error("a rotation has lost the volume without a name")
	}

	c.compose("up", "-d") // puts back what the file says: the version that has no status
	s.eventually("docker-compose has the app", func() error {
		if !strings.Contains(s.run(0, "status", rig.App).Out, "which docker compose made and not Fairlead") {
			return errors.New("status does not say so")
		}
		return nil
	})
	taken := c.runs("web")
	s.told(0, []string{"deploy", rig.App, "--image", s.image("2.1.0")}, "succeeded")
	if now := c.runs("web"); now == taken || c.volume(now) != cache {
		t.Errorf("web runs in %s with the volume %s", now, c.volume(now))
	}

	c.compose("down")
	all, err := s.Containers(t.Context())
	s.must(err)
	if len(all) > 0 {
		t.Errorf("docker-compose down has left %d containers", len(all))
	}
	s.told(0, []string{"deploy", rig.App, "--image", s.image("2.2.0")}, "succeeded")
}

// volume returns the volume without a name of a container.
func (c *composeTool) volume(id string) string {
	c.t.Helper()
	var is struct {
		Mounts []struct{ Name, Destination string }
	}
	c.must(c.World.Existing(id).Inspect(c.t.Context(), &is))
	for _, m := range is.Mounts {
		if m.Destination == "/var/cache/shop" {
			return m.Name
		}
	}
	return "none"
}
