// Package compose turns service definitions in Compose syntax into workloads. What a definition says is honoured, or
// it is refused by name: no key is ever ignored.
//
// The values of the environment are secrets here. They reach a container only through its environment, so a definition
// that would put one anywhere else is refused, and no message quotes a value or the words of the Compose parser, which
// may quote one. Definitions are handed in, or stand in the operator's own Compose files, which are read here; nothing
// else is: no .env beside them, and not this process's own environment.
package compose

import (
	"cmp"
	"context"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Input is the service definitions of one app.
type Input struct {
	Project  string // the app, for messages
	Source   string // the file that holds the definitions, for messages
	Services []Raw
	Files    *Files   // nil where the definitions stand in Source itself
	Secrets  []string // variables whose values may stand nowhere but in an environment, neither taken nor written out
}

// Raw is one service as it stands in the file.
type Raw struct {
	Name string
	YAML *yaml.Node // its nodes' lines are those of the file; it is not changed. Nil where Files define the service
	Line int        // where it begins, or where it is named
}

// Files are the Compose files that define an app's services.
type Files struct {
	Paths      []string // absolute; a later one overrides an earlier one
	Project    string   // the Compose project; empty for the name that Compose itself would give it
	Repository string   // of the app's image
	Asked      []string // the services whose status is asked for over HTTP at their own address
}

// Service is one service, resolved.
type Service struct {
	workload.Service
	// Environment holds the entries of the definition's own environment, in its order and with where they stand. An
	// entry without a value carries the value of env; where env has none, there is no variable.
	Environment []secret.Var
	// EnvFiles are those that the definition names, in its order. A later one goes over an earlier one, and Environment
	// over all of them.
	EnvFiles []EnvFile
}

// EnvFile is an env file that a service's definition names.
type EnvFile struct {
	Path     string // absolute
	Required bool   // its absence is a fault
	Origin   secret.Origin
}

// Findings are what is to be said of definitions. As long as there is a problem, none of them may be run.
type Findings struct {
	Problems []fault.Problem
	Warnings []fault.Problem // what somebody should look at
	Noted    []fault.Problem // keys that are Compose's own business and not acted on
}

// Load resolves the definitions against env, from which every ${VARIABLE} is taken. Services come back in the order of
// the input, each as far as it could be read. One that is not even a mapping is left out.
func Load(ctx context.Context, in Input, env secret.Env) ([]Service, Findings) {
	return load(ctx, in, known{env: env, redactor: secret.NewRedactor(env)})
}

// Check finds what is wrong with the definitions whatever the environment will hold. A key whose meaning depends on a
// variable is looked at only as far as that goes.
func Check(ctx context.Context, in Input) Findings {
	_, found := load(ctx, in, known{offline: true})
	return found
}

// known is what is known of the variables.
type known struct {
	env      secret.Env
	redactor secret.Redactor
	offline  bool   // nothing is known: a variable without a default may hold anything
	project  string // the Compose project, which is a variable there
	expanded bool   // every variable is replaced already, and every text looked at
}

func (k known) lookup(name string) (string, bool) {
	v, ok := k.env.Lookup(name)
	if !ok && name == "COMPOSE_PROJECT_NAME" && k.project != "" {
		return k.project, true
	}
	return v.Value.Reveal(), ok
}

func load(ctx context.Context, in Input, vars known) ([]Service, Findings) {
	notes := &notes{Input: in, sources: []string{in.Source}}
	if in.Files != nil {
		services := composed(ctx, notes, vars)
		notes.collisions(services)
		return services, notes.findings()
	}
	var services []Service
	for _, raw := range in.Services {
		d := definition{notes: notes, known: vars, name: raw.Name, budget: maxNodes}
		if service, ok := d.resolve(ctx, raw); ok {
			services = append(services, service)
		}
	}
	notes.collisions(services)
	return services, notes.findings()
}

// resolve reads one service.
func (d *definition) resolve(ctx context.Context, raw Raw) (Service, bool) {
	if raw.YAML == nil {
		return Service{}, false
	}
	root := d.read(d.at(raw.Name, raw.Line), raw.YAML, serviceShape())
	if root.kind != mappingItem {
		return Service{}, false
	}
	service := Service{Environment: d.environment(root.take("environment"))}
	labels := d.labels(root.take("labels"))
	config := d.compose(ctx, root)
	service.Service = d.convert(root, config)
	service.Name, service.Labels = raw.Name, labels
	return service, true
}

// notes collects what is to be said of the definitions of one app.
type notes struct {
	Input
	sources []string // the files, by the lines that they begin at
	found   []note
	warned  []note
	noted   []note
}

// lineSpan is how many lines a file has at most. The n-th of several files has its lines from n*lineSpan on, so that one
// number says both the file and the line.
const lineSpan = 1 << 21

type note struct {
	line    int
	problem fault.Problem
}

// at returns where a service stands.
func (in Input) at(service string, line int) position {
	path := "services." + service
	if in.Project != "" && in.Files == nil {
		path = "apps." + in.Project + "." + path
	}
	return position{path: path, line: line}
}

// position is a place in a file.
type position struct {
	path string // such as services.web.ports[0]; empty for the whole file
	line int
}

func (p position) under(name string, line int) position {
	return position{path: p.path + fault.Key(name), line: line}
}

// origin returns the file and the line that a number stands for.
func (n *notes) origin(line int) secret.Origin {
	return secret.Origin{Source: n.sources[line/lineSpan], Line: line % lineSpan}
}

// bad records a problem. Its words may quote what stands in the file, and never what a variable holds.
func (n *notes) bad(at position, what, fix string) {
	n.found = append(n.found, n.note(at, what, fix))
}

// warn records what an operator should know and what keeps nothing from being run.
func (n *notes) warn(at position, what, fix string) {
	n.warned = append(n.warned, n.note(at, what, fix))
}

func (n *notes) note(at position, what, fix string) note {
	where := n.origin(at.line).String()
	if at.path != "" {
		where += ": " + at.path
	}
	return note{at.line, fault.Problem{Where: where, What: what, Fix: fix}}
}

// findings returns everything in the order of the lines. What two services take from one line is said once.
func (n *notes) findings() Findings {
	return Findings{Problems: sorted(n.found), Warnings: sorted(n.warned), Noted: sorted(n.noted)}
}

func sorted(notes []note) []fault.Problem {
	slices.SortStableFunc(notes, func(a, b note) int { return cmp.Compare(a.line, b.line) })
	var problems []fault.Problem
	for _, n := range notes {
		if !slices.Contains(problems, n.problem) {
			problems = append(problems, n.problem)
		}
	}
	return problems
}
