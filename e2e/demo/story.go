package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// story is the demonstration on its way.
type story struct {
	*rig.Rig
	ctx    context.Context
	images map[string]world.Image
	env    rig.Env
	before string // the id of web's container, as last looked at
}

// chapter is one part of the story.
type chapter struct {
	title string
	play  func() error
}

// tell plays all chapters in order, up to the first that goes wrong.
func (s *story) tell() error {
	chapters := []chapter{
		{"Version 1 runs as it always did: somebody started it by hand, and its secrets are in the database", s.version1},
		{"Fairlead deploys version 2, with the secrets in .env.production; the sources flip, the residue is cleared", s.version2},
		{"Rotation: a new SMTP password in .env.production means a new container, and no data mutation", s.rotation},
		{"A bad env file is refused, with all its faults, and nothing is touched", s.badEnv},
		{"A broken image is rolled back, and the old release serves again", s.broken},
		{"The daemon is killed in the middle of a rollout, and the next start finishes it", s.killed},
		{"The journal tells it all, and verifies", s.audit},
	}
	if err := s.prepare(); err != nil {
		return err
	}
	for i, c := range chapters {
		fmt.Printf("\n── %d. %s\n\n", i+1, c.title)
		if err := c.play(); err != nil {
			return fmt.Errorf("chapter %d: %w", i+1, err)
		}
	}
	return s.Stop()
}

// prepare makes the images and starts the daemon.
func (s *story) prepare() error {
	s.images = map[string]world.Image{}
	for tag, env := range map[string][]string{"1.0.0": nil, "2.0.0": nil, "2.1.0": {"REFAPP_MISBEHAVE=crash"}, "2.2.0": {"REFAPP_MISBEHAVE=slow-start=4s"}} {
		image, err := s.Image(s.ctx, tag, env...)
		if err != nil {
			return err
		}
		s.images[tag] = image
	}
	s.env = rig.Env{
		"AZURE_OPENAI_API_KEY": "az-7f3c1f6e9b2d4a58-live",
		"SMTP_PASSWORD":        "correct-horse-battery",
		"ANONYMIZATION_SEED":   "seed-41d8cd98f00b204e",
	}
	if err := s.WriteEnv(s.env); err != nil {
		return err
	}
	return s.Start(s.ctx)
}

// version1 starts the old version by hand and has an administrator enter the secrets.
func (s *story) version1() error {
	for _, service := range []string{"web", "worker"} {
		spec := world.ContainerSpec{Name: s.Container(service), Image: s.images["1.0.0"].Ref(), Cmd: []string{service}, Network: s.Network,
			Env: []string{"DATABASE_URL=" + s.Postgres.URL()}, Restart: "always"}
		if service == "web" {
			spec.Publish = []string{fmt.Sprintf("127.0.0.1:%d:3000", s.Port)}
		}
		if _, err := s.World.Container(s.ctx, spec); err != nil {
			return err
		}
	}
	if err := s.eventually("version 1 to serve", func() error {
		return s.Store(s.ctx, map[string]string{
			"azureOpenAiApiKey": s.env["AZURE_OPENAI_API_KEY"], "smtpPassword": s.env["SMTP_PASSWORD"], "anonymizationSeed": s.env["ANONYMIZATION_SEED"]})
	}); err != nil {
		return err
	}
	return s.commands(0, []string{"status", rig.App}, []string{"secrets", rig.App})
}

func (s *story) version2() error {
	if err := s.commands(0, []string{"deploy", rig.App, "--image", "2.0.0", "--reason", "ADR 0001"}, []string{"secrets", rig.App}); err != nil {
		return err
	}
	for _, column := range []string{"azureOpenAiApiKey", "smtpPassword", "anonymizationSeed"} {
		if value, err := s.Column(s.ctx, column); err != nil || value != "" {
			return fmt.Errorf("the column %s is not cleared (%v)", column, err)
		}
	}
	return s.remember()
}

