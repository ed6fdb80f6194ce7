package compose

import (
	"cmp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/workload"
)

// resource is a network or a volume that the files declare.
type resource struct {
	name     string // on the Engine; empty where that is not known
	external bool   // made by somebody else than Compose
}

// resources returns what the files declare under networks: or volumes:, by the names that services give. A fault in one
// that no chosen service uses is none.
func (p *project) resources(named []*file, kind string) map[string]resource {
	out := map[string]resource{}
	for _, f := range named {
		top, ok := f.top[kind]
		if !ok || resolved(top.value).Kind != yaml.MappingNode {
			continue
		}
		for _, e := range p.entries(position{path: kind, line: top.key.Line}, resolved(top.value), 0) {
			if !p.uses(kind, e.key.Value) {
				continue
			}
			at := position{path: kind + "." + e.key.Value, line: e.key.Line}
			out[e.key.Value] = p.resource(at, e.value, out[e.key.Value])
		}
	}
	if _, declared := out["default"]; kind == "networks" && !declared {
		out["default"] = resource{}
	}
	for key, r := range out {
		switch {
		case r.name != "":
		case r.external:
			r.name = key
		default:
			r.name = p.name + "_" + key
		}
		out[key] = r
	}
	return out
}

// resource reads one declaration on top of an earlier one of the same name.
func (p *project) resource(at position, n *yaml.Node, r resource) resource {
	n = resolved(n)
	if n.Kind != yaml.MappingNode {
		return r
	}
	for _, e := range p.entries(at, n, 0) {
		under := at.under("."+e.key.Value, e.key.Line)
		value := resolved(e.value)
		switch {
		case value.Tag == resetTag:
			switch e.key.Value {
			case "name":
				r.name = ""
			case "external":
				r.external = false
			}
		case e.key.Value == "name":
			r.name = p.resourceName(under, value, r.name)
		case e.key.Value == "external" && value.Kind == yaml.MappingNode:
			r.external = true
			for _, old := range p.entries(under, value, 0) {
				if old.key.Value == "name" {
					r.name = p.resourceName(under.under(".name", old.key.Line), old.value, r.name)
				}
			}
		case e.key.Value == "external":
			text, ok := p.flatText(under, value, false)
			if ok && text != "true" && text != "false" {
				p.bad(under, "must be true or false", "write one of the two")
			}
			r.external = text == "true"
		}
	}
	return r
}

func (p *project) resourceName(at position, n *yaml.Node, otherwise string) string {
	text, ok := p.flatText(at, n, false)
	if ok && !engineName.MatchString(text) {
		p.bad(at, "is not a name that the Engine takes", "use letters, digits, dots, hyphens and _")
		return otherwise
	}
	return cmp.Or(text, otherwise)
}

// uses tells whether a service that is read may name the network or volume.
func (p *project) uses(kind, name string) bool {
	for _, layer := range p.layers {
		for _, service := range layer {
			if kind == "networks" && name == "default" && !has(pairsOf(service), "networks") {
				return true
			}
			for _, e := range pairsOf(service) {
				if e.key.Value == kind && mentions(e.value, kind, name) {
					return true
				}
			}
		}
	}
	return false
}

// mentions tells whether a flattened value names a network or a volume.
func mentions(n *yaml.Node, kind, name string) bool {
	for i, c := range n.Content {
		switch {
		case kind == "networks" && n.Kind == yaml.MappingNode && i%2 == 1:
			continue
		case c.Kind == yaml.MappingNode:
			for _, e := range pairsOf(c) {
				if e.key.Value == "source" && e.value.Value == name {
					return true
				}
			}
		case c.Value == name || kind == "volumes" && len(c.Value) > len(name) && c.Value[:len(name)+1] == name+":":
			return true
		}
	}
	return false
}

// order returns the service's networks in the order in which Compose joins them: by falling priority, then by name. A
// service that names none is on the project's default network.
func (p *project) order(name string, model map[string]any) []string {
	networks, named := model["networks"].(map[string]any)
	if _, mode := model["network_mode"]; !named || len(networks) == 0 {
		if mode || model["networks"] != nil && !named {
			return nil
		}
		model["networks"] = map[string]any{"default": nil}
		return []string{"default"}
	}
	priority := map[string]int{}
	var order []string
	for key, value := range networks {
		order = append(order, key)
		config, ok := value.(map[string]any)
		if !ok {
			continue
		}
		if text, ok := config["priority"].(string); ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				line := p.line(name, ".networks."+key+".priority")
				p.bad(p.at(name, line).under(".networks."+key+".priority", line), "must be a whole number", "write one, such as 100")
			}
			priority[key] = n
		}
		delete(config, "priority")
	}
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(priority[b], priority[a]), cmp.Compare(a, b))
	})
	return order
}

// arrange puts the service's networks in the given order.
func arrange(root *yaml.Node, order []string) {
	for _, e := range pairsOf(root) {
		if e.key.Value != "networks" {
			continue
		}
		entries := pairsOf(e.value)
		slices.SortFunc(entries, func(a, b entry) int {
			return cmp.Compare(slices.Index(order, a.key.Value), slices.Index(order, b.key.Value))
		})
		e.value.Content = nil
		for _, n := range entries {
			e.value.Content = append(e.value.Content, n.key, n.value)
		}
	}
}

// named gives a service's networks and volumes the names that they have on the Engine.
func (p *project) named(s *Service, networks, volumes map[string]resource) {
	taken := map[string]bool{}
	for i, n := range s.Networks {
		line := p.line(s.Name, ".networks."+n.Name)
		at := p.at(s.Name, line).under(".networks", line)
		r, ok := networks[n.Name]
		switch {
		case !ok:
			p.bad(at, "names "+n.Name+", which is not under the file's networks:", "declare it there")
		case taken[r.name]:
			p.bad(at, "names one network of the Engine twice", "keep one")
		}
		taken[r.name] = true
		s.Networks[i].Name, s.Networks[i].External = r.name, r.external
	}
	for i, m := range s.Mounts {
		if m.Type != "volume" || m.Source == "" {
			continue
		}
		r, ok := volumes[m.Source]
		if !ok {
			line := p.line(s.Name, ".volumes")
			p.bad(p.at(s.Name, line).under(".volumes", line), "names "+m.Source+", which is not under the file's volumes:", "declare it there")
		}
		s.Mounts[i].Source, s.Mounts[i].External = r.name, r.external
	}
}

func (p *project) workloadProject() *workload.Project {
	return &workload.Project{Name: p.name, Dir: p.dir, Files: p.Files.Paths}
}

// envFiles takes the service's env files out of the model.
func (p *project) envFiles(name string, model map[string]any) []EnvFile {
	list, _ := model["env_file"].([]any)
	delete(model, "env_file")
	var out []EnvFile
	for i, e := range list {
		m, _ := e.(map[string]any)
		path, _ := m["path"].(string)
		line := p.line(name, ".env_file["+strconv.Itoa(i)+"]")
		at := p.at(name, line).under(".env_file", line)
		required := true
		switch m["required"] {
		case nil, true, "true":
		case "false":
			required = false
		default:
			p.bad(at, "has a required that is neither true nor false", "write one of the two")
		}
		if path == "" {
			p.bad(at, "names no file", "write the path, or {path: …, required: false}")
			continue
		}
		out = append(out, EnvFile{Path: path, Required: required, Origin: p.origin(line)})
	}
	return out
}
