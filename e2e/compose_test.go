//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// composeFile is a project as somebody writes it who never heard of Fairlead. In its place stand, in this order: the
// project's name, the app's repository, the image of the neighbours, and the proxy's port.
const composeFile = `name: %[1]s

x-logging: &logging
  driver: json-file
  options: {max-size: 5m, max-file: "2"}

x-app: &app
  image: %[2]s:${APP_TAG:-1.0.0}
  build: .
  env_file: [.env, .env.production]
  environment: &app-environment
    REDIS_URL: redis://redis:6379
  depends_on:
    db: {condition: service_healthy}
    redis: {condition: service_started}
  restart: unless-stopped
  stop_grace_period: 2s
  logging: *logging
  networks: [default, backend]

x-neighbour: &neighbour
  image: %[3]s
  restart: unless-stopped
  logging: *logging

services:
  web:
    <<: *app
    command: [web]
    environment:
      <<: *app-environment
      PORT: "3000"
    healthcheck: {test: [CMD, /refapp, reach, "127.0.0.1:3000"], interval: 1s, timeout: 1s, retries: 5}

  worker:
    <<: *app
    command: [worker]
    networks: [backend]

  db:
    <<: *neighbour
    command: [postgres]
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "${POSTGRES_PASSWORD}", POSTGRES_DB: shop}
    volumes: ["pgdata:/var/lib/postgresql/data"]
    healthcheck: {test: [CMD, /refapp, reach, "127.0.0.1:5432"], interval: 1s, timeout: 1s, retries: 20}
    networks: [backend]

  redis:
    <<: *neighbour
    command: [cache]
    networks: [backend]

  proxy:
    <<: *neighbour
    command: [proxy, ":8080", "http://web:3000"]
    ports: ["127.0.0.1:%[4]d:8080"]
    depends_on: [web]

networks:
  backend:

volumes:
  pgdata:
`

// composeConfig is what its operator writes for Fairlead.
const composeConfig = `instance: {{.Instance}}
registry: {config: {{.Dir}}/docker.json}
apps:
  capakraken:
    environment: production
    image: {{.Repository}}
    env: [{file: {{.Dir}}/shop/.env}, {file: {{.Dir}}/shop/.env.production}]
    compose: {file: {{.Dir}}/shop/compose.yaml, services: [web, worker]}
    timeouts: {verify: {{.Verify}}, restart: 30s, revert: 40s}
    verify:
      web:
        url: "http://{container}:3000/api/runtime-status"
        query: &status '{healthy: .ok, version: .version, secrets: [.runtimeSecrets | to_entries[] | {name: .key, source: .value.source, present: .value.configured}]}'
      worker: {exec: [/refapp, status], query: *status}
    secrets:
      - {name: primary-ai, env: AZURE_OPENAI_API_KEY, description: Primary AI API credential, required: true, min_length: 20, legacy: {column: azureOpenAiApiKey}}
      - {name: smtp, env: SMTP_PASSWORD, description: SMTP password, required: true, legacy: {column: smtpPassword}}
      - {name: anonymization-seed, env: ANONYMIZATION_SEED, description: Anonymization seed, legacy: {column: anonymizationSeed}, on_mismatch: refuse}
    legacy: {dsn: {env: DATABASE_URL}, table: SystemSettings, row: {id: singleton}}
    clear: manual
    not_consumers: [{{.Instance}}-db-1, {{.Instance}}-redis-1, {{.Instance}}-proxy-1]
`

// A Compose project of somebody else's making is rolled out, rotated, taken over by Compose and repaired, and what stands
// beside the app in it, the database first, is never touched.
func TestComposeProject(t *testing.T) {
	t.Parallel()
	s, project := newComposeStage(t)
	seen := s.watchProxy()
	beside := s.beside(project)
	old := s.composed(project, "web", "worker")
	var longest time.Duration // that one change of the app has taken
	changed := func(change func()) {
		since := time.Now()
		change()
		longest = max(longest, time.Since(since))
	}

	s.told(0, []string{"config", "check", s.ConfigFile()})
	image := s.image("2.0.0")
	changed(func() { s.told(0, []string{"deploy", rig.App, "--image", image}, "succeeded", "legacy values remain") })
	first := s.composed(project, "web", "worker")
	for service, c := range first {
		if c.ID == old[service].ID || !slices.Contains(c.Config.Env, "SMTP_PASSWORD="+smtpPass) || !slices.Contains(c.Config.Env, "REDIS_URL=redis://redis:6379") {
			t.Errorf("%s is not a new container with the environment of both files: %v", service, c.Name)
		}
		if c.HostConfig.RestartPolicy.Name != "unless-stopped" {
			t.Errorf("%s has the restart policy %q", service, c.HostConfig.RestartPolicy.Name)
		}
	}
	s.proxied("2.0.0")
	s.told(0, []string{"secrets", rig.App}, "SMTP_PASSWORD", "environment")
	s.stored(residue())
	s.told(0, cleanup(), "primary-ai: cleared", "smtp: cleared", "anonymization-seed: cleared")
	s.stored(cleared())

	s.writeComposeEnv(newSMTP)
	changed(func() { s.told(0, []string{"rotate", rig.App}, "succeeded") })
	if c := s.composed(project, "worker")["worker"]; !slices.Contains(c.Config.Env, "SMTP_PASSWORD="+newSMTP) {
		t.Error("the worker does not have the new password")
	}
	image = s.image("2.1.0", "crash")
	changed(func() { s.told(4, []string{"deploy", rig.App, "--image", image}, "what ran before runs again") })
	s.proxied("2.0.0")

	// `docker compose up` puts back what the file says: the version that has no status.
	var taken *world.Container
	changed(func() {
		var err error
		taken, err = project.Recreate(t.Context(), "web")
		s.must(err)
	})
	s.told(0, []string{"status", rig.App}, "which docker compose made and not Fairlead", "the next deploy takes it over again")
	image = s.image("2.2.0")
	changed(func() { s.told(0, []string{"deploy", rig.App, "--image", image}, "succeeded") })
	if after := s.composed(project, "web", "worker"); after["web"].ID == taken.ID {
		t.Error("the container of docker compose still runs")
	}
	s.proxied("2.2.0")

	// However slow the machine is: nobody is behind the proxy for a part of one change, and never beyond it.
	if gap := seen(); gap >= longest {
		t.Errorf("the proxy had nobody behind it for %s, and the longest change took %s", gap, longest)
	}
	if now := s.beside(project); now != beside {
		t.Errorf("what stands beside the app was touched:\n%s\nand was\n%s", now, beside)
	}
	kept, err := s.Postgres.Text(t.Context(), `SELECT count(*) FROM orders`)
	s.must(err)
	if kept != "1000" {
		t.Errorf("the volume holds %s orders, want 1000", kept)
	}
}

