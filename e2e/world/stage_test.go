//go:build e2e

package world_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/world"
)

// status is what the reference application reports.
type status struct {
	OK             bool
	Version        string
	RuntimeSecrets map[string]struct {
		Source     string
		Configured bool
	}
}

// stage is what most tests need.
type stage struct {
	*world.World

	registry *world.Registry
	network  *world.Network
	postgres *world.Postgres
}

func newStage(t *testing.T) stage {
	t.Helper()
	w := world.ForTest(t)
	registry := must(w.Registry(t.Context(), world.RegistryOptions{}))(t)
	network := must(w.Network(t.Context()))(t)
	postgres := must(w.Postgres(t.Context(), world.PostgresOptions{Network: network}))(t)
	return stage{w, registry, network, postgres}
}

// must fails the test when the call before it failed.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// web starts the web service of an image, with the stage's database.
func (s stage) web(t *testing.T, image world.Image, env ...string) *world.Container {
	t.Helper()
	return must(s.Container(t.Context(), world.ContainerSpec{
		Image: image.Pinned(), Network: s.network, Env: append(env, "DATABASE_URL="+s.postgres.URL()),
	}))(t)
}

func statusOf(t *testing.T, c *world.Container) status {
	t.Helper()
	var got status
	eventually(t, func(ctx context.Context) error {
		body, err := get(ctx, c.URL(3000, "/api/runtime-status"))
		if err != nil {
			return err
		}
		if strings.Contains(body, planted) {
			t.Error("the status holds a secret's value")
		}
		return json.Unmarshal([]byte(body), &got)
	})
	return got
}

// eventually calls try until it succeeds, for fifteen seconds at most.
func eventually(t *testing.T, try func(context.Context) error) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err := try(ctx)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatal(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, target string) (string, error) { return ask(ctx, "GET", target, "") }

func post(ctx context.Context, target, body string) error {
	_, err := ask(ctx, "POST", target, body)
	return err
}

func ask(ctx context.Context, method, target, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
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
		err = fmt.Errorf("%s %s: %s: %s", method, target, answer.Status, text)
	}
	return string(text), err
}
