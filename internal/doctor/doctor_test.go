package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps"
	"github.com/capakraken/fairlead/internal/workload"
)

func TestHostInOrder(t *testing.T) {
	s := newScene(t)
	r := Examine(t.Context(), s.Patient)
	for _, f := range unlike(r) {
		t.Errorf("%+v", f)
	}
	topics := map[string]bool{}
	for _, f := range r.Findings {
		topics[f.Check] = true
		if f.Check == "" || f.Subject == "" || f.Found == "" {
			t.Errorf("not whole: %+v", f)
		}
	}
	for _, topic := range []string{"configuration", "engine", "daemon", "systemd", "state", "clock", "disk", "registry", "leftovers", "environment", "host", "status", "database"} {
		if !topics[topic] {
			t.Errorf("nothing was said of: %s", topic)
		}
	}
	if len(s.asked) != 1 || s.asked[0].Tag != "2.0.0" {
		t.Errorf("the registry was asked for %v", s.asked)
	}
}

// Each thing that may be out of order is found, judged, and comes with its remedy; and nothing else is found.
func TestFindings(t *testing.T) {
	refused := func(text string) error { return fault.New(fault.Refused, "%s", text) }
	for name, c := range map[string]struct {
		ill           func(t *testing.T, s *scene)
		verdict       Verdict
		found, remedy string
		more          int // further findings that are not ok
	}{
		"no configuration": {func(t *testing.T, s *scene) { s.Unsound = refused("x"); s.remove(t, "fairlead.yaml") }, Problem, "does not exist", "fairlead init", 0},
		"unsound": {func(t *testing.T, s *scene) {
			s.Unsound = fault.Many(fault.Refused, "refused", []fault.Problem{{Where: "f:3", What: "is wrong", Fix: "right it"}})
		}, Problem, "f:3: is wrong", "right it", 1},
		"unseen": {func(_ *testing.T, s *scene) { s.app.Unseen, s.app.Whole = []string{"env[0] exec /usr/bin/sops"}, false },
			Warning, "env[0] exec /usr/bin/sops can only be read by the daemon", "fairlead secrets shop", 1},
		"unseen, and the address with it": {func(_ *testing.T, s *scene) {
			s.app.Unseen, s.app.Whole, s.app.Unknown = []string{"env[0] exec /usr/bin/sops"}, false, refused("missing")
		}, Warning, "its address may come from what only the daemon can read", "fairlead residue shop", 1},
		"nobody": {func(_ *testing.T, s *scene) {
			s.Nobody = fault.Many(fault.Refused, "m", []fault.Problem{{Where: "access.viewers", What: "no user"}})
		}, Problem, "access.viewers: no user", "", 0},

		"engine away":         {func(_ *testing.T, s *scene) { s.aboutErr = fault.New(fault.Unavailable, "it does not answer") }, Problem, "it does not answer", "systemctl status docker", 6},
		"engine old":          {func(_ *testing.T, s *scene) { s.aboutErr = fault.New(fault.Refused, "it speaks API 1.40") }, Problem, "API 1.40", "upgrade", 6},
		"engine for all":      {func(t *testing.T, s *scene) { s.chmod(t, "docker.sock", 0o666) }, Problem, "and so is root", "chmod o-rw", 0},
		"engine far":          {func(_ *testing.T, s *scene) { s.Config.Engine.Host = "tcp://127.0.0.1:2375" }, Warning, "over the network", "unix socket", 0},
		"engine socket hides": {func(t *testing.T, s *scene) { s.remove(t, "docker.sock") }, Warning, "could not be looked at", "sudo", 0},

		"no daemon":      {func(t *testing.T, s *scene) { s.remove(t, "sock") }, Warning, "the daemon does not run", "systemctl enable --now", 0},
		"no socket":      {func(t *testing.T, s *scene) { s.remove(t, "sock"); s.try(t, os.Mkdir(s.Socket, 0o700)) }, Problem, "is no socket", "mv ", 0},
		"daemon dumb":    {func(_ *testing.T, s *scene) { s.daemonErr = fault.New(fault.Unreachable, "no") }, Problem, "does not answer on it", "journalctl", 0},
		"daemon forbids": {func(_ *testing.T, s *scene) { s.daemonErr = fault.New(fault.Forbidden, "no") }, Warning, "does not let this user look", "sudo", 0},
		"daemon closed":  {func(t *testing.T, s *scene) { s.chmod(t, "sock", 0o660) }, Warning, "can connect", "restart", 0},
		"daemon hides": {func(t *testing.T, s *scene) {
			s.daemonErr = errForeign
			s.Self, s.UID = 4242, 0
			s.chmod(t, "sock", 0o660)
		}, Warning, "the daemon could not be looked at", "sudo", 0},
		"daemon old":        {func(_ *testing.T, s *scene) { s.daemon.Version = "0.9" }, Warning, "of version 0.9, this program of version 1.0.0", "restart", 0},
		"daemon of another": {func(_ *testing.T, s *scene) { s.daemon.Instance = "other" }, Warning, `calls itself "other"`, "restart", 0},
		"daemon refuses":    {func(_ *testing.T, s *scene) { s.daemon.Refusing = "the disk is full" }, Problem, "the disk is full", "mend that", 0},
		"locked":            {func(_ *testing.T, s *scene) { s.daemon.Locked = map[string]string{"shop": "halted"} }, Warning, "app shop is locked: halted", "fairlead unlock shop", 0},

		"not installed": {func(t *testing.T, s *scene) { s.remove(t, "root/etc/systemd/system/fairlead.service") }, Warning, "not installed", "install -m 0644", 0},
		"not enabled":   {func(t *testing.T, s *scene) { s.remove(t, "root/etc/systemd/system/multi-user.target.wants") }, Warning, "not enabled", "enable --now", 0},

		"no state":      {func(t *testing.T, s *scene) { s.remove(t, "state") }, Warning, "does not exist yet", "enable --now", 0},
		"state for all": {func(t *testing.T, s *scene) { s.chmod(t, "state", 0o777) }, Problem, "may replace the journal", "chmod 0700", 0},
		"state open":    {func(t *testing.T, s *scene) { s.chmod(t, "state", 0o755) }, Warning, "may look into it", "chmod 0700", 0},
		"state a file":  {func(_ *testing.T, s *scene) { s.State = s.Path }, Problem, "is no directory", "mv ", 0},
		"state read-only": {func(_ *testing.T, s *scene) {
			s.Space = func(string) (Space, error) { return Space{ReadOnly: true}, nil }
		}, Problem, "mounted read-only", "remount", 0},
		"state full": {func(_ *testing.T, s *scene) {
			s.Space = func(string) (Space, error) { return Space{Bytes: 1 << 20}, nil }
		}, Problem, "only 1 MiB", "make room", 0},
		"state filling": {func(_ *testing.T, s *scene) {
			s.Space = func(string) (Space, error) { return Space{Bytes: 100 << 20}, nil }
		}, Warning, "only 100 MiB", "make room", 0},
		"no inodes": {func(_ *testing.T, s *scene) {
			s.Space = func(string) (Space, error) { return Space{Bytes: 1 << 40, Files: 7}, nil }
		}, Problem, "only 7 more files", "df -i", 0},
		"state hides": {func(_ *testing.T, s *scene) { s.Space = func(string) (Space, error) { return Space{}, errForeign } }, Warning, "could not be looked at", "sudo", 0},

		"clock off":  {func(_ *testing.T, s *scene) { s.Synchronized = func() (bool, error) { return false, nil } }, Warning, "not synchronized", "set-ntp", 0},
		"clock dumb": {func(_ *testing.T, s *scene) { s.Synchronized = func() (bool, error) { return false, errForeign } }, Warning, "does not say", "timedatectl", 0},

		"images full":    {func(_ *testing.T, s *scene) { s.free = 1 << 20 }, Problem, "only 1 MiB are free for images", "docker", 0},
		"images filling": {func(_ *testing.T, s *scene) { s.free = 1 << 30 }, Warning, "only 1024 MiB are free for images", "docker", 0},
		"images unseen":  {func(_ *testing.T, s *scene) { s.unseen = true }, Warning, "cannot be seen", "docker system df", 0},

		"logins for all":   {func(t *testing.T, s *scene) { s.chmod(t, "docker.json", 0o604) }, Problem, "holds logins, and has mode 0604", "chmod 0600", 0},
		"logins writable":  {func(t *testing.T, s *scene) { s.chmod(t, "docker.json", 0o660) }, Warning, "can be written by its group", "chmod g-w", 0},
		"logins gone":      {func(t *testing.T, s *scene) { s.remove(t, "docker.json") }, Problem, "does not exist", "login", 0},
		"registry away":    {func(_ *testing.T, s *scene) { s.reach = fault.New(fault.Unavailable, "cannot be reached") }, Problem, "cannot be reached", "the way to the registry", 0},
		"registry lost it": {func(_ *testing.T, s *scene) { s.reach = fault.New(fault.NotFound, "no") }, Warning, "has no image registry.example.com/shop:2.0.0 any more", "push it again", 0},

		"env unsound": {func(_ *testing.T, s *scene) {
			s.app.Problems = []fault.Problem{{Where: "/etc/shop/.env:3", What: "AI_KEY is required and empty", Fix: "fill it in"}}
		}, Problem, "/etc/shop/.env:3: AI_KEY is required and empty", "fill it in", 0},
		"env unknown":     {func(_ *testing.T, s *scene) { s.appErr = refused("no such app") }, Problem, "no such app", "config check", 4},
		"env dir for all": {func(t *testing.T, s *scene) { s.chmod(t, "env", 0o777) }, Problem, "may replace what is in it", "chmod go-w", 0},
		"env dir of others": {func(_ *testing.T, s *scene) {
			if s.UID = 4242; os.Getuid() == 0 {
				_ = os.Chown(filepath.Join(s.dir, "env"), 4243, -1)
			}
		}, Problem, "its owner, who is neither", "chown root", -1},

		"host lacks": {func(_ *testing.T, s *scene) {
			s.problems = []fault.Problem{{Where: "service web", What: "network back does not exist", Fix: "docker network create back"}}
		}, Problem, "network back does not exist", "docker network create back", 0},
		"volume lacks":  {func(_ *testing.T, s *scene) { s.missing = []string{"data"} }, Warning, "volume data does not exist", "docker volume create data", 0},
		"no definition": {func(_ *testing.T, s *scene) { s.app.Services = nil }, Warning, "could not be resolved", "mend", 0},

		"nothing runs":      {func(_ *testing.T, s *scene) { s.containers = nil }, Warning, "status shop/web: no container of it runs", "fairlead deploy shop", 0},
		"status ill":        {func(_ *testing.T, s *scene) { s.answer.Healthy = false }, Problem, "not healthy", "docker logs", 0},
		"status away":       {func(_ *testing.T, s *scene) { s.lookErr = fault.New(fault.Unavailable, "refuses the connection") }, Problem, "refuses the connection", "docker logs", 0},
		"status of another": {func(_ *testing.T, s *scene) { s.containers[0].Ours, s.lookErr = false, refused("404") }, Warning, "404", "no status yet", 0},
		"status ill there":  {func(_ *testing.T, s *scene) { s.containers[0].Ours, s.answer.Healthy = false, false }, Warning, "does not say", "docker logs", 0},
		"from database":     {func(_ *testing.T, s *scene) { s.answer.Secrets[0].Source = secret.Database }, Warning, "ai (database)", "deploy a version", 0},
		"from where":        {func(_ *testing.T, s *scene) { s.answer.Secrets[0].Source = "canary 1" }, Warning, "ai (elsewhere)", "deploy a version", 0},
		"says nothing":      {func(_ *testing.T, s *scene) { s.answer.Secrets = nil }, Warning, "says nothing of ai", "report them", 0},
		"not observed":      {func(_ *testing.T, s *scene) { s.observeErr = fault.New(fault.Unavailable, "list containers failed") }, Problem, "list containers failed", "docker ps", 1},

		"two live": {func(_ *testing.T, s *scene) {
			s.containers = append(s.containers, workload.Container{Name: "shop-web-2", Service: "web", Ours: true, Status: workload.Running})
		}, Problem, "shop-web and shop-web-2", "remove the other", 0},
		"temporary": {func(_ *testing.T, s *scene) {
			s.containers = append(s.containers, workload.Container{Name: "shop-web.old-abcdefgh", Service: "web", Ours: true, Status: workload.Exited})
		}, Problem, "as in the middle of a rollout, and none is", "docker rm", 0},
		"temporary, no daemon": {func(t *testing.T, s *scene) {
			s.remove(t, "sock")
			s.containers = append(s.containers, workload.Container{Name: "shop-web.new-abcdefgh", Service: "web", Ours: true, Status: workload.Created})
		}, Warning, "does not say whether one is under way", "enable --now", 1},
		"stopped":       {func(_ *testing.T, s *scene) { s.containers[0].Status = workload.Exited }, Warning, "does not run (exited)", "fairlead deploy", 1},
		"not in config": {func(_ *testing.T, s *scene) { s.change(func(a *config.App) { a.Services = nil }) }, Warning, "not configured any more", "docker rm -f shop-web", 0},
		"another daemon": {func(_ *testing.T, s *scene) {
			s.owned = []workload.Owned{{Key: workload.Key{Instance: "prod-0", App: "shop"}, Container: "x"}}
		}, Warning, `a daemon called "prod-0"`, "instance", 0},
		"another app": {func(_ *testing.T, s *scene) {
			s.owned = []workload.Owned{{Key: workload.Key{Instance: "prod-1", Environment: "staging", App: "shop"}, Container: "x"}}
		}, Warning, "app shop in staging", "docker rm -f x", 0},

		"database away": {func(_ *testing.T, s *scene) {
			s.grants, s.grantsErr = Grants{}, fault.New(fault.Unavailable, "refuses the connection")
		}, Problem, "refuses the connection", "the way to it", 0},
		"no table":      {func(_ *testing.T, s *scene) { s.grantsErr = fault.New(fault.NotFound, "there is no table") }, Warning, "there is no table", "legacy", 0},
		"no row":        {func(_ *testing.T, s *scene) { s.residErr = fault.New(fault.NotFound, "matches no row") }, Warning, "matches no row", "legacy.row", 0},
		"bad table":     {func(_ *testing.T, s *scene) { s.residErr = refused("is a view") }, Problem, "is a view", "the table", 0},
		"may not write": {func(_ *testing.T, s *scene) { s.grants.Unwritable = []string{`"a"`, `"b"`} }, Problem, "may not update", `GRANT UPDATE ("a", "b") ON "public"."SystemSettings" TO "shop";`, 0},
		"may not read":  {func(_ *testing.T, s *scene) { s.grants.Unreadable = []string{`"a"`} }, Problem, "may not read", `GRANT SELECT ("a") ON`, 0},
		"same":          {func(_ *testing.T, s *scene) { s.residue[0].Verdict = secret.Same }, Warning, "with the environment's value", "fairlead cleanup shop", 0},
		"differs":       {func(_ *testing.T, s *scene) { s.residue[0].Verdict = secret.Differs }, Warning, "with another value", "on_mismatch", 0},
		"no address":    {func(_ *testing.T, s *scene) { s.app.Unknown = refused("DATABASE_URL is missing") }, Problem, "DATABASE_URL is missing", "env file", 0},
		"not whole":     {func(_ *testing.T, s *scene) { s.app.Whole = false }, Warning, "were not compared", "env files", 0},
		"skew":          {func(_ *testing.T, s *scene) { s.grants.Now = now.Add(-time.Minute) }, Warning, "1m0s apart", "set-ntp", 0},
		"skew ahead":    {func(_ *testing.T, s *scene) { s.grants.Now = now.Add(6 * time.Second) }, Warning, "6s apart", "set-ntp", 0},

		"foreign words": {func(_ *testing.T, s *scene) {
			s.reach, s.lookErr, s.grantsErr, s.aboutErr = errForeign, errForeign, errForeign, nil
		}, Problem, "withheld", "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			c.ill(t, s)
			r := Examine(t.Context(), s.Patient)
			if !has(r, c.verdict, c.found, c.remedy) {
				t.Errorf("no %s with %q and %q in %+v", c.verdict, c.found, c.remedy, unlike(r))
			}
			if got := len(unlike(r)); c.more >= 0 && got != c.more+1 {
				t.Errorf("%d findings, want %d: %+v", got, c.more+1, unlike(r))
			}
			if text, err := json.Marshal(r); err != nil || strings.Contains(string(text), "canary") {
				t.Errorf("%v: %s", err, text)
			}
			for _, f := range unlike(r) {
				if f.Verdict == Problem && f.Remedy == "" {
					t.Errorf("no remedy: %+v", f)
				}
			}
		})
	}
}

