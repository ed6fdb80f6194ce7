package compose

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// The tags by which a file takes out, or puts anew, what stands in those before it.
const (
	resetTag    = "!reset"
	overrideTag = "!override"
)

// markPrefix begins the key that stands for one which is not honoured. compose-go carries it along, and a later file's
// !reset takes it out, as it would the key itself.
const markPrefix = "x-fairlead."

// flattener writes one service of one file without anchors, merge keys and variables. Everything that is wrong with a
// text, or with what stands where, is said here, where the line is known.
type flattener struct {
	*project
	dir   string
	lines map[string]int
}

// keys appends to out the entries of a mapping that has keys of its own. class is how the mapping is called among the
// treatments, and path where it stands below the service.
func (f flattener) keys(out *yaml.Node, at position, entries []entry, s shape, class, path string) {
	for _, e := range entries {
		name := e.key.Value
		under, below := at.under("."+name, e.key.Line), path+"."+name
		if strings.HasPrefix(name, "x-") {
			continue
		}
		f.lines[below] = e.key.Line
		inner, known := s.keys[name]
		switch {
		case !known:
			f.mark(out, under, class+name, e.value)
		case resolved(e.value).Tag == resetTag:
			out.Content = append(out.Content, word(name), reset())
		default:
			if v, ok := f.value(under, e.value, inner, class+name+".", below); ok {
				out.Content = append(out.Content, word(name), v)
			}
		}
	}
}

// mark appends what stands for a key that is not honoured.
func (f flattener) mark(out *yaml.Node, at position, key string, n *yaml.Node) {
	stand := word(markPrefix + strings.ReplaceAll(key, ".", "/"))
	if resolved(n).Tag == resetTag {
		out.Content = append(out.Content, stand, reset())
		return
	}
	t := treat(key)
	if t.only != "" && !f.holds(n, t.only) {
		t.class = refused
	}
	if key == "image" {
		t = f.image(t, n)
	}
	f.marks = append(f.marks, mark{at, t})
	out.Content = append(out.Content, stand, word(strconv.Itoa(len(f.marks)-1)))
}

// holds tells whether a value is a scalar of this text, or may be one.
func (f flattener) holds(n *yaml.Node, want string) bool {
	n = resolved(n)
	if n.Kind != yaml.ScalarNode {
		return false
	}
	text, flaws := expand(n.Value, f.lookup)
	return text == want || len(flaws) > 0 && f.offline
}

// image warns in other words where the file's image is not the one that is rolled out.
func (f flattener) image(t treatment, n *yaml.Node) treatment {
	n = resolved(n)
	if n.Kind != yaml.ScalarNode {
		return t
	}
	text, flaws := expand(n.Value, f.lookup)
	if len(flaws) == 0 && f.Files.Repository != "" && repository(text) != repository(f.Files.Repository) {
		t.what = "is not of the app's repository, " + f.Files.Repository + ", from which the rollout takes the image"
		t.fix = "correct the image of the app, or choose another service"
	}
	return t
}

// repository returns an image without its tag and digest, and with the registry that goes without saying.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		image = image[:colon]
	}
	first, _, nested := strings.Cut(image, "/")
	switch {
	case !nested:
		image = "docker.io/library/" + image
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		image = "docker.io/" + image
	}
	return image
}

// value flattens what may stand at a place of the given shape, and returns false for what cannot be used.
func (f flattener) value(at position, n *yaml.Node, s shape, class, path string) (*yaml.Node, bool) {
	n = resolved(n)
	if f.budget--; f.budget < 0 {
		f.exhausted(at)
		return nil, false
	}
	tag := n.Tag
	if tag != overrideTag {
		tag = ""
	}
	empty := n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
	switch {
	case empty && s.empty:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, true
	case empty:
		f.bad(at, "has no value", "write one, or take the key out")
		return nil, false
	case !s.takes(n.Kind):
		f.bad(at, s.expects(), "see the Compose specification for its form")
		return nil, false
	case n.Kind == yaml.ScalarNode:
		v, ok := f.scalar(at, n, s, class)
		if ok && tag != "" {
			v.Tag = tag
		}
		return v, ok
	case n.Kind == yaml.SequenceNode:
		out := &yaml.Node{Kind: yaml.SequenceNode, Tag: tag}
		return out, f.list(out, at, n, s, class, path)
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: tag}
	entries := f.entries(at, n, 0)
	if s.keys != nil {
		f.keys(out, at, entries, s, class, path)
		return out, f.place(at, out, class)
	}
	return out, f.each(out, at, entries, s, class, path)
}

func (p *project) exhausted(at position) {
	if p.budget == -1 {
		p.bad(at, "is beyond what the Compose files of one app may hold", "write the definitions out, without nested anchors")
	}
}

