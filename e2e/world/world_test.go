//go:build e2e

package world_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/e2e/world"
)

const planted = "planted-secret-value-4711"

// The story that the rest of the tests rely on: version 1 keeps a secret in the database, version 2 takes it from there as
// long as the environment has none, and from the environment when it has one.
func TestSourcesMoveFromDatabaseToEnvironment(t *testing.T) {
	s := newStage(t)
	v1 := must(s.Image(t.Context(), s.registry, world.ImageSpec{Tag: "1.0.0", Env: []string{"REFAPP_VERSION=1.0.0"}}))(t)
	v2 := must(s.Image(t.Context(), s.registry, world.ImageSpec{Tag: "2.0.0", User: "nobody"}))(t)
	if v1.Digest == v2.Digest {
		t.Fatal("two versions share a digest")
	}

	old := s.web(t, v1)
	store := fmt.Sprintf(`{"smtpPassword":%q,"smtpHost":"mail.example"}`, planted)
	eventually(t, func(ctx context.Context) error { return post(ctx, old.URL(3000, "/settings"), store) })
	if _, err := get(t.Context(), old.URL(3000, "/api/runtime-status")); err == nil {
		t.Error("version 1 knows a status")
	}
	if got := must(s.postgres.Text(t.Context(), `SELECT "smtpPassword" FROM "SystemSettings"`))(t); got != planted {
		t.Errorf("version 1 stored %q", got)
	}

	for _, step := range []struct{ env, want string }{{"", "database"}, {planted, "environment"}} {
		got := statusOf(t, s.web(t, v2, "SMTP_PASSWORD="+step.env))
		if smtp := got.RuntimeSecrets["smtp"]; !got.OK || got.Version != "2.0.0" || smtp.Source != step.want || !smtp.Configured {
			t.Errorf("version 2 reports %+v, want the source %s", got, step.want)
		}
	}
}

func TestWorkerTellsItsStatusByExec(t *testing.T) {
	s := newStage(t)
	image := must(s.Image(t.Context(), s.registry, world.ImageSpec{Tag: "2.0.0", Health: []string{"/refapp", "status"}}))(t)
	worker := must(s.Container(t.Context(), world.ContainerSpec{
		Image: image.Pinned(), Cmd: []string{"worker"}, Network: s.network,
		Env: []string{"DATABASE_URL=" + s.postgres.URL(), "GEMINI_API_KEY=" + planted},
	}))(t)
	eventually(t, func(ctx context.Context) error {
		text, code, err := worker.Exec(ctx, "/refapp", "status")
		if err != nil || code != 0 {
			return fmt.Errorf("exit %d: %s: %w", code, text, err)
		}
		var got status
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			return err
		}
		if got.RuntimeSecrets["gemini"].Source != "environment" {
			return fmt.Errorf("the worker reports %+v", got)
		}
		return nil
	})
	eventually(t, func(ctx context.Context) error {
		var is struct {
			State struct{ Health struct{ Status string } }
		}
		if err := worker.Inspect(ctx, &is); err != nil || is.State.Health.Status != "healthy" {
			return fmt.Errorf("its health is %q: %w", is.State.Health.Status, err)
		}
		return nil
	})
	if log := must(worker.Logs(t.Context()))(t); !strings.Contains(log, "working") || strings.Contains(log, planted) {
		t.Errorf("its log: %q", log)
	}
}

func TestCrashLeavesCodeAndLog(t *testing.T) {
	s := newStage(t)
	image := must(s.Image(t.Context(), s.registry, world.ImageSpec{Tag: "broken", Env: []string{"REFAPP_MISBEHAVE=crash"}}))(t)
	broken := s.web(t, image)
	eventually(t, func(ctx context.Context) error {
		var is struct {
			State struct {
				Status   string
				ExitCode int
			}
		}
		if err := broken.Inspect(ctx, &is); err != nil || is.State.Status != "exited" || is.State.ExitCode != 3 {
			return fmt.Errorf("its state is %+v: %w", is.State, err)
		}
		return nil
	})
	if log := must(broken.Logs(t.Context()))(t); !strings.Contains(log, "fatal") {
		t.Errorf("its log: %q", log)
	}
}

func TestStopIsQuick(t *testing.T) {
	s := newStage(t)
	image := must(s.Image(t.Context(), s.registry, world.ImageSpec{Tag: "2.0.0"}))(t)
	web := s.web(t, image)
	statusOf(t, web)
	begin := time.Now()
	if err := web.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	var is struct{ State struct{ ExitCode int } }
	if err := web.Inspect(t.Context(), &is); err != nil || is.State.ExitCode != 0 || time.Since(begin) > 5*time.Second {
		t.Errorf("it ended with %d after %s: %v", is.State.ExitCode, time.Since(begin), err)
	}
}

