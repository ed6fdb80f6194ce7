package compose

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxNodes bounds what is read of one service: YAML's anchors can make a short file stand for an endless one.
const maxNodes = 10_000

// definition reads one service.
type definition struct {
	*notes
	known
	name   string
	budget int
}

// read turns a node into an item by its shape, and records what does not fit.
func (d *definition) read(at position, n *yaml.Node, s shape) *item {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	out := &item{position: at, typed: s.scalar}
	if d.budget--; d.budget < 0 {
		if d.budget == -1 {
			d.bad(at, "is beyond what one service may hold", "write the definition out, without nested anchors")
		}
		return out
	}
	empty := n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
	switch {
	case empty && s.empty:
		out.kind, out.null = scalarItem, true
	case empty:
		d.bad(at, "has no value", "write one, or take the key out")
	case !s.takes(n.Kind):
		d.bad(at, s.expects(), "see the Compose specification for its form")
	case n.Kind == yaml.ScalarNode:
		d.readScalar(out, n, s)
	case n.Kind == yaml.SequenceNode:
		d.readList(out, n, *s.elem)
	case n.Kind == yaml.MappingNode:
		d.readMapping(out, n, s)
	}
	return out
}

func (d *definition) readList(out *item, n *yaml.Node, elem shape) {
	out.kind = listItem
	for i, e := range n.Content {
		out.list = append(out.list, d.read(out.under("["+strconv.Itoa(i)+"]", e.Line), e, elem))
	}
}

func (d *definition) readMapping(out *item, n *yaml.Node, s shape) {
	out.kind, out.fields = mappingItem, map[string]*item{}
	for _, e := range d.entries(out.position, n, 0) {
		name := e.key.Value
		at := out.under("."+name, e.key.Line)
		inner, honoured := s.keys[name]
		extension := strings.HasPrefix(name, "x-")
		switch {
		case s.each != nil && extension && !s.pairs:
			// compose-go takes it for an extension everywhere, and would drop it silently.
			d.bad(at, "begins with x-, which Compose takes for an extension even here", "choose another name")
			continue
		case s.each != nil:
			inner = *s.each
		case extension:
			continue
		case !honoured:
			what, fix := refusal(name)
			d.bad(at, what, fix)
			continue
		}
		out.keys = append(out.keys, name)
		out.fields[name] = d.read(at, e.value, inner)
	}
}

// entry is a key and its value in a mapping.
type entry struct{ key, value *yaml.Node }

// entries returns a mapping's own entries and then those that it merges in (<<) and does not set itself.
func (d *definition) entries(at position, n *yaml.Node, depth int) []entry {
	var own []entry
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			d.bad(position{at.path, key.Line}, "has a key that is not a word", "write a plain key")
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
		case has(own, key.Value):
			d.bad(at.under("."+key.Value, key.Line), "is set twice", "keep one")
		default:
			own = append(own, entry{key, value})
		}
	}
	for _, m := range merged {
		own = d.merge(own, at, m, depth+1)
	}
	return own
}

// merge adds to own what a merge key brings in: a mapping, or a list of mappings of which the first counts most.
func (d *definition) merge(own []entry, at position, n *yaml.Node, depth int) []entry {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.budget--
	switch {
	case depth > maxNesting || d.budget < 0:
		d.bad(position{at.path, n.Line}, "merges too much (<<)", "write the keys out")
	case n.Kind == yaml.SequenceNode:
		for _, e := range n.Content {
			own = d.merge(own, at, e, depth+1)
		}
	case n.Kind == yaml.MappingNode:
		for _, e := range d.entries(at, n, depth) {
			if !has(own, e.key.Value) {
				own = append(own, e)
			}
		}
	default:
		d.bad(position{at.path, n.Line}, "merges what is not a mapping (<<)", "name an anchor of a mapping")
	}
	return own
}

func has(entries []entry, key string) bool {
	return slices.ContainsFunc(entries, func(e entry) bool { return e.key.Value == key })
}