// What is well, and looks as if it were not.
func TestWellAllTheSame(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, s *scene){
		"no systemd":      func(t *testing.T, s *scene) { s.remove(t, "root/run") },
		"no tag is known": func(_ *testing.T, s *scene) { s.containers[0].Image.Tag, s.reach = "", fault.New(fault.NotFound, "no") },
		"in a rollout": func(_ *testing.T, s *scene) {
			s.daemon.Running["shop"] = true
			s.containers = append(s.containers, workload.Container{Name: "shop-web.old-abcdefgh", Service: "web", Ours: true, Status: workload.Exited})
		},
		"no login is needed": func(t *testing.T, s *scene) { s.Config.Registry.ConfigFile = config.DefaultRegistryConfig },
		"clock a little off": func(_ *testing.T, s *scene) { s.grants.Now = now.Add(4 * time.Second) },
		"sticky directory":   func(t *testing.T, s *scene) { s.chmod(t, "env", 0o777|os.ModeSticky) },
		"no secrets":         func(_ *testing.T, s *scene) { s.app.Secrets = []rollout.SecretFact{} },
		"health alone": func(_ *testing.T, s *scene) {
			s.change(func(a *config.App) { a.Checks = map[string]workload.Check{"web": {Health: true}} })
			s.answer.Secrets = nil
		},
	} {
		s := newScene(t)
		change(t, s)
		for _, f := range unlike(Examine(t.Context(), s.Patient)) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// A check that panics or hangs is a problem of its own, and the others are heard all the same.
func TestBugsAndHangs(t *testing.T) {
	s := newScene(t)
	s.Synchronized = func() (bool, error) { panic("canary") }
	r := Examine(t.Context(), s.Patient)
	if bad := unlike(r); len(bad) != 1 || !strings.Contains(bad[0].Found, "has a bug") || bad[0].Check != "clock" {
		t.Errorf("%+v", bad)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		over := make(chan struct{})
		s.Engine = &hanging{host: s.host, over: over}
		began := time.Now()
		r := Examine(t.Context(), s.Patient)
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("it took %s", took)
		}
		if !has(r, Problem, "registry registry.example.com/shop: did not come to an end", "hangs") || !has(r, OK, "database", "") {
			t.Errorf("%+v", unlike(r))
		}
		close(over)
	})
	synctest.Test(t, func(t *testing.T) { // many that hang do not take their time one after the other
		s := newScene(t)
		over := make(chan struct{})
		s.Engine = &hanging{host: s.host, over: over}
		for i := range 60 {
			s.Config.Apps["app-"+strconv.Itoa(i)] = s.Config.Apps["shop"]
		}
		began := time.Now()
		r := Examine(t.Context(), s.Patient)
		if took := time.Since(began); took > 30*time.Second || !has(r, Problem, "the time was up before its turn came", "run it again") {
			t.Errorf("it took %s", took)
		}
		close(over)
	})
}

// hanging does not answer for the registry, and does not look at its context.
type hanging struct {
	*host
	over chan struct{}
}

func (h *hanging) Reach(context.Context, workload.Image) error {
	<-h.over
	return errors.New("too late")
}

// Another user than the daemon's is told what could not be looked at, and that is no problem.
func TestWhatMayNotBeSeen(t *testing.T) {
	s := newScene(t)
	s.UID, s.Self = 0, 4242
	s.app.Unknown, s.app.Whole = fault.New(fault.Refused, "x"), false
	if r := Examine(t.Context(), s.Patient); !has(r, Warning, "the database's address could not be looked at", "sudo") {
		t.Errorf("%+v", unlike(r))
	}
	if os.Getuid() == 0 {
		return // who may read everything cannot be kept from an env file
	}
	s.chmod(t, "env/.env", 0)
	s.app.Problems = []fault.Problem{{Where: "x", What: "may not be read"}}
	if r := Examine(t.Context(), s.Patient); !has(r, Warning, "the env file could not be looked at", "sudo") {
		t.Errorf("%+v", unlike(r))
	}
}

var _ Apps = (*steps.Steps)(nil)
