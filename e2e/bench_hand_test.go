//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// byHand rolls out with nothing but the Engine's own calls, one after the other and without a look back: the least that
// any tool must do. Nothing is checked, recorded or put back.
type byHand struct {
	rig      *rig.Rig
	services []string
	port     int
	running  map[string]string // the container's id, by service
	network  *world.Network
	pace     paces
	last     time.Time
}

func newByHand(b *testing.B, r *rig.Rig, services []string) (*byHand, error) {
	network, err := r.World.Network(b.Context())
	return &byHand{rig: r, services: services, port: r.Port + 1, running: map[string]string{}, network: network, pace: paces{}}, err
}

// rollOut replaces the containers by those of a new image, and returns how long it took. Their status is polled as a
// container's address gives it, without any of the checks that a verify makes.
func (h *byHand) rollOut(ctx context.Context, tag string, env ...string) (time.Duration, error) {
	image, err := padded(ctx, h.rig, tag, env...)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	h.last = start
	if err := h.rig.World.Engine.Pull(ctx, image.Ref()); err != nil {
		return 0, err
	}
	h.lap("pull")
	fresh := map[string]string{}
	for _, service := range h.services {
		if fresh[service], err = h.replace(ctx, service, image); err != nil {
			return 0, err
		}
		h.lap("replace " + service)
	}
	if err := h.answered(ctx, fresh); err != nil {
		return 0, err
	}
	h.lap("poll")
	for _, service := range h.services {
		if err := h.settle(ctx, service, fresh[service]); err != nil {
			return 0, err
		}
		h.lap("settle " + service)
	}
	return time.Since(start), nil
}

func (h *byHand) lap(what string) {
	now := time.Now()
	h.pace[what] = append(h.pace[what], now.Sub(h.last))
	h.last = now
}

func (h *byHand) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	return h.rig.World.Engine.Call(ctx, method, path, query, in, out)
}

// replace makes the new container, stops the old one and starts the new one.
func (h *byHand) replace(ctx context.Context, service string, image world.Image) (string, error) {
	host := map[string]any{"NetworkMode": h.network.Name}
	if service == "web" {
		host["PortBindings"] = map[string]any{"3000/tcp": []map[string]string{{"HostIp": "127.0.0.1", "HostPort": strconv.Itoa(h.port)}}}
	}
	env := []string{"DATABASE_URL=" + h.rig.Postgres.URL()}
	for name, value := range goodEnv() {
		env = append(env, name+"="+value)
	}
	request := map[string]any{"Image": image.Pinned(), "Cmd": []string{service}, "Env": env, "HostConfig": host,
		"Labels": map[string]string{world.Label: h.rig.World.Run}, "StopTimeout": 2}
	var made struct{ ID string }
	if err := h.call(ctx, "POST", "/containers/create", url.Values{"name": {h.name(service) + "-new"}}, request, &made); err != nil {
		return "", err
	}
	if old := h.running[service]; old != "" {
		err := errors.Join(h.call(ctx, "POST", "/containers/"+old+"/rename", url.Values{"name": {h.name(service) + "-old"}}, nil, nil),
			h.call(ctx, "POST", "/containers/"+old+"/stop", nil, nil, nil))
		if err != nil {
			return "", err
		}
	}
	return made.ID, h.call(ctx, "POST", "/containers/"+made.ID+"/start", nil, nil, nil)
}

func (h *byHand) name(service string) string { return h.rig.Instance + "-hand-" + service }

// settle gives the new container its name and removes the old one.
func (h *byHand) settle(ctx context.Context, service, fresh string) error {
	err := h.call(ctx, "POST", "/containers/"+fresh+"/rename", url.Values{"name": {h.name(service)}}, nil, nil)
	if old := h.running[service]; old != "" {
		err = errors.Join(err, h.call(ctx, "DELETE", "/containers/"+old, nil, nil, nil))
	}
	h.running[service] = fresh
	return err
}

// answered polls every container until its status answers.
func (h *byHand) answered(ctx context.Context, fresh map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var polling sync.WaitGroup
	failed := make([]error, len(h.services))
	for i, service := range h.services {
		polling.Go(func() { failed[i] = h.poll(ctx, service, fresh[service]) })
	}
	polling.Wait()
	return errors.Join(failed...)
}

func (h *byHand) poll(ctx context.Context, service, id string) error {
	for {
		ok, err := h.status(ctx, service, id)
		if ok {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s does not answer: %w", service, err)
		}
		_ = elapsed(ctx, 10*time.Millisecond) // the next look finds out why
	}
}

// status asks web over HTTP and the worker by a command in its container.
func (h *byHand) status(ctx context.Context, service, id string) (bool, error) {
	if service == "worker" {
		text, code, err := h.rig.World.Existing(id).Exec(ctx, "/refapp", "status")
		return err == nil && code == 0 && strings.Contains(text, `"ok":true`), err
	}
	var is struct {
		NetworkSettings struct {
			Networks map[string]struct{ IPAddress string }
		}
	}
	if err := h.call(ctx, "GET", "/containers/"+id+"/json", nil, nil, &is); err != nil {
		return false, err
	}
	attempt, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(attempt, "GET", "http://"+is.NetworkSettings.Networks[h.network.Name].IPAddress+":3000/api/runtime-status", nil)
	if err != nil {
		return false, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return err == nil && strings.Contains(string(text), `"ok":true`), err
}

// ticks returns how much processor time a process has used, in hundredths of a second.
func ticks(b *testing.B, pid int) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err := errors.Join(err1, err2); err != nil {
		b.Fatal(err)
	}
	return user + system
}

// resident returns how much memory of a process is resident, in MB.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) * 1024 / 1e6
		}
	}
	b.Fatalf("process %d has no VmRSS", pid)
	return 0
}
