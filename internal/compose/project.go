package compose

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/secret"
)

// maxProject bounds what is read of all Compose files of one app.
const maxProject = 50_000

// project reads an app's services from the operator's Compose files, in three stages. The first takes from each file the
// chosen services and what they extend, follows anchors, replaces variables and looks at every text where it stands. The
// second lets compose-go merge what came of it, as 'docker compose' would. The third reads each merged service as any
// other definition is read, with the names that Compose gives to its networks, volumes and containers.
type project struct {
	*definition
	files  []*file // that were read; the first ones are those that the configuration names
	name   string
	dir    string
	parts  map[string]*part // of the model that is merged: chosen services, and those that are extended
	marks  []mark
	layers []map[string]*yaml.Node // the parts of each file, by name
	below  []serviceRef            // what is being extended, from the outermost on
}

// part is one service on its way into the merged model.
type part struct {
	lines map[string]int // by the path below the service
	bases []string       // the parts that it extends
}

type serviceRef struct{ path, service string }

// mark stands for a key that is not honoured, until it is known whether a later file resets it.
type mark struct {
	at position
	treatment
}

// composed returns the services that the Compose files of n define.
func composed(ctx context.Context, n *notes, vars known) []Service {
	p := &project{definition: &definition{notes: n, known: vars, budget: maxProject}, parts: map[string]*part{}}
	p.dir = filepath.Dir(n.Files.Paths[0])
	var named []*file
	for _, path := range n.Files.Paths {
		f, ok := p.open(path, p.dir, position{})
		if !ok {
			return nil // what the others say may not be the whole
		}
		named = append(named, f)
	}
	p.project = p.projectName(named)
	p.name = p.project
	for _, f := range named {
		p.topLevel(f)
		p.layers = append(p.layers, p.layer(f))
	}
	networks, volumes := p.resources(named, "networks"), p.resources(named, "volumes")
	merged := p.merged(ctx)
	var services []Service
	for _, raw := range n.Services {
		model, ok := merged[raw.Name].(map[string]any)
		if !ok {
			if p.readable(named) && (len(p.found) == 0 || p.parts[raw.Name] == nil) {
				p.unknown(raw, named)
			}
			continue
		}
		if service, ok := p.finish(ctx, raw.Name, model, networks, volumes); ok {
			services = append(services, service)
		}
	}
	return services
}

// unknown says that no file defines a service.
func (p *project) unknown(raw Raw, named []*file) {
	fix := "name one of the services of " + strings.Join(p.Files.Paths, ", ")
	if slices.ContainsFunc(named, func(f *file) bool { return f.top["include"].value != nil }) {
		fix += "; an included file is not looked into, so name it under compose.files"
	}
	p.bad(position{path: "apps." + p.Project + ".compose.services", line: raw.Line}, "names "+raw.Name+", which the Compose files do not define", fix)
}

// readable tells whether every file's services could be read; what is wrong with the others is said already.
func (p *project) readable(named []*file) bool {
	return !slices.ContainsFunc(named, func(f *file) bool {
		e, ok := f.top["services"]
		return ok && resolved(e.value).Kind != yaml.MappingNode
	})
}

// topLevel refuses keys that no Compose file has.
func (p *project) topLevel(f *file) {
	known := []string{"version", "name", "include", "services", "networks", "volumes", "secrets", "configs", "models", "jobs"}
	for key, e := range f.top {
		if !slices.Contains(known, key) && !strings.HasPrefix(key, "x-") {
			p.bad(position{path: key, line: e.key.Line}, "is not a key of a Compose file", "correct it, or let it begin with x-")
		}
	}
}

// projectName returns what Compose calls the project: as the configuration says, or else the last file that names it, or
// else after the directory.
func (p *project) projectName(named []*file) string {
	if p.Files.Project != "" {
		return p.Files.Project
	}
	name := ""
	for _, f := range named {
		e, ok := f.top["name"]
		if !ok {
			continue
		}
		at := position{path: "name", line: e.key.Line}
		if text, ok := p.flatText(at, e.value, false); ok {
			name = loader.NormalizeProjectName(text)
		}
	}
	if name == "" {
		name = loader.NormalizeProjectName(filepath.Base(p.dir))
	}
	if v, ok := p.env.Lookup("COMPOSE_PROJECT_NAME"); ok && !v.Value.Equal(secret.NewValue(name)) {
		p.warn(position{path: "apps." + p.Project + ".compose", line: p.Services[0].Line}, "does not name the project, and COMPOSE_PROJECT_NAME of the env sources is not asked",
			"write it as project: there, if 'docker compose' is started with it")
	}
	if name == "" {
		p.bad(position{line: named[0].at.line}, "gives the project no name, and its directory has none that Compose could take", "write name: at its top, or project: in the configuration")
	}
	return name
}

