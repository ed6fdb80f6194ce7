package draft

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"
)

// deepest is how far merges and extensions are followed.
const deepest = 20

// at returns what a mapping has under key: its own entry, or else that of what is merged into it (<<). It is nil where
// there is none.
func at(n *yaml.Node, key string) *yaml.Node { return atDepth(n, key, 0) }

func atDepth(n *yaml.Node, key string, depth int) *yaml.Node {
	n = meant(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > deepest {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return meant(n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			continue
		}
		merged := meant(n.Content[i+1])
		if merged != nil && merged.Kind == yaml.SequenceNode {
			for _, m := range merged.Content {
				if found := atDepth(m, key, depth+1); found != nil {
					return found
				}
			}
			continue
		}
		if found := atDepth(merged, key, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// meant returns what an alias stands for.
func meant(n *yaml.Node) *yaml.Node {
	for depth := 0; n != nil && n.Kind == yaml.AliasNode && depth < deepest; depth++ {
		n = n.Alias
	}
	return n
}

// keysOf returns a mapping's keys in their order, those that are merged into it included.
func keysOf(n *yaml.Node) []string { return keysDepth(n, 0) }

func keysDepth(n *yaml.Node, depth int) []string {
	n = meant(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > deepest {
		return nil
	}
	var keys []string
	add := func(more []string) {
		for _, k := range more {
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			add([]string{n.Content[i].Value})
			continue
		}
		merged := meant(n.Content[i+1])
		if merged != nil && merged.Kind == yaml.SequenceNode {
			for _, m := range merged.Content {
				add(keysDepth(m, depth+1))
			}
			continue
		}
		add(keysDepth(merged, depth+1))
	}
	return keys
}

// scalar returns a scalar's text, and "" for anything else.
func scalar(n *yaml.Node) string {
	if n = meant(n); n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// elements returns those of a list, and a scalar as a list of one.
func elements(n *yaml.Node) []*yaml.Node {
	n = meant(n)
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.SequenceNode:
		return n.Content
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		return []*yaml.Node{n}
	}
	return nil
}

// scalars returns every text below n, each node once however often it is referred to.
func scalars(n *yaml.Node) []string {
	seen := map[*yaml.Node]bool{}
	texts := map[string]bool{}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n = meant(n); n == nil || seen[n] {
			return
		}
		seen[n] = true
		if n.Kind == yaml.ScalarNode {
			texts[n.Value] = true
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(n)
	return slices.Sorted(maps.Keys(texts))
}
