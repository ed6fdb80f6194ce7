package config

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/fault"
)

// Parse reads the configuration in content; name stands for the file in every message. The fault it returns is Refused
// and holds every problem, in the order of the lines. What could be read comes back beside it, so that whoever only
// checks a file can look further; nothing may be run with it.
func Parse(name string, content []byte) (Config, error) {
	root, problem := document(name, content)
	if problem != nil {
		return Config{}, refuse([]fault.Problem{*problem})
	}
	r := &reader{file: name}
	cfg := readConfig(field{reader: r, node: root, line: root.Line})
	cfg.Path = name
	return cfg, refuse(r.sorted())
}

// document returns the one YAML document in content, or why there is none. The YAML parser's own words are not passed
// on, since they may quote the file.
func document(name string, content []byte) (*yaml.Node, *fault.Problem) {
	if len(content) > maxBytes {
		return nil, &fault.Problem{Where: name, What: "is longer than 1 MiB", Fix: "check that this is the configuration"}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var doc, next yaml.Node
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, malformed(name, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, &fault.Problem{Where: name, What: "is empty", Fix: "start with instance: and apps:"}
	}
	switch err := decoder.Decode(&next); {
	case err == nil:
		return nil, &fault.Problem{Where: at(name, next.Line), What: "holds a second YAML document", Fix: "keep one, without a line of ---"}
	case !errors.Is(err, io.EOF):
		return nil, malformed(name, err)
	}
	return doc.Content[0], nil
}

// malformed says where the file stops being YAML.
func malformed(name string, err error) *fault.Problem {
	p := &fault.Problem{Where: name, What: "is not valid YAML", Fix: "check the indentation (spaces, no tabs), the quotes and the colons there and in the line before"}
	if e, ok := errors.AsType[*yaml.LoadError](err); ok && e.Mark.Line > 0 {
		p.Where, p.What = at(name, e.Mark.Line), "is not valid YAML here"
	}
	return p
}

func at(name string, line int) string { return name + ":" + strconv.Itoa(line) }
