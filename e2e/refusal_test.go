//go:build e2e

package e2e

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// A bad env file is refused with all its faults, each with its line and its remedy, and nothing is touched.
func TestRefusedEnvFiles(t *testing.T) {
	s := newTenant(t, rig.Options{Clear: "manual"})
	s.version1()
	before := s.deployed("2.0.0")

	good := "DATABASE_URL=" + s.Postgres.URL() + "\nAZURE_OPENAI_API_KEY=" + aiKey + "\nSMTP_PASSWORD=" + smtpPass + "\nANONYMIZATION_SEED=" + seed + "\n"
	write := func(text string) func() error { return func() error { return s.WriteEnvText(text) } }
	file := s.EnvFile()
	cases := map[string]struct {
		spoil func() error
		says  []string
	}{
		"missing":  {func() error { return os.Remove(file) }, []string{file + ": does not exist", "install -m 0640 -o root"}},
		"too open": {func() error { return os.Chmod(file, 0o644) }, []string{file + ": has mode 0644", "install -m 0640 -o root"}},
		"a link": {func() error {
			if err := os.Rename(file, file+".real"); err != nil {
				return err
			}
			return os.Symlink(file+".real", file)
		}, []string{file + ": is a symbolic link", "install -m 0640 -o root"}},
		"somebody else's": {func() error { return os.Chown(file, 12345, 0) }, []string{file + ": belongs to uid 12345", "install -m 0640 -o root"}},
		"a placeholder":   {write(strings.Replace(good, aiKey, "changeme", 1)), []string{":2: AZURE_OPENAI_API_KEY still holds a placeholder"}},
		"too short":       {write(strings.Replace(good, aiKey, "canary-short", 1)), []string{":2: AZURE_OPENAI_API_KEY is shorter than 20 bytes"}},
		"cut at a hash":   {write(strings.Replace(good, smtpPass, "canary-pa#ss", 1)), []string{":3: ", "SMTP_PASSWORD", "#", "single quotes"}},
		"inline JSON":     {write(good + `GEMINI_API_KEY={"key":"canary-json"}` + "\n"), []string{":5: ", "GEMINI_API_KEY", "quotes"}},
		"given twice":     {write(good + "SMTP_PASSWORD=canary-again\n"), []string{":5: ", "SMTP_PASSWORD", "second time, and first on line 3"}},
		"required and missing": {write(strings.Replace(good, "SMTP_PASSWORD", "SMTP_PASSWROD", 1)),
			[]string{file + ": SMTP_PASSWORD is missing", "add the line SMTP_PASSWORD="}},
		"required and empty": {write(strings.Replace(good, smtpPass, "", 1)), []string{":3: SMTP_PASSWORD is required and empty"}},
		"all at once": {write("AZURE_OPENAI_API_KEY=your-key\nGEMINI_API_KEY=canary#gemini\nAZURE_DALLE_API_KEY={\"k\":\"canary-dalle\"}\n" +
			"ANONYMIZATION_SEED=canary-1\nANONYMIZATION_SEED=canary-2\nDATABASE_URL=" + s.Postgres.URL() + "\n"),
			[]string{":1: AZURE_OPENAI_API_KEY", ":2: ", ":3: ", ":5: ", "SMTP_PASSWORD is missing", "5 problems"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			s.must(s.WriteEnvText(good))
			s.must(c.spoil())
			s.told(3, []string{"rotate", rig.App}, append(c.says, "nothing was changed")...)
			s.untouched(before)
		})
	}
	s.stored(residue())
	s.must(s.WriteEnvText(good))
	s.told(0, []string{"rotate", rig.App})
}

