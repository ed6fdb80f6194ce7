package config

import (
	"regexp"
	"slices"
)

// projectName is what Compose takes as the name of a project.
var projectName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// readCompose reads which of the operator's Compose files define which services. What the files hold is read when it is
// needed, and not here.
func readCompose(f field) (*Compose, []Definition) {
	m := f.only("file", "files", "services", "project")
	if !m.set() {
		return nil, nil
	}
	c := &Compose{Project: m.get("project").text()}
	if c.Project != "" && !projectName.MatchString(c.Project) {
		m.get("project").bad("is not a name that Compose gives to a project", "use lower-case letters, digits, hyphens and _, 63 at most, as 'docker compose ls' shows it")
	}
	switch {
	case m.has("file") && m.has("files"):
		m.get("files").bad("stands beside file", "keep one of the two")
	case m.has("files"):
		if m.get("files").isEmptyList() {
			m.get("files").bad("names no file", "name at least one")
		}
		for _, e := range m.get("files").list() {
			path := e.absolute()
			if path != "" && slices.Contains(c.Files, path) {
				e.bad("names a file for the second time", "keep one")
			}
			c.Files = append(c.Files, path)
		}
	default:
		if path := m.need("file", "name your Compose file, such as file: /srv/shop/compose.yaml").absolute(); path != "" {
			c.Files = []string{path}
		}
	}
	return c, readChosen(m.need("services", "name those that are the app, such as [web, worker]"))
}

// readChosen returns the services that are taken from the Compose files.
func readChosen(f field) []Definition {
	if f.isEmptyList() {
		f.bad("names no service", "name at least one")
	}
	var chosen []Definition
	for _, e := range f.list() {
		name := e.text()
		switch {
		case name == "":
			continue
		case !serviceName.MatchString(name):
			e.bad("is not a usable name for a service", "use letters, digits, dots, hyphens and _, 63 at most, beginning with a letter or digit")
		case slices.ContainsFunc(chosen, func(d Definition) bool { return d.Name == name }):
			e.bad("names a service for the second time", "keep one")
			continue
		}
		chosen = append(chosen, Definition{Name: name, Source: e.file, Line: e.line})
	}
	return chosen
}
