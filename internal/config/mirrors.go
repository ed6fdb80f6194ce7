package config

import (
	"slices"
	"strings"

	"github.com/distribution/reference"
)

// MirrorsOf returns a repository as the mirrors of its registry have it, in the order in which they are asked.
func (r Registry) MirrorsOf(repository string) []string {
	named, err := reference.ParseNormalizedNamed(repository)
	if err != nil {
		return nil
	}
	var out []string
	for _, m := range r.Mirrors[strings.ToLower(reference.Domain(named))] {
		out = append(out, m+"/"+reference.Path(named))
	}
	return out
}

func readRegistry(f field) Registry {
	m := f.only("config", "mirrors")
	r := Registry{ConfigFile: DefaultRegistryConfig}
	switch file := m.get("config"); {
	case file.isText():
		r.ConfigFile = file.absolute()
	case file.set():
		r.ConfigFile, r.Credential = "", file.only("credential").need("credential", "write config: {credential: NAME}, or the path of a Docker config file").credential()
	}
	for name, entry := range m.get("mirrors").mapping().all {
		origin := entry.registry(name)
		if strings.Contains(origin, "/") {
			entry.bad("is a part of a registry", "write the whole registry's host: every image of it is asked for at its mirrors")
		}
		if entry.isEmptyList() {
			entry.bad("names no mirror", "name at least one, or take the key out")
		}
		mirrors := entry.registries()
		if _, twice := r.Mirrors[origin]; twice && origin != "" {
			entry.bad("names a registry for the second time", "keep one")
		}
		if i := slices.Index(mirrors, origin); i >= 0 && origin != "" {
			entry.list()[i].bad("is the registry itself", "take it out: it is asked behind its mirrors anyway")
		}
		if r.Mirrors == nil {
			r.Mirrors = map[string][]string{}
		}
		r.Mirrors[origin] = mirrors
	}
	return r
}