// What the host lacks, or somebody else holds, is found before anything is touched.
func TestRefusedHost(t *testing.T) {
	s := newTenant(t, rig.Options{})
	tag := s.image("2.0.0")
	deploy := []string{"deploy", rig.App, "--image", tag}

	t.Run("nothing runs", func(t *testing.T) {
		s := s.in(t)
		s.told(3, []string{"rotate", rig.App}, "service web: has no running container", "service worker: has no running container", "deploy it first")
		s.told(3, cleanup(), "service web: has no running container", "service worker: has no running container", "deploy it first")
	})
	t.Run("a network is missing", func(t *testing.T) {
		s := s.in(t)
		s.reconfigured("networks: [{{.Network.Name}}]", "networks: [nowhere-{{.Instance}}]")
		s.told(3, deploy, "docker network create nowhere-"+s.Instance)
		s.reconfigured("networks: [nowhere-{{.Instance}}]", "networks: [{{.Network.Name}}]")
	})
	t.Run("an entry blanks a secret", func(t *testing.T) {
		s := s.in(t)
		s.reconfigured("command: [worker]", "command: [worker]\n        environment: {SMTP_PASSWORD: \"\"}")
		s.told(3, deploy, "fairlead.yaml:", "service worker sets SMTP_PASSWORD to another value", "remove the entry")
		s.reconfigured("command: [worker]\n        environment: {SMTP_PASSWORD: \"\"}", "command: [worker]")
	})
	t.Run("a port is published already", func(t *testing.T) {
		s := s.in(t)
		c := s.container(world.ContainerSpec{Cmd: []string{"tcp-forward", ":1", "127.0.0.1:1"}, Publish: []string{s.published()}})
		s.told(3, deploy, "is already published by container "+c.Name)
		s.must(c.Stop(t.Context()))
	})
	t.Run("a port is taken by a process of the host", func(t *testing.T) {
		s := s.in(t)
		taken, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(s.Port))
		s.must(err)
		defer taken.Close()
		s.told(4, deploy, "host port "+taken.Addr().String(), "nothing runs, as before")
		s.nothingLeft()
	})
	t.Run("the baseline would delete itself", func(t *testing.T) {
		s := s.in(t)
		c := s.container(world.ContainerSpec{Name: s.Container("web"), Cmd: []string{"tcp-forward", ":1", "127.0.0.1:1"}, Remove: true})
		s.told(3, deploy, s.Container("web"), "--rm", "start it again without --rm")
		var is rig.Container
		s.must(c.Inspect(t.Context(), &is))
		if is.State.Status != "running" {
			t.Errorf("it is %s", is.State.Status)
		}
		s.must(c.Stop(t.Context()))
		s.eventually("it is gone", func() error {
			all, err := s.Containers(t.Context())
			if err == nil && len(all) > 0 {
				err = errStillThere
			}
			return err
		})
	})
	s.nothingLeft()
	s.told(0, deploy)
}

// An image that cannot be had, or could not run, changes nothing.
func TestRefusedImages(t *testing.T) {
	s := newTenant(t, rig.Options{})
	before := s.deployed("2.0.0")
	_, err := s.World.Image(t.Context(), s.Registry, world.ImageSpec{Repository: s.Options.Repository, Tag: "mainframe", Platforms: []string{"linux/s390x"}})
	s.must(err)

	cases := map[string]struct {
		code int
		args []string
		says []string
	}{
		"another platform":   {3, []string{"deploy", rig.App, "--image", "mainframe"}, []string{"linux/s390x", "nothing was changed"}},
		"an unknown tag":     {3, []string{"deploy", rig.App, "--image", "9.9.9"}, []string{"9.9.9", "nothing was changed"}},
		"a foreign one":      {3, []string{"deploy", rig.App, "--image", "registry.example.com/other/app:1.0"}, []string{"registry.example.com/other/app", s.Repository(), "nothing was changed"}},
		"no reference":       {2, []string{"deploy", rig.App, "--image", "not an image"}, []string{"--image is no image reference"}},
		"none":               {2, []string{"deploy", rig.App}, []string{"--image is missing", "usage:"}},
		"an unknown app":     {1, []string{"deploy", "nobody", "--image", "2.0.0"}, []string{`"nobody"`}},
		"an unknown rollout": {1, []string{"show", "nothing"}, []string{`"nothing"`}},
		"an unknown command": {2, []string{"deplyo", rig.App}, []string{"did you mean deploy?"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			s.told(c.code, c.args, c.says...)
			s.untouched(before)
		})
	}
}

// A registry may want credentials, which are read anew for each pull.
func TestRegistryCredentials(t *testing.T) {
	const user, password = "puller", "canary-registry-93ab1f"
	registry := common.newRegistry(t, world.RegistryOptions{User: user, Password: password})
	s := newTenant(t, rig.Options{Registry: registry})
	deploy := []string{"deploy", rig.App, "--image", s.image("2.0.0")}
	wanted := []string{registry.Host, "(401)", s.Dir + "/docker.json", "no container was touched"}

	s.told(3, deploy, wanted...)
	s.must(s.WriteLogin(user, "canary-wrong"))
	s.told(3, deploy, wanted...)
	s.nothingLeft()
	s.must(s.WriteLogin(user, password))
	s.told(0, deploy)
}

// What is on the host already needs no registry.
func TestRegistryIsDown(t *testing.T) {
	registry := common.newRegistry(t, world.RegistryOptions{})
	s := newTenant(t, rig.Options{Registry: registry})
	before := s.deployed("2.0.0")
	next := s.image("2.1.0")
	s.must(registry.Stop())

	s.told(3, []string{"deploy", rig.App, "--image", next}, registry.Host, "cannot be reached", "no container was touched")
	s.untouched(before)
	s.told(0, []string{"rotate", rig.App})
	s.told(0, []string{"deploy", rig.App, "--image", s.digest(s.live("web", "worker")["web"])})
}