// readScalar replaces the variables of a scalar, and makes sure that it means what stands in the file.
func (d *definition) readScalar(out *item, n *yaml.Node, s shape) {
	out.kind, out.raw = scalarItem, n.Value
	if !s.hidden && !d.expanded && d.takesSecret(out.position, n.Value) {
		out.kind = noItem
		return
	}
	var ok bool
	if out.text, ok = d.resolveText(out, n); !ok {
		return
	}
	switch s.scalar {
	case boolean:
		if out.flag = out.text == "true"; !out.flag && out.text != "false" {
			d.bad(out.position, "must be true or false", "write one of the two")
			out.kind = noItem
		}
	case permission:
		if out.mode, ok = fileMode(out.text); !ok {
			d.bad(out.position, "must be permission bits", "write them in octal, such as 0o1777")
			out.kind = noItem
		}
	}
	if !s.hidden && !d.expanded && d.leaks(out.position, n.Value, out.text) {
		out.kind = noItem
	}
}

// resolveText returns the scalar's text with its variables replaced, and false when that cannot be told.
func (d *definition) resolveText(out *item, n *yaml.Node) (string, bool) {
	if out.typed != permission && !unmistakable(n) {
		d.bad(out.position, "is a value that YAML would rewrite", "put it in quotes")
		out.kind = noItem
		return "", false
	}
	if d.expanded {
		return n.Value, true
	}
	value, whole := d.expand(out.position, n.Value)
	out.open = !whole
	return value, whole
}

// expand replaces the variables of a text, and returns false when that cannot be done.
func (d *definition) expand(at position, written string) (string, bool) {
	value, flaws := expand(written, d.lookup)
	for _, f := range flaws {
		if !f.unset || !d.offline {
			d.bad(at, f.what, f.fix)
		}
	}
	return value, len(flaws) == 0
}

// fileMode reads permission bits as YAML writes numbers: 0o1777 and 01777 are octal.
func fileMode(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 0, 32)
	return int(n), err == nil && n <= 0o7777
}

// unmistakable tells whether a scalar is a text, or a number or a truth value that is written back as it stands in the
// file. Compose would pass 1.10 on as 1.1 and True as true.
func unmistakable(n *yaml.Node) bool {
	switch n.ShortTag() {
	case "!!str":
		return true
	case "!!int":
		i, err := strconv.ParseInt(n.Value, 10, 64)
		return err == nil && strconv.FormatInt(i, 10) == n.Value
	case "!!float":
		f, err := strconv.ParseFloat(n.Value, 64)
		return err == nil && fmt.Sprint(f) == n.Value
	case "!!bool":
		return n.Value == "true" || n.Value == "false"
	}
	return false
}

// takesSecret refuses a text that would be made with a secret of the catalog, whatever its value and even before there is
// one. A short value would not be found by looking for it.
func (d *definition) takesSecret(at position, written string) bool {
	for _, name := range mentioned(written) {
		if slices.Contains(d.Secrets, name) {
			d.bad(at, "takes the value of "+name+", which everybody who may look at the container would see", "pass it by the environment")
			return true
		}
	}
	return false
}

// leaks refuses a text that would show a value of the environment to everybody who may look at the container. A text
// that merely happens to hold a common word, such as the value of NODE_ENV, is refused only where that is a secret of
// the catalog.
func (d *definition) leaks(at position, written, resolved string) bool {
	leaks := false
	byChance := d.redactor.Found(written)
	for _, name := range d.redactor.Found(resolved) {
		if !slices.Contains(byChance, name) || slices.Contains(d.Secrets, name) {
			fix := "pass it by the environment"
			if d.Files != nil && !slices.Contains(d.Secrets, name) {
				fix += ", or, if it is no secret, write it out here or in a file of your own that compose.files names last"
			}
			d.bad(at, "contains the value of "+name+", which everybody who may look at the container would see", fix)
			leaks = true
		}
	}
	return leaks
}
