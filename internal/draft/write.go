package draft

import (
	"fmt"
	"strings"
)

// paper is a text in the making.
type paper struct{ strings.Builder }

// line writes one line. Whatever may come from elsewhere is quoted by who calls it.
func (p *paper) line(format string, args ...any) {
	_, _ = fmt.Fprintf(p, format+"\n", args...)
}

// remark writes a comment, folded to the width of the page.
func (p *paper) remark(indent int, format string, args ...any) {
	const width = 118
	margin := strings.Repeat(" ", indent) + "#"
	text := margin
	for _, word := range strings.Fields(printable(fmt.Sprintf(format, args...))) {
		if len(text)+1+len(word) > width && text != margin {
			p.line("%s", text)
			text = margin
		}
		text += " " + word
	}
	p.line("%s", text)
}

// Text returns the configuration.
func (a App) Text() []byte {
	p := &paper{}
	a.heading(p)
	p.line("instance: %s # CHANGE: this daemon's name on its Engine; it must not change while its containers run", quoted(a.Instance))
	if a.EngineHost != "" {
		p.line("engine: {host: %s}", quoted(a.EngineHost))
	}
	p.line("")
	p.remark(0, "Who may use the socket besides root, who may do everything: viewers look, operators roll out, admins unlock.")
	p.line("access:")
	p.line("  viewers: {groups: []} # CHANGE")
	p.line("  operators: {groups: []} # CHANGE")
	p.line("  admins: {users: []}")
	p.line("")
	p.line("apps:")
	p.line("  %s:", quoted(a.Name))
	p.line("    environment: %s", quoted(a.Environment))
	a.image(p)
	a.environment(p)
	a.services(p)
	a.verify(p)
	a.catalog(p)
	a.legacy(p)
	p.line("")
	p.remark(4, "When legacy values are cleared: manual (fairlead cleanup %s, once somebody has looked) or with_deploy.", a.Name)
	p.line("    clear: manual")
	a.consumers(p)
	return []byte(p.String())
}

func (a App) heading(p *paper) {
	p.remark(0, "Fairlead's configuration for %s, drafted from %s. Decide what is marked CHANGE, then run", a.Name, a.From)
	p.line("#")
	p.line("#     fairlead config check FILE")
	p.line("#     fairlead doctor --config FILE")
	p.line("#")
	p.remark(0, "It holds no secret: it names the variables that carry them.")
	if len(a.Notes) > 0 {
		p.line("#")
		p.remark(0, "What the draft could not take over:")
		for _, n := range a.Notes {
			p.remark(0, "- %s", n)
		}
	}
	p.line("")
}

// unknownImage is written where the repository is not known.
const unknownImage = "registry.example.com/team/app"

func (a App) image(p *paper) {
	p.line("")
	p.remark(4, "The repository alone. Which release runs comes with the rollout: fairlead deploy %s --image TAG", a.Name)
	if a.Repository == "" {
		p.line("    image: %s # CHANGE", unknownImage)
		return
	}
	p.line("    image: %s", quoted(a.Repository))
}

func (a App) environment(p *paper) {
	p.line("")
	p.remark(4, "The host's secret files, owned by root, mode 0640 at most. All of their variables reach every service.")
	p.line("    env:")
	for _, file := range a.EnvFiles {
		p.line("      - {file: %s}", quoted(file))
	}
	if len(a.EnvFiles) == 0 {
		file := "/etc/" + a.Name + "/.env." + a.Environment
		p.line("      - {file: %s} # CHANGE", quoted(file))
		p.remark(6, "Make it with 'install -m 0640 -o root -g root /dev/null %s', and write into it with an editor, one NAME=value a line: a value that is typed into a shell stays in its history.", file)
	}
	secrets, others := a.secrets()
	if len(others) > 0 {
		p.remark(4, "Besides the %s below, these variables are set today. They belong into the file, or under a service's environment: %s",
			count(len(secrets), "secret", "secrets"), strings.Join(others, ", "))
	}
	if literal := (App{Variables: a.Literal}); len(a.Literal) > 0 {
		if inFile, _ := literal.secrets(); len(inFile) > 0 {
			p.remark(4, "CHANGE: the Compose file itself gives these a value; move it into the env file, and take the entry out: %s", strings.Join(inFile, ", "))
		}
	}
}

func (a App) verify(p *paper) {
	p.line("")
	p.remark(4, "How each service proves itself. At least one must say where the app takes its secrets from: without that, no rollout succeeds and nothing is ever cleared. The answer is JSON; the jq expression makes of it {healthy, version, secrets: [{name, source, present}]}.")
	p.line("    verify:")
	reporting := false
	for _, s := range a.Services {
		reporting = reporting || s.Port != 0
	}
	for i, s := range a.Services {
		p.line("      %s:", quoted(s.Name))
		switch {
		case s.Port != 0:
			p.line("        url: \"http://{container}:%d/CHANGE-path-of-the-status\" # CHANGE; the host stays {container}", s.Port)
			p.line("        query: \".\" # CHANGE where the answer has another form")
			p.line("        # headers: {Authorization: {env: STATUS_TOKEN, prefix: \"Bearer \"}}")
			if s.Health {
				p.line("        # health: docker # instead, for a service that reports no sources")
			}
		case !reporting && i == 0:
			p.line("        exec: [CHANGE-program-that-prints-the-status] # CHANGE; it is run inside the container")
			p.line("        query: \".\" # CHANGE where the output has another form")
		case s.Health:
			p.line("        health: docker")
		default:
			p.line("        # It has no port and no health check, so it proves itself by staying up. Better is a health check in its definition.")
		}
		p.line("        stay_up: 5s")
	}
}

func (a App) consumers(p *paper) {
	p.line("")
	p.remark(4, "Containers of the same image or Compose project, outside of this app, that do not read the legacy values. Any other one that runs keeps them from being cleared.")
	if len(a.Others) == 0 {
		p.line("    # not_consumers: [NAME]")
		return
	}
	p.line("    not_consumers: # CHANGE: take out whatever does read them")
	for _, name := range a.Others {
		p.line("      - %s", quoted(name))
	}
}