// newComposeStage brings the project up with version 1, fills its database, and starts a daemon.
func newComposeStage(t *testing.T) (*stage, *world.Compose) {
	t.Helper()
	w := world.ForTest(t)
	s := quietStage(t, rig.Options{World: w, Instance: "shop-" + w.Run, Repository: "capakraken/shop", Template: composeConfig, NoDatabase: true, Clear: "manual"})
	neighbours, err := w.NeighboursImage(t.Context())
	s.must(err)
	s.image("1.0.0")
	dir := filepath.Join(s.Dir, "shop")
	s.must(os.Mkdir(dir, 0o755))
	file := filepath.Join(dir, "compose.yaml")
	s.must(os.WriteFile(file, fmt.Appendf(nil, composeFile, s.Instance, s.Repository(), neighbours, s.Port), 0o644))
	s.writeComposeEnv(smtpPass)

	project, err := w.Compose(t.Context(), file)
	s.must(err)
	s.must(project.Up(t.Context()))
	s.Postgres, err = project.Postgres(t.Context(), "db")
	s.must(err)
	s.eventually("version 1 has made its table", func() error { return s.Store(t.Context(), residue()) })
	s.must(s.Postgres.Exec(t.Context(), `CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id`))
	s.must(s.Start(t.Context()))
	return s, project
}

// writeComposeEnv writes the project's two env files.
func (s *stage) writeComposeEnv(smtp string) {
	s.t.Helper()
	plain := "POSTGRES_PASSWORD=canary-db-3c9e41\nDATABASE_URL=postgresql://shop:canary-db-3c9e41@db:5432/shop?schema=public\n"
	secrets := fmt.Sprintf("AZURE_OPENAI_API_KEY=%s\nSMTP_PASSWORD=%s\nANONYMIZATION_SEED=%s\n", aiKey, smtp, seed)
	dir := filepath.Join(s.Dir, "shop")
	s.must(os.WriteFile(filepath.Join(dir, ".env"), []byte(plain), 0o640))
	s.must(os.WriteFile(filepath.Join(dir, ".env.production"), []byte(secrets), 0o640))
}

// composed returns the containers that bear the names of Compose's for these services, and expects them to run.
func (s *stage) composed(project *world.Compose, services ...string) map[string]rig.Container {
	s.t.Helper()
	out := map[string]rig.Container{}
	for _, service := range services {
		var c rig.Container
		s.must(s.World.Engine.Call(s.t.Context(), http.MethodGet, "/containers/"+project.Name(service)+"/json", nil, nil, &c))
		if c.State.Status != "running" {
			s.t.Errorf("%s is %s", c.Name, c.State.Status)
		}
		out[service] = c
	}
	return out
}

// beside tells which containers stand beside the app, and since when they run.
func (s *stage) beside(project *world.Compose) string {
	s.t.Helper()
	var lines []string
	for service, c := range s.composed(project, "db", "redis", "proxy") {
		lines = append(lines, service+" "+c.ID+" "+c.State.StartedAt)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// through asks the proxy.
func (s *stage) through(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", s.Port, path), nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(answer.Status)
	}
	return string(text), err
}

// proxied expects the proxy to reach a version of web, by the service's name.
func (s *stage) proxied(version string) {
	s.t.Helper()
	s.eventually("the proxy reaches "+version, func() error {
		text, err := s.through(s.t.Context(), "/api/runtime-status")
		if err == nil && !strings.Contains(text, `"version":"`+version+`"`) {
			err = fmt.Errorf("it answers %s", text)
		}
		return err
	})
}

// watchProxy asks the proxy all the time. The function that it returns ends that, and returns the longest time between
// two good answers.
func (s *stage) watchProxy() func() time.Duration {
	s.t.Helper()
	s.eventually("the proxy serves", func() error { _, err := s.through(s.t.Context(), "/healthz"); return err })
	ctx, stop := context.WithCancel(s.t.Context())
	s.t.Cleanup(stop)
	var longest atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			_, err := s.through(ctx, "/healthz")
			longest.Store(max(longest.Load(), int64(time.Since(last))))
			if err == nil {
				last = time.Now()
			}
		}
	}()
	return func() time.Duration { stop(); <-done; return time.Duration(longest.Load()) }
}