func (s *story) rotation() error {
	s.env["SMTP_PASSWORD"] = "a-new-one-" + s.World.Run
	if err := s.WriteEnv(s.env); err != nil {
		return err
	}
	if err := s.commands(0, []string{"rotate", rig.App, "--reason", "quarterly"}); err != nil {
		return err
	}
	old := s.before
	if err := s.remember(); err != nil {
		return err
	}
	if s.before == old {
		return fmt.Errorf("the rotation kept the container")
	}
	return nil
}

func (s *story) badEnv() error {
	bad := "AZURE_OPENAI_API_KEY=changeme\nSMTP_PASSWORD=pa#ss\nSMTP_PASSWORD=again\nDATABASE_URL=" + s.Postgres.URL() + "\n"
	if err := s.WriteEnvText(bad); err != nil {
		return err
	}
	if err := s.commands(3, []string{"rotate", rig.App}); err != nil {
		return err
	}
	if err := s.unchanged(); err != nil {
		return err
	}
	return s.WriteEnv(s.env)
}

func (s *story) broken() error {
	if err := s.commands(4, []string{"deploy", rig.App, "--image", "2.1.0"}); err != nil {
		return err
	}
	return s.unchanged()
}

func (s *story) killed() error {
	if err := s.commands(0, []string{"deploy", rig.App, "--image", "2.2.0", "--detach"}); err != nil {
		return err
	}
	if err := s.eventually("the rollout to be in verify", func() error {
		all, err := s.Rollouts(s.ctx)
		if err == nil && all[0]["step"] != "verify" {
			err = fmt.Errorf("it is in %v", all[0]["step"])
		}
		return err
	}); err != nil {
		return err
	}
	pid := s.PID()
	if err := s.Kill(); err != nil {
		return err
	}
	fmt.Printf("$ kill -9 %d     # the daemon, while the new containers are being verified\n\n$ fairlead daemon …\n\n", pid)
	if err := s.Start(s.ctx); err != nil {
		return err
	}
	all, err := s.Rollouts(s.ctx)
	if err != nil {
		return err
	}
	if err := s.commands(0, []string{"watch", fmt.Sprint(all[0]["id"])}, []string{"status", rig.App}); err != nil {
		return err
	}
	return s.remember()
}

func (s *story) audit() error {
	return s.commands(0, []string{"rollouts", rig.App}, []string{"audit", "log", "--limit", "12"}, []string{"audit", "verify", "--state", s.State()})
}

// commands runs each command, shows what it printed, and expects the exit code.
func (s *story) commands(code int, all ...[]string) error {
	for _, args := range all {
		fmt.Printf("$ fairlead %s\n", strings.Join(args, " "))
		res, err := s.Run(s.ctx, args...)
		fmt.Print(res.Out, res.Err)
		if err != nil {
			return err
		}
		if res.Code != 0 {
			fmt.Printf("(exit %d)\n", res.Code)
		}
		fmt.Println()
		if res.Code != code {
			return fmt.Errorf("exit %d, want %d", res.Code, code)
		}
	}
	return nil
}

// remember notes which container of web runs.
func (s *story) remember() (err error) {
	s.before, err = s.running("web")
	return err
}

// unchanged makes sure that the container of web is still the one that was remembered.
func (s *story) unchanged() error {
	id, err := s.running("web")
	if err == nil && id != s.before {
		err = fmt.Errorf("web runs in another container than before")
	}
	return err
}

// running returns the id of the one running container of a service.
func (s *story) running(service string) (string, error) {
	all, err := s.Containers(s.ctx)
	if err != nil {
		return "", err
	}
	for _, c := range all {
		if c.Name == "/"+s.Container(service) && c.State.Status == "running" {
			return c.ID, nil
		}
	}
	return "", fmt.Errorf("no container of %s runs under its name", service)
}

// eventually waits until probe returns nil.
func (s *story) eventually(what string, probe func() error) error {
	ctx, cancel := context.WithTimeout(s.ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := probe()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w", what, err)
		case <-tick.C:
		}
	}
}
