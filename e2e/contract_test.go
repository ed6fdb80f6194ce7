//go:build e2e

package e2e

import (
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// The status may want a token, which comes from a variable of the environment.
func TestStatusToken(t *testing.T) {
	s := quietTenant(t, rig.Options{Verify: "5s"})
	env := goodEnv()
	env["STATUS_TOKEN"] = "canary-token-3f7a90bd"
	s.must(s.WriteEnv(env))
	s.must(s.Start(t.Context()))
	tag := s.image("2.0.0")

	s.told(4, []string{"deploy", rig.App, "--image", tag}, "service web", "401")
	s.nothingLeft()
	s.reconfigured(`url: "http://{container}:3000/api/runtime-status"`,
		`url: "http://{container}:3000/api/runtime-status"`+"\n        headers: {Authorization: {env: STATUS_TOKEN, prefix: \"Bearer \"}}")
	s.told(0, []string{"deploy", rig.App, "--image", tag})
	s.live("web", "worker")
}

// Where people reach the app by another address, that one must answer as well.
func TestPublicURL(t *testing.T) {
	s := quietTenant(t, rig.Options{Verify: "5s"})
	const own = `url: "http://{container}:3000/api/runtime-status"`
	public := own + "\n        public_url: http://127.0.0.1:{{.Port}}"
	s.Template = edited(t, s.Template, own, public+"/api/runtime-status")
	s.must(s.WriteConfig())
	s.must(s.Start(t.Context()))
	before := s.deployed("2.0.0")

	s.reconfigured(public+"/api/runtime-status", public+"/nowhere")
	s.told(4, []string{"deploy", rig.App, "--image", s.image("2.1.0")}, "service web", "public", "404")
	s.restored(before)
}

// The worker's line in the rig's configuration.
const workersCheck = "worker: {exec: [/refapp, status], query: *status}"

// A service may prove itself by the Engine's own health check.
func TestDockerHealth(t *testing.T) {
	s := quietTenant(t, rig.Options{Verify: "6s"})
	s.Template = edited(t, s.Template, workersCheck, "worker: {health: docker}")
	s.must(s.WriteConfig())
	s.must(s.Start(t.Context()))
	release := func(tag, misbehave string) []string {
		_, err := s.World.Image(t.Context(), s.Registry, world.ImageSpec{Repository: s.Options.Repository, Tag: tag,
			Env: []string{"REFAPP_VERSION=" + tag, "REFAPP_MISBEHAVE=" + misbehave}, Health: []string{"/refapp", "status"}})
		s.must(err)
		return []string{"deploy", rig.App, "--image", tag}
	}

	s.told(0, release("2.0.0", ""))
	before := s.live("web", "worker")
	s.told(4, release("2.1.0", "worker:never-healthy"), "service worker", "healthy")
	s.restored(before)
}

// A service without any check proves itself by staying up.
func TestStayingUp(t *testing.T) {
	s := quietTenant(t, rig.Options{})
	s.Template = edited(t, s.Template, workersCheck, "worker: {stay_up: 2s}")
	s.must(s.WriteConfig())
	s.must(s.Start(t.Context()))

	before := s.deployed("2.0.0")
	s.told(4, []string{"deploy", rig.App, "--image", s.image("2.1.0", "worker:crash-after=1s")}, "service worker", "exit code 3")
	s.restored(before)
}

// An app that answers well and then ends, again and again, is caught where staying up is asked for as well.
func TestCrashLoop(t *testing.T) {
	s := quietTenant(t, rig.Options{})
	s.Template = edited(t, s.Template, "query: *status}", "query: *status, stay_up: 2s}")
	s.must(s.WriteConfig())
	s.must(s.Start(t.Context()))

	before := s.deployed("2.0.0")
	s.told(4, []string{"deploy", rig.App, "--image", s.image("2.1.0", "worker:crash-loop")}, "service worker", "ended with exit code 0")
	s.restored(before)
}
