// Package compose turns service definitions in Compose syntax into workloads. What a definition says is honoured, or
// it is refused by name: no key is ever ignored.
//
// The values of the environment are secrets here. They reach a container only through its environment, so a definition
// that would put one anywhere else is refused, and no message quotes a value or the words of the Compose parser, which
// may quote one. Nothing is read but what is handed in: no file, and not this process's own environment.
package compose

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Input is the service definitions of one app.
type Input struct {
	Project  string // the app, for messages; empty where the definitions stand in a Compose file of their own
	Source   string // the file that holds the definitions, for messages
	Services []Raw
	Secrets  []string // variables whose values may stand nowhere but in an environment, neither taken nor written out
}

// Raw is one service as it stands in the file.
type Raw struct {
	Name string
	YAML *yaml.Node // its nodes' lines are those of the file; it is not changed
	Line int        // where it begins
}

// Service is one service, resolved.
type Service struct {
	workload.Service
	// Environment holds the entries of the definition's own environment, in its order and with where they stand. An
	// entry without a value carries the value of env; where env has none, there is no variable.
	Environment []secret.Var
}

// Load resolves the definitions against env, from which every ${VARIABLE} is taken. Services come back in the order of
// the input, each as far as it could be read: as long as there is a problem, none of them may be run. One that is not
// even a mapping is left out.
func Load(ctx context.Context, in Input, env secret.Env) ([]Service, []fault.Problem) {
	return load(ctx, in, known{env: env, redactor: secret.NewRedactor(env)})
}

// Check finds what is wrong with the definitions whatever the environment will hold. A key whose meaning depends on a
// variable is looked at only as far as that goes.
func Check(ctx context.Context, in Input) []fault.Problem {
	_, problems := load(ctx, in, known{offline: true})
	return problems
}

// known is what is known of the variables.
type known struct {
	env      secret.Env
	redactor secret.Redactor
	offline  bool // nothing is known: a variable without a default may hold anything
}

func (k known) lookup(name string) (string, bool) {
	v, ok := k.env.Lookup(name)
	return v.Value.Reveal(), ok
}

func load(ctx context.Context, in Input, vars known) ([]Service, []fault.Problem) {
	notes := &notes{Input: in}
	var services []Service
	for _, raw := range in.Services {
		d := definition{notes: notes, known: vars, name: raw.Name, budget: maxNodes}
		if service, ok := d.resolve(ctx, raw); ok {
			services = append(services, service)
		}
	}
	notes.collisions(services)
	return services, notes.sorted()
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

// notes collects what is wrong with the definitions of one file.
type notes struct {
	Input
	found []note
}

type note struct {
	line    int
	problem fault.Problem
}

// at returns where a service stands.
func (in Input) at(service string, line int) position {
	path := "services." + service
	if in.Project != "" {
		path = "apps." + in.Project + "." + path
	}
	return position{path: path, line: line}
}

// position is a place in a file.
type position struct {
	path string // such as services.web.ports[0]
	line int
}

func (p position) under(name string, line int) position {
	return position{path: p.path + name, line: line}
}

// in writes the position for a message.
func (p position) in(file string) string {
	return file + ":" + strconv.Itoa(p.line) + ": " + p.path
}

// bad records a problem. Its words may quote what stands in the file, and never what a variable holds.
func (n *notes) bad(at position, what, fix string) {
	n.found = append(n.found, note{at.line, fault.Problem{Where: at.in(n.Source), What: what, Fix: fix}})
}

func (n *notes) sorted() []fault.Problem {
	slices.SortStableFunc(n.found, func(a, b note) int { return cmp.Compare(a.line, b.line) })
	var problems []fault.Problem
	for _, f := range n.found {
		problems = append(problems, f.problem)
	}
	return problems
}
