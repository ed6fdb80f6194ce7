package config

import (
	"regexp"
	"slices"
	"time"

	"github.com/distribution/reference"

	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// serviceName and containerName are what Compose and the Engine allow.
var (
	serviceName   = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$`)
	containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)
)

func readApp(name string, f field) App {
	if !plainName.MatchString(name) {
		f.bad("is not a usable name for an app", "use lower-case letters, digits and hyphens, 63 at most, beginning with a letter or digit")
	}
	m := f.only("environment", "image", "allowed_registries", "env", "lint", "services", "compose", "verify", "secrets", "legacy", "clear", "keep_releases", "not_consumers", "timeouts", "pre_start", "hooks", "parity")
	app := App{
		Name:         name,
		Environment:  m.need("environment", "name it, such as environment: production").name(),
		Repository:   m.need("image", "name the image's repository, such as image: registry.example.com/team/app").repository(),
		Line:         f.line,
		Env:          readEnv(m.get("env")),
		Lint:         readLint(m.get("lint")),
		Legacy:       readLegacy(m.get("legacy")),
		Clear:        readClear(m.get("clear")),
		KeepReleases: m.get("keep_releases").number(3, 1, 15),
		NotConsumers: readNotConsumers(m.get("not_consumers")),
		Timeouts:     readTimeouts(m.get("timeouts")),
		Parity:       readParity(m.get("parity")),
	}
	app.AllowedRegistries = readRegistries(m.get("allowed_registries"))
	app.fromAllowed(m)
	app.readDefinitions(m)
	app.PreStart = readPreStart(m.get("pre_start"), app.Services)
	app.Hooks = readHooks(m.get("hooks"))
	known := len(f.found)
	app.Checks = readChecks(m.get("verify"), app.Services, app.Timeouts.Verify)
	sound := len(f.found) == known
	app.Secrets = readSecrets(m.get("secrets"), app.Legacy != nil)
	app.provable(m, sound)
	app.clearable(m)
	return app
}

// provable makes sure that the secrets have a source, and somebody who tells whether the app uses it. When the checks
// were not sound, nothing more is said of them.
func (a App) provable(m mapping, sound bool) {
	if len(a.Secrets) == 0 {
		return
	}
	if !m.has("env") {
		m.get("env").bad("is missing, so no secret could be provisioned", "write env: [{file: /etc/…/.env.production}]")
	}
	reports := slices.ContainsFunc(a.Services, func(d Definition) bool { return a.Checks[d.Name].Reports() })
	if sound && !reports && len(a.Services) > 0 {
		m.get("verify").bad("lets no service report where its secrets come from, so no rollout could be proved", "give at least one service a url or an exec")
	}
}

// clearable makes sure that what is to be cleared can be found.
func (a App) clearable(m mapping) {
	hasColumn := slices.ContainsFunc(a.Secrets, func(s secret.Spec) bool { return s.LegacyColumn != "" })
	switch {
	case a.Legacy == nil && a.Clear == WithDeploy && !m.has("legacy"):
		m.get("clear").bad("asks for legacy values to be cleared, but there is no legacy block", "add the block, or take the key out")
	case a.Legacy != nil && !hasColumn:
		m.get("legacy").bad("is given, but no secret names its column", "add legacy: {column: …} to the secrets that the database may hold, or take the block out")
	}
}

// repository returns an image without its tag and digest.
func (f field) repository() string {
	s := f.text()
	if s == "" {
		return ""
	}
	named, err := reference.ParseNormalizedNamed(s)
	switch {
	case err != nil:
		f.bad("is not the name of an image", "write REGISTRY/PATH in lower case, such as registry.example.com/team/app")
	case !reference.IsNameOnly(named):
		f.bad("names a tag or a digest", "write the repository alone: the tag comes with the rollout (fairlead deploy APP --image TAG)")
	}
	return s
}

// readDefinitions reads where the services are defined: here, or in Compose files.
func (a *App) readDefinitions(m mapping) {
	switch {
	case m.has("services") && m.has("compose"):
		m.get("compose").bad("stands beside services", "keep one of the two: the services are defined here, or in Compose files")
	case m.has("compose"):
		a.Compose, a.Services = readCompose(m.get("compose"))
	default:
		a.Services = readServices(m.need("services", "define at least one service, in Compose syntax, or name your Compose file under compose:"))
	}
}

func readServices(f field) []Definition {
	m := f.mapping()
	if m.set() && len(m.keys) == 0 {
		f.bad("has no service", "define at least one")
	}
	var services []Definition
	for name, d := range m.all {
		if !serviceName.MatchString(name) {
			d.bad("is not a usable name for a service", "use letters, digits, dots, hyphens and _, 63 at most, beginning with a letter or digit")
		}
		if d.set() { // what it holds is Compose's to read
			services = append(services, Definition{Name: name, YAML: d.node, Source: f.file, Line: d.line})
		}
	}
	return services
}

func readClear(f field) ClearMode {
	switch s := f.text(); ClearMode(s) {
	case "", Manual:
	case WithDeploy:
		return WithDeploy
	default:
		f.bad("is not a clear mode", "write with_deploy (at the end of every deploy) or manual (only by fairlead cleanup)")
	}
	return Manual
}

// readPreStart reads what runs before the old containers stop.
func readPreStart(f field, services []Definition) *PreStart {
	if !f.set() {
		return nil
	}
	m := f.only("service", "command", "timeout")
	p := &PreStart{Service: m.get("service").text(), Timeout: m.get("timeout").duration(5*time.Minute, time.Second, 24*time.Hour)}
	command := m.need("command", "write the words of the command, such as command: [npx, prisma, migrate, deploy]")
	p.Command = command.texts()
	if command.isEmptyList() || len(p.Command) > 0 && p.Command[0] == "" {
		command.bad("is empty", "write the words of the command, such as [npx, prisma, migrate, deploy]")
	}
	switch known := slices.ContainsFunc(services, func(d Definition) bool { return d.Name == p.Service }); {
	case p.Service == "" && len(services) > 0:
		p.Service = services[0].Name
	case p.Service != "" && !known:
		m.get("service").bad("is not one of the app's services", "name a service, or take the key out for the first one")
	}
	return p
}

func readNotConsumers(f field) []string {
	names := f.texts()
	for i, e := range f.list() {
		if names[i] != "" && !containerName.MatchString(names[i]) {
			e.bad("is not the name of a container", "write it as docker ps shows it")
		}
	}
	return names
}

func readTimeouts(f field) Timeouts {
	m := f.only("validate", "pull", "restart", "verify", "clear", "revert")
	t := defaultTimeouts()
	for _, step := range []struct {
		key string
		d   *time.Duration
	}{{"validate", &t.Validate}, {"pull", &t.Pull}, {"restart", &t.Restart}, {"verify", &t.Verify}, {"clear", &t.Clear}, {"revert", &t.Revert}} {
		*step.d = m.get(step.key).duration(*step.d, time.Second, 24*time.Hour)
	}
	return t
}

// readChecks returns a check for every service; one that the file says nothing of proves itself by staying up.
func readChecks(f field, services []Definition, within time.Duration) map[string]workload.Check {
	checks := map[string]workload.Check{}
	for _, d := range services {
		checks[d.Name] = defaultCheck()
	}
	for name, entry := range f.mapping().all {
		if _, ok := checks[name]; !ok {
			entry.bad("is not one of the app's services", "name a service, or take the entry out")
		}
		check := readCheck(entry)
		if within < max(check.StayUp, check.Attempt) {
			entry.bad("waits for longer than the whole step may take ("+brief(within)+")", "shorten it, or lengthen timeouts.verify")
		}
		checks[name] = check
	}
	return checks
}
