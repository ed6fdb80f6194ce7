package draft

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/fault"
)

// File is a Compose file, and how to learn the names in an env file that it names.
type File struct {
	Path    string // absolute
	Content []byte
	// Names returns the variables of an env file, by name; false where it cannot be read.
	Names func(path string) ([]string, bool)
}

// FromCompose adds to a the services of a Compose file. What it cannot make out is a note, and no failure: a service that
// the file does not have is one.
func (a App) FromCompose(f File, services []string) (App, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(f.Content, &document); err != nil { // its words quote the file
		return a, fault.Hide(err, fault.Refused, "%s: is not YAML; 'docker compose config --quiet' says in which line", f.Path)
	}
	if len(document.Content) == 0 {
		return a, fault.New(fault.Refused, "%s: is empty", f.Path)
	}
	r := &reading{File: f, app: &a, root: document.Content[0]}
	a.From = f.Path
	a.Compose = &Compose{File: f.Path}
	project := r.project()
	if a.Name == "" {
		a.Name = PlainName(project, "app")
	}
	if err := r.exist(services); err != nil {
		return a, err
	}
	for _, name := range services {
		r.service(name)
	}
	for _, name := range keysOf(at(r.root, "services")) {
		if !slices.Contains(services, name) {
			a.Others = append(a.Others, r.containerName(name, project))
		}
	}
	a.Variables = append(a.Variables, r.interpolated(services)...)
	r.notes()
	return a, nil
}

// reading is a Compose file that is being read for an app.
type reading struct {
	File
	app  *App
	root *yaml.Node
}

func (r *reading) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(r.app.Notes, n) {
		r.app.Notes = append(r.app.Notes, n)
	}
}

// project returns what Compose calls the project: as the file says, or after its directory.
func (r *reading) project() string {
	name := scalar(at(r.root, "name"))
	if strings.Contains(name, "$") {
		r.note("the project's name is made of variables; if it is not that of the directory, give it as compose: {project: NAME}")
		name = ""
	}
	if name == "" {
		name = strings.ToLower(filepath.Base(filepath.Dir(r.Path)))
	}
	return strings.TrimLeft(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			return c
		}
		return -1
	}, name), "_-")
}

// exist refuses services that the file does not have.
func (r *reading) exist(services []string) error {
	known := keysOf(at(r.root, "services"))
	if len(known) == 0 {
		return fault.New(fault.Refused, "%s: has no services", r.Path)
	}
	var problems []fault.Problem
	for i, name := range services {
		switch {
		case !slices.Contains(known, name):
			problems = append(problems, fault.Problem{Where: r.Path, What: "has no service " + strconv.Quote(name), Fix: "it has: " + strings.Join(known, ", ")})
		case slices.Contains(services[:i], name):
			problems = append(problems, fault.Problem{Where: "service " + name, What: "is named twice", Fix: "name it once"})
		}
	}
	return fault.Many(fault.Refused, "no configuration can be drafted", problems)
}

// layers returns the definitions that a service is made of: its own, and those that it extends, the nearest first.
func (r *reading) layers(name string) []*yaml.Node {
	var out []*yaml.Node
	for depth := 0; depth < deepest; depth++ {
		n := at(at(r.root, "services"), name)
		if n == nil || n.Kind != yaml.MappingNode {
			r.note("service %s could not be read: it is no mapping", name)
			return out
		}
		out = append(out, n)
		extends := at(n, "extends")
		if extends == nil {
			return out
		}
		if file := at(extends, "file"); file != nil {
			r.note("service %s extends one of another file, which was not read", name)
			return out
		}
		name = firstOf(scalar(extends), scalar(at(extends, "service")))
	}
	r.note("service %s extends itself", name)
	return out
}

// first returns the nearest layer's entry.
func first(layers []*yaml.Node, key string) *yaml.Node {
	for _, l := range layers {
		if n := at(l, key); n != nil {
			return n
		}
	}
	return nil
}

func (r *reading) service(name string) {
	layers := r.layers(name)
	s := Service{Name: name}
	if check := first(layers, "healthcheck"); check != nil {
		s.Health = scalar(at(check, "disable")) != "true"
	}
	s.Port = listening(layers)
	r.repository(name, layers)
	for _, l := range slices.Backward(layers) { // a later file adds to an earlier one
		r.envFiles(name, at(l, "env_file"))
	}
	for _, l := range layers {
		r.variables(at(l, "environment"))
	}
	r.app.Services = append(r.app.Services, s)
}