// A database whose name exists only on the containers' network, and whose certificate is for that name.
func TestTLSDatabaseBehindAForwarder(t *testing.T) {
	w := world.ForTest(t)
	registry := must(w.Registry(t.Context(), world.RegistryOptions{}))(t)
	network := must(w.Network(t.Context()))(t)
	postgres := must(w.Postgres(t.Context(), world.PostgresOptions{Network: network, TLS: true}))(t)
	image := must(w.Image(t.Context(), registry, world.ImageSpec{Tag: "2.0.0"}))(t)

	plain := must(url.Parse(postgres.URL()))(t)
	plain.RawQuery = "sslmode=disable"
	if conn, err := pgx.Connect(t.Context(), plain.String()); err == nil {
		conn.Close(t.Context())
		t.Error("the server speaks without TLS")
	}

	target := fmt.Sprintf("%s:%d", postgres.Host, postgres.Port)
	must(w.Container(t.Context(), world.ContainerSpec{
		Image: image.Ref(), Cmd: []string{"tcp-forward", ":5432", target}, Network: network, Aliases: []string{world.TLSName},
	}))(t)
	web := must(w.Container(t.Context(), world.ContainerSpec{
		Image: image.Ref(), Network: network, Env: []string{"DATABASE_URL=" + postgres.URLAt(world.TLSName, 5432)},
	}))(t)
	if got := statusOf(t, web); !got.OK {
		t.Errorf("the application reports %+v", got)
	}
}

func TestRegistryAsksForCredentials(t *testing.T) {
	w := world.ForTest(t)
	registry := must(w.Registry(t.Context(), world.RegistryOptions{User: "puller", Password: planted}))(t)
	image := must(w.Image(t.Context(), registry, world.ImageSpec{Tag: "2.0.0"}))(t)
	if err := w.Engine.Pull(t.Context(), image.Ref()); err == nil {
		t.Error("the registry gives the image to everybody")
	}
	for password, want := range map[string]int{"wrong": 401, planted: 200} {
		request := must(http.NewRequestWithContext(t.Context(), "GET", "http://"+registry.Host+"/v2/capakraken/app/manifests/2.0.0", nil))(t)
		request.SetBasicAuth("puller", password)
		request.Header.Set("Accept", "application/vnd.docker.distribution.manifest.v2+json")
		answer := must(http.DefaultClient.Do(request))(t)
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("with password %q: %d, want %d", password, answer.StatusCode, want)
		}
	}
}

func TestImageForAnotherPlatform(t *testing.T) {
	w := world.ForTest(t)
	registry := must(w.Registry(t.Context(), world.RegistryOptions{}))(t)
	foreign := must(w.Image(t.Context(), registry, world.ImageSpec{Tag: "foreign", Platforms: []string{"linux/s390x"}}))(t)
	both := must(w.Image(t.Context(), registry, world.ImageSpec{Tag: "both", Platforms: []string{"linux/s390x", "linux/amd64", "linux/arm64"}}))(t)
	for _, image := range []world.Image{foreign, both} {
		// An Engine may refuse to pull a foreign image; what counts is that the list leads to one of its own.
		if err := w.Engine.Pull(t.Context(), image.Pinned()); err != nil && image == both {
			t.Errorf("pull %s: %v", image.Tag, err)
		}
	}
	var about struct{ Architecture string }
	if err := w.Engine.Call(t.Context(), "GET", "/images/"+both.Pinned()+"/json", nil, nil, &about); err != nil || about.Architecture == "s390x" {
		t.Errorf("the list led to %q: %v", about.Architecture, err)
	}
}

// What a killed run leaves is gone after the next sweep, and a run that is alive keeps what it has.
func TestSweepRemovesWhatAKilledRunLeft(t *testing.T) {
	alive := world.ForTest(t)
	kept := must(alive.Network(t.Context()))(t)

	dead := must(world.New(t.Context()))(t)
	registry := must(dead.Registry(t.Context(), world.RegistryOptions{}))(t)
	lost := must(dead.Network(t.Context()))(t)
	image := must(dead.Image(t.Context(), registry, world.ImageSpec{Tag: "2.0.0"}))(t)
	box := must(dead.Container(t.Context(), world.ContainerSpec{Image: image.Ref(), Network: lost}))(t)
	if err := dead.Abandon(); err != nil {
		t.Fatal(err)
	}

	if swept := must(world.Sweep(t.Context(), alive.Engine))(t); !strings.Contains(strings.Join(swept, " "), dead.Run) {
		t.Errorf("swept %v, want %s among them", swept, dead.Run)
	}
	for path, want := range map[string]bool{
		"/networks/" + kept.ID: true, "/networks/" + lost.ID: false,
		"/containers/" + box.ID + "/json": false, "/images/" + image.Ref() + "/json": false,
	} {
		err := alive.Engine.Call(t.Context(), "GET", path, nil, nil, nil)
		if refusal, ok := errors.AsType[*world.Refusal](err); (err == nil) != want || ok && refusal.Status != 404 {
			t.Errorf("%s: %v, want it there: %v", path, err, want)
		}
	}
	if _, err := get(t.Context(), "http://"+registry.Host+"/v2/"); err == nil {
		t.Error("the registry still serves")
	}
	if left := must(filepath.Glob(dead.Dir))(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	w := must(world.New(t.Context()))(t)
	network := must(w.Network(t.Context()))(t)
	postgres := must(w.Postgres(t.Context(), world.PostgresOptions{Network: network}))(t)
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := postgres.Connect(t.Context()); err == nil {
		t.Error("PostgreSQL still serves")
	}
	if _, err := os.Stat(w.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory: %v", err)
	}
}
