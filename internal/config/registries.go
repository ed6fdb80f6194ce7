package config

import (
	"slices"
	"strings"

	"github.com/distribution/reference"
)

// Registries are the places that an app's images may come from: registries, or parts of one, such as
// registry.example.com:5000/team. None at all means any.
type Registries []string

// Allow reports whether an image of the repository may be run. Only whole parts of its name count, so that one team's
// entry does not let in another whose name begins alike.
func (r Registries) Allow(repository string) bool {
	if len(r) == 0 {
		return true
	}
	named, err := reference.ParseNormalizedNamed(repository)
	if err != nil {
		return false
	}
	name := strings.ToLower(reference.Domain(named)) + "/" + reference.Path(named)
	return slices.ContainsFunc(r, func(entry string) bool { return name == entry || strings.HasPrefix(name, entry+"/") })
}

// String returns the list for people.
func (r Registries) String() string { return strings.Join(r, ", ") }

func readRegistries(f field) Registries {
	if f.isEmptyList() {
		f.bad("names no registry", "name at least one, or take the key out: without it every registry is allowed")
	}
	return f.registries()
}

// registries returns a list of registries, with an empty text for one that is faulty.
func (f field) registries() []string {
	var out []string
	for _, e := range f.list() {
		entry := e.registry(e.text())
		if entry != "" && slices.Contains(out, entry) {
			e.bad("names a registry for the second time", "keep one")
		}
		out = append(out, entry)
	}
	return out
}

// registry returns a registry or a part of one as it begins the full names of its images. The host must be written out:
// whether a bare word was meant as a host or as a name on Docker Hub cannot be told.
func (f field) registry(s string) string {
	if s == "" {
		return ""
	}
	host, path, deep := strings.Cut(s, "/")
	image := s
	if !deep {
		image = s + "/any"
	}
	named, err := reference.ParseNormalizedNamed(image)
	switch {
	case strings.Contains(s, "://"):
		f.bad("is an address, and not a registry's name", "write it as it begins an image's name, without https://")
	case err != nil || !reference.IsNameOnly(named) || strings.Contains(s, "@"):
		f.bad("is not a registry, nor a part of one", "write HOST, HOST:PORT or HOST/PATH without a tag, such as registry.example.com/team")
	case !strings.ContainsAny(host, ".:") && host != "localhost":
		f.bad("does not begin with a registry's host", "write the host out, such as docker.io/"+s+" for Docker Hub")
	default:
		host = strings.ToLower(host)
		if host == "index.docker.io" {
			host = "docker.io"
		}
		if deep {
			host += "/" + path
		}
		return host
	}
	return ""
}

// fromAllowed makes sure that the app's own image is of a registry that is allowed. With a faulty list nothing is said.
func (a App) fromAllowed(m mapping) {
	if a.Repository != "" && !slices.Contains(a.AllowedRegistries, "") && !a.AllowedRegistries.Allow(a.Repository) {
		m.get("image").bad("is of no registry in allowed_registries ("+a.AllowedRegistries.String()+")", "name its registry there, or take the image from one that is allowed")
	}
}