// repository takes the app's image from a service.
func (r *reading) repository(name string, layers []*yaml.Node) {
	image := scalar(first(layers, "image"))
	repository, names := repositoryOf(image)
	switch {
	case image == "":
		r.note("service %s names no image (it may be built); Fairlead takes one from a registry", name)
		return
	case repository == "":
		r.note("the repository of service %s's image is made of variables: %s; write it out", name, strings.Join(names, ", "))
		return
	case r.app.Repository == "":
		r.app.Repository = repository
	case r.app.Repository != repository:
		r.note("service %s is of the image %s, and not of %s: an app is one image, so make two of them", name, repository, r.app.Repository)
	}
}

// variable matches a variable of Compose's, with its default.
var variable = regexp.MustCompile(`\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?:\{[^}]*\}|[^{}])*\}|([A-Za-z_][A-Za-z0-9_]*))`)

// repositoryOf returns an image without its tag and digest, and nothing where a variable stands in it. Defaults are not
// taken: they are values.
func repositoryOf(image string) (repository string, variables []string) {
	image = variable.ReplaceAllStringFunc(image, func(v string) string {
		variables = append(variables, nameIn(v))
		return "$"
	})
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image = image[:i]
	}
	if strings.Contains(image, "$") {
		return "", variables
	}
	return image, variables
}

// nameIn returns the name of one variable.
func nameIn(v string) string {
	m := variable.FindStringSubmatch(v)
	return firstOf(m[1], m[2])
}

func (r *reading) envFiles(service string, n *yaml.Node) {
	files := elements(n)
	if files == nil && n != nil {
		files = []*yaml.Node{n}
	}
	for _, e := range files {
		path := firstOf(scalar(e), scalar(at(e, "path")))
		switch {
		case path == "":
			continue
		case strings.Contains(path, "$"):
			r.note("service %s takes the path of an env file from a variable; write it under env", service)
			continue
		case !filepath.IsAbs(path):
			path = filepath.Join(filepath.Dir(r.Path), path)
		}
		if slices.Contains(r.app.EnvFiles, path) {
			continue
		}
		r.app.EnvFiles = append(r.app.EnvFiles, path)
		names, ok := r.Names(path)
		if !ok {
			r.note("the env file %s could not be read, so its variables are not in here", path)
		}
		r.app.Variables = append(r.app.Variables, names...)
	}
}

// variables takes the names of a service's own environment, and not one value.
func (r *reading) variables(environment *yaml.Node) {
	add := func(name, value string, given bool) {
		if name = strings.TrimSpace(name); !plainVariable.MatchString(name) {
			return
		}
		r.app.Variables = append(r.app.Variables, name)
		if given && !strings.Contains(value, "$") && !slices.Contains(r.app.Literal, name) {
			r.app.Literal = append(r.app.Literal, name)
		}
	}
	for _, name := range keysOf(environment) {
		value := at(environment, name)
		add(name, scalar(value), scalar(value) != "")
	}
	if environment != nil && environment.Kind == yaml.SequenceNode {
		for _, e := range environment.Content {
			name, value, given := strings.Cut(scalar(e), "=")
			add(name, value, given)
		}
	}
}

// plainVariable matches what a variable may be called; anything else could be a value that stands in the wrong place.
var plainVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// interpolated returns the variables that the services' definitions are filled in from.
func (r *reading) interpolated(services []string) []string {
	var names []string
	for _, s := range services {
		for _, layer := range r.layers(s) {
			for _, text := range scalars(layer) {
				text = strings.ReplaceAll(text, "$$", "")
				for _, v := range variable.FindAllString(text, -1) {
					names = append(names, nameIn(v))
				}
			}
		}
	}
	return names
}

// listening returns the first port that a service listens on.
func listening(layers []*yaml.Node) int {
	for _, key := range []string{"ports", "expose"} {
		for _, e := range elements(first(layers, key)) {
			text := firstOf(scalar(e), scalar(at(e, "target")))
			text, protocol, _ := strings.Cut(text, "/")
			text = text[strings.LastIndexByte(text, ':')+1:]
			text, _, _ = strings.Cut(text, "-") // the first of a range
			if n, err := strconv.ParseUint(text, 10, 16); err == nil && n > 0 && (protocol == "" || protocol == "tcp") {
				return int(n)
			}
		}
	}
	return 0
}

// containerName returns how Compose calls the container of a service.
func (r *reading) containerName(service, project string) string {
	if name := scalar(first(r.layers(service), "container_name")); name != "" && !strings.Contains(name, "$") {
		return name
	}
	return project + "-" + service + "-1"
}

// notes says what else of the file matters.
func (r *reading) notes() {
	if at(r.root, "include") != nil {
		r.note("the file includes others, which were not read")
	}
	if len(r.app.EnvFiles) == 0 {
		r.note("the services name no env_file. Compose fills variables in from a .env beside the file and from the shell; Fairlead takes them from the files under env alone")
	}
}