// list appends the elements of a list. One entry of an environment or of labels may be unknown without the rest being so.
func (f flattener) list(out *yaml.Node, at position, n *yaml.Node, s shape, class, path string) bool {
	whole := true
	for i, e := range n.Content {
		name := "[" + strconv.Itoa(i) + "]"
		under := at.under(name, e.Line)
		if s.pairs {
			key, _, _ := strings.Cut(resolved(e).Value, "=")
			if strings.Contains(key, "$") {
				f.bad(under, "has a variable in its name", "write the name out: only the value may have one")
				continue
			}
			f.lines[path+"."+key] = e.Line
		}
		f.lines[path+name] = e.Line
		v, ok := f.value(under, e, *s.elem, class, path+name)
		if ok {
			out.Content = append(out.Content, v)
		}
		whole = whole && (ok || s.pairs)
	}
	return whole
}

// each appends the entries of a mapping with free keys.
func (f flattener) each(out *yaml.Node, at position, entries []entry, s shape, class, path string) bool {
	whole := true
	for _, e := range entries {
		name := e.key.Value
		under := at.under("."+name, e.key.Line)
		f.lines[path+"."+name] = e.key.Line
		if strings.HasPrefix(name, "x-") && !s.pairs {
			f.bad(under, "begins with x-, which Compose takes for an extension even here", "choose another name")
			continue
		}
		if resolved(e.value).Tag == resetTag {
			out.Content = append(out.Content, word(name), reset())
			continue
		}
		v, ok := f.value(under, e.value, *s.each, class, path+"."+name)
		if ok {
			out.Content = append(out.Content, word(name), v)
		}
		whole = whole && (ok || s.pairs)
	}
	return whole
}

// scalar replaces the variables of a text, and makes the paths absolute that begin at the file's directory.
func (f flattener) scalar(at position, n *yaml.Node, s shape, class string) (*yaml.Node, bool) {
	if class == "networks." && strings.Contains(n.Value, "$") {
		// A name is shown everywhere, so it must not be what a variable holds.
		f.bad(at, "has a variable", "write it out: the network itself, at the top of the file, may have one in its name:")
		return nil, false
	}
	var text string
	var ok bool
	if s.scalar == permission {
		text, ok = f.looked(at, n.Value, s.hidden)
	} else {
		text, ok = f.flatText(at, n, s.hidden)
	}
	if !ok && s.hidden && f.offline {
		return word(""), true // whatever it will be, only the container sees it
	}
	if !ok {
		return nil, false
	}
	switch class {
	case "volumes.":
		return f.mount(at, text)
	case "env_file.":
		return f.path(at, text)
	}
	return word(text), true
}

// flatText returns the text of a scalar with its variables replaced, if it may stand where everybody sees it, or if it
// is hidden.
func (p *project) flatText(at position, n *yaml.Node, hidden bool) (string, bool) {
	n = resolved(n)
	switch {
	case n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null":
		p.bad(at, "must be a text", "write one value, in quotes if need be")
		return "", false
	case n.Tag != overrideTag && !unmistakable(n):
		p.bad(at, "is a value that YAML would rewrite", "put it in quotes")
		return "", false
	}
	return p.looked(at, n.Value, hidden)
}

func (p *project) looked(at position, written string, hidden bool) (string, bool) {
	if !hidden && p.takesSecret(at, written) {
		return "", false
	}
	text, ok := p.expand(at, written)
	if !ok || !hidden && p.leaks(at, written, text) {
		return "", false
	}
	return text, true
}

// mount makes the source of a short volume absolute.
func (f flattener) mount(at position, text string) (*yaml.Node, bool) {
	if !shortOptions(text) {
		f.bad(at, "has an option that is not honoured", "the options are ro, rw, nocopy and a bind's propagation")
		return nil, false
	}
	source, rest, bound := strings.Cut(text, ":")
	if !bound || !strings.HasPrefix(source, ".") && !strings.HasPrefix(source, "~") {
		return word(text), true
	}
	path, ok := f.path(at, source)
	if !ok {
		return nil, false
	}
	return word(path.Value + ":" + rest), true
}

// path makes a path absolute.
func (f flattener) path(at position, text string) (*yaml.Node, bool) {
	if strings.HasPrefix(text, "~") {
		f.bad(at, "begins at a home directory, and the daemon's is not yours", "write the path from / on")
		return nil, false
	}
	return word(within(f.dir, text)), true
}

// place makes the paths of a mapping absolute that describes one mount or one env file.
func (f flattener) place(at position, out *yaml.Node, class string) bool {
	key := ""
	switch {
	case class == "env_file.":
		key = "path"
	case class == "volumes." && slices.ContainsFunc(pairsOf(out), func(e entry) bool { return e.key.Value == "type" && e.value.Value == "bind" }):
		key = "source"
	}
	for _, e := range pairsOf(out) {
		if e.key.Value != key {
			continue
		}
		if path, ok := f.path(at, e.value.Value); ok {
			e.value.Value = path.Value
		} else {
			return false
		}
	}
	return true
}

// pairsOf returns a flattened mapping's entries.
func pairsOf(n *yaml.Node) []entry {
	var out []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, entry{n.Content[i], n.Content[i+1]})
	}
	return out
}

// word returns a text that stays one, whatever it looks like.
func word(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}
}

func reset() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: resetTag, Value: "null"} }
