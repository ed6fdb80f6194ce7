package compose

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// merged returns the services of all layers as compose-go merges them. What it does not take is recorded and left out.
func (p *project) merged(ctx context.Context) map[string]any {
	services, err := p.merge(ctx, p.layers)
	if err == nil {
		return services
	}
	p.blameFiles(ctx)
	if services, err = p.merge(ctx, p.layers); err != nil {
		p.bad(position{line: p.files[0].at.line}, "cannot be merged with the other files, or with what it extends", "take the last change back")
	}
	return services
}

// merge hands the layers to compose-go. Variables are replaced, paths absolute and other files read already, so nothing
// outside of what is handed in is asked. The text of its errors must not be shown.
func (p *project) merge(ctx context.Context, layers []map[string]*yaml.Node) (map[string]any, error) {
	details := types.ConfigDetails{WorkingDir: "/", Environment: types.Mapping{}}
	for i, layer := range layers {
		services := &yaml.Node{Kind: yaml.MappingNode}
		for name, n := range layer {
			services.Content = append(services.Content, word(name), n)
		}
		if len(services.Content) == 0 {
			continue
		}
		content, err := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{word("services"), services}})
		if err != nil {
			return nil, err
		}
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: "layer-" + strconv.Itoa(i) + ".yaml", Content: content})
	}
	if len(details.ConfigFiles) == 0 {
		return nil, nil
	}
	model, err := loader.LoadModelWithContext(ctx, details, func(o *loader.Options) {
		o.SetProjectName("project", true)
		o.SkipInclude, o.SkipInterpolation, o.SkipValidation = true, true, true
		o.SkipNormalization, o.SkipConsistencyCheck, o.SkipDefaultValues = true, true, true
		o.SkipResolveEnvironment, o.SkipResolveLabels = true, true
		o.ResolvePaths = false
	})
	if err != nil {
		return nil, err
	}
	services, _ := model["services"].(map[string]any)
	return services, nil
}

// blameFiles finds the keys that compose-go does not take even alone, records them and takes them out.
func (p *project) blameFiles(ctx context.Context) {
	for _, layer := range p.layers {
		for name, n := range layer {
			var kept []*yaml.Node
			for _, e := range pairsOf(n) {
				alone := func(v *yaml.Node) bool {
					one := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{e.key, v}}
					_, err := p.merge(ctx, []map[string]*yaml.Node{{name: one}})
					return err == nil
				}
				if e.key.Value == "extends" || alone(e.value) {
					kept = append(kept, e.key, e.value)
					continue
				}
				at := p.at(name, p.line(name, "."+e.key.Value))
				p.bad(at.under("."+e.key.Value, at.line), "is not in the form that Compose gives it", "write "+form(e.key.Value))
			}
			n.Content = kept
		}
	}
}

// line returns where a path below a service stands, as closely as it is known: in the last file that has it, or in what
// is extended.
func (p *project) line(name, path string) int {
	for ; path != ""; path = path[:max(0, strings.LastIndexAny(path, ".["))] {
		if line, ok := p.own(name, path, 0); ok {
			return line
		}
	}
	return p.parts[name].lines[""]
}

func (p *project) own(name, path string, depth int) (int, bool) {
	pt := p.parts[name]
	if line, ok := pt.lines[path]; ok {
		return line, true
	}
	for _, base := range slices.Backward(pt.bases) {
		if line, ok := p.own(base, path, depth+1); ok {
			return line, true
		}
	}
	return 0, false
}

// finish reads a merged service.
func (p *project) finish(ctx context.Context, name string, model map[string]any, networks, volumes map[string]resource) (Service, bool) {
	p.judge(model)
	files := p.envFiles(name, model)
	order := p.order(name, model)
	plainPorts(model)
	var root yaml.Node
	if root.Encode(model) != nil {
		p.bad(p.at(name, p.line(name, "")), "cannot be read", "take the last change back")
		return Service{}, false
	}
	arrange(&root, order)
	p.locate(&root, name, "")
	vars := p.known
	vars.expanded = true
	d := definition{notes: p.notes, known: vars, name: name, budget: maxNodes}
	s, ok := d.resolve(ctx, Raw{Name: name, YAML: &root, Line: p.line(name, "")})
	if !ok {
		return Service{}, false
	}
	s.EnvFiles = files
	p.named(&s, networks, volumes)
	if s.NetworkMode == "host" && slices.Contains(p.Files.Asked, name) {
		p.bad(p.at(name, p.line(name, ".network_mode")).under(".network_mode", p.line(name, ".network_mode")),
			"puts the service on the host's own network, where anybody may answer at the address that its status is asked at",
			"prove the service by exec or by health: docker, or put it on a network")
	}
	s.Project = p.workloadProject()
	if s.ContainerName == "" {
		s.ContainerName = p.name + "-" + name + "-1"
	}
	return s, true
}

// judge says what becomes of the keys that are not honoured and that no later file took out, and removes their marks.
func (p *project) judge(value any) {
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			p.judge(e)
		}
	case map[string]any:
		for key, inner := range v {
			text, _ := inner.(string)
			i, err := strconv.Atoi(text)
			switch {
			case key == "labels" || key == "environment":
				continue // their names are free
			case !strings.HasPrefix(key, markPrefix) || err != nil || i >= len(p.marks):
				p.judge(inner)
				continue
			}
			delete(v, key)
			switch m := p.marks[i]; {
			case m.class == refused:
				p.bad(m.at, m.what, m.fix)
			case m.fix != "" && m.only == "":
				p.warn(m.at, m.what, m.fix)
			case m.only != "":
				p.noted = append(p.noted, p.note(m.at, "is not acted on: one container of a service runs", ""))
			default:
				p.noted = append(p.noted, p.note(m.at, m.what, ""))
			}
		}
	}
}

// plainPorts takes out what compose-go adds to a port.
func plainPorts(model map[string]any) {
	ports, _ := model["ports"].([]any)
	for _, port := range ports {
		if m, ok := port.(map[string]any); ok {
			delete(m, "mode")
		}
	}
}

// locate gives the merged nodes the lines of what they were made of.
func (p *project) locate(n *yaml.Node, name, path string) {
	n.Line = p.line(name, path)
	for i, c := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode && (path == ".environment" || path == ".labels"):
			key, _, _ := strings.Cut(c.Value, "=")
			c.Line = p.line(name, path+"."+key)
		case n.Kind == yaml.SequenceNode:
			p.locate(c, name, path+"["+strconv.Itoa(i)+"]")
		case i%2 == 1:
			n.Content[i-1].Line = p.line(name, path+"."+n.Content[i-1].Value)
			p.locate(c, name, path+"."+n.Content[i-1].Value)
		}
	}
}