// layer returns the chosen services of one file, and what they extend, without anchors and variables.
func (p *project) layer(f *file) map[string]*yaml.Node {
	layer := map[string]*yaml.Node{}
	services, ok := p.services(f)
	if !ok {
		return layer
	}
	p.layers = append(p.layers, layer) // where what is extended goes
	for _, raw := range p.Services {
		if e, ok := services[raw.Name]; ok {
			p.service(f, raw.Name, raw.Name, e)
		}
	}
	p.layers = p.layers[:len(p.layers)-1]
	return layer
}

// services returns the entries under a file's services.
func (p *project) services(f *file) (map[string]entry, bool) {
	e, ok := f.top["services"]
	if !ok {
		return nil, false
	}
	n := resolved(e.value)
	if n.Kind != yaml.MappingNode {
		p.bad(position{path: "services", line: e.key.Line}, "must be a mapping", "write one service a key")
		return nil, false
	}
	out := map[string]entry{}
	for _, s := range p.entries(position{path: "services", line: e.key.Line}, n, 0) {
		out[s.key.Value] = s
	}
	return out, true
}

// service puts one service of a file into the layer that is being made, as the part called as.
func (p *project) service(f *file, name, as string, e entry) {
	at := position{path: "services." + name, line: e.key.Line}
	n := resolved(e.value)
	pt := p.parts[as]
	if pt == nil {
		pt = &part{lines: map[string]int{}}
		p.parts[as] = pt
	}
	pt.lines[""] = e.key.Line
	layer := p.layers[len(p.layers)-1]
	if n.Tag == resetTag {
		layer[as] = reset()
		return
	}
	if n.Kind != yaml.MappingNode {
		p.bad(at, "must be a mapping", "write its keys below it")
		return
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: n.Tag}
	layer[as] = out
	var rest []entry
	for _, key := range p.entries(at, n, 0) {
		if key.key.Value != "extends" {
			rest = append(rest, key)
		} else if base, ok := p.extends(f, at.under(".extends", key.key.Line), name, key.value); ok {
			pt.bases = append(pt.bases, base)
			out.Content = append(out.Content, word("extends"), word(base))
		}
	}
	flattener{p, f.dir, pt.lines}.keys(out, at, rest, composeShape(), "", "")
}

// extends puts the service that another one extends into the same layer, and returns what it is called there.
func (p *project) extends(f *file, at position, name string, n *yaml.Node) (string, bool) {
	n = resolved(n)
	ref, from := n, ""
	if n.Tag == resetTag {
		return "", false
	}
	if n.Kind == yaml.MappingNode {
		ref = nil
		for _, e := range p.entries(at, n, 0) {
			under := at.under("."+e.key.Value, e.key.Line)
			switch e.key.Value {
			case "service":
				ref = e.value
			case "file":
				text, ok := p.flatText(under, e.value, false)
				if !ok {
					return "", false
				}
				from = text
			default:
				p.bad(under, "is not a key of extends", "keep service: and file:")
			}
		}
	}
	if ref == nil {
		p.bad(at, "names no service", "write {service: NAME, file: PATH}")
		return "", false
	}
	service, ok := p.flatText(at, ref, false)
	if !ok {
		return "", false
	}
	source := f
	if from != "" {
		path := within(f.dir, from)
		if source, ok = p.open(path, filepath.Dir(path), at); !ok {
			return "", false
		}
	}
	self := serviceRef{f.path, name}
	target := serviceRef{source.path, service}
	if target == self || slices.Contains(p.below, target) || len(p.below) >= maxNesting {
		p.bad(at, "extends itself in the end, or too many services in a row", "write the keys out")
		return "", false
	}
	services, _ := p.services(source)
	e, ok := services[service]
	if !ok {
		p.bad(at, "names a service that "+source.path+" does not define", "correct the name")
		return "", false
	}
	as := "extended:" + strconv.Itoa(len(p.parts)) // no service can be called so
	p.below = append(p.below, self)
	p.service(source, service, as, e)
	p.below = p.below[:len(p.below)-1]
	return as, true
}

// within returns a path that may be relative to a directory.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// resolved returns what an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
