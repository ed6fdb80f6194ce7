package compose

import "go.yaml.in/yaml/v4"

// shape is what may stand at one place of a definition: a scalar, a list or a mapping, as far as each is given.
type shape struct {
	scalar scalar
	empty  bool             // no value at all is a value here
	hidden bool             // only the container itself sees it
	pairs  bool             // names and texts, which are read here and not by compose-go
	elem   *shape           // of a list
	keys   map[string]shape // of a mapping with keys of its own
	each   *shape           // of a mapping with free keys
}

// scalar is what a scalar is taken for.
type scalar int

const (
	noScalar scalar = iota
	text
	boolean
	permission
)

// expects names, for a message, what may stand here.
func (s shape) expects() string {
	switch {
	case s.scalar == boolean:
		return "must be true or false"
	case s.scalar == permission:
		return "must be permission bits"
	case s.scalar == text && s.elem != nil:
		return "must be a text or a list"
	case s.scalar == text && (s.keys != nil || s.each != nil):
		return "must be a text or a mapping"
	case s.scalar == text:
		return "must be a text"
	case s.elem != nil && s.each != nil:
		return "must be a list or a mapping"
	case s.elem != nil:
		return "must be a list"
	}
	return "must be a mapping"
}

// takes tells whether a node of this kind may stand here.
func (s shape) takes(k yaml.Kind) bool {
	switch k {
	case yaml.ScalarNode:
		return s.scalar != noScalar
	case yaml.SequenceNode:
		return s.elem != nil
	case yaml.MappingNode:
		return s.keys != nil || s.each != nil
	}
	return false
}

// serviceShape returns the keys of a service that are honoured, down to the last option. What is not in here does not
// exist, as far as this program is concerned, and is refused.
func serviceShape() shape {
	word := shape{scalar: text}
	flag := shape{scalar: boolean}
	list := shape{elem: &word}
	command := shape{scalar: text, elem: &word}
	variable := shape{scalar: text, empty: true, hidden: true}
	return shape{keys: map[string]shape{
		"command":           command,
		"entrypoint":        command,
		"environment":       {elem: &variable, each: &variable, pairs: true},
		"ports":             {elem: &shape{scalar: text, keys: words("target", "published", "host_ip", "protocol")}},
		"expose":            list,
		"volumes":           {elem: &shape{scalar: text, keys: mountKeys()}},
		"networks":          {elem: &word, each: &shape{empty: true, keys: map[string]shape{"aliases": list, "ipv4_address": word, "ipv6_address": word}}},
		"network_mode":      word,
		"user":              word,
		"working_dir":       word,
		"restart":           word,
		"stop_grace_period": word,
		"stop_signal":       word,
		"labels":            {elem: &word, each: &shape{scalar: text, empty: true}, pairs: true},
		"container_name":    word,
		"hostname":          word,
		"extra_hosts":       {elem: &word, each: &command},
		"cap_add":           list,
		"cap_drop":          list,
		"security_opt":      list,
		"read_only":         flag,
		"tmpfs":             command,
		"ulimits":           {each: &shape{scalar: text, keys: words("soft", "hard")}},
		"mem_limit":         word,
		"mem_reservation":   word,
		"memswap_limit":     word,
		"cpus":              word,
		"cpu_shares":        word,
		"pids_limit":        word,
		"deploy": {keys: map[string]shape{"resources": {keys: map[string]shape{
			"limits": {keys: words("cpus", "memory", "pids")}, "reservations": {keys: words("memory")}}}}},
		"logging":     {keys: map[string]shape{"driver": word, "options": {each: &word}}},
		"healthcheck": {keys: healthKeys()},
		"init":        flag,
		"shm_size":    word,
	}}
}

func mountKeys() map[string]shape {
	keys := words("type", "source", "target")
	flag := shape{scalar: boolean}
	keys["read_only"] = flag
	keys["bind"] = shape{keys: map[string]shape{"propagation": {scalar: text}, "create_host_path": flag}}
	keys["volume"] = shape{keys: map[string]shape{"nocopy": flag}}
	keys["tmpfs"] = shape{keys: map[string]shape{"size": {scalar: text}, "mode": {scalar: permission}}}
	return keys
}

func healthKeys() map[string]shape {
	keys := words("interval", "timeout", "start_period", "start_interval", "retries")
	keys["test"] = shape{scalar: text, elem: &shape{scalar: text}}
	keys["disable"] = shape{scalar: boolean}
	return keys
}

// words returns keys that each take a text.
func words(names ...string) map[string]shape {
	keys := map[string]shape{}
	for _, name := range names {
		keys[name] = shape{scalar: text}
	}
	return keys
}

// refusal returns why a key is refused, and what to do instead.
func refusal(key string) (what, fix string) {
	switch key {
	case "image", "build":
		return "does not belong here: the image comes from the app and the rollout", "take it out; the app's image: names the repository"
	case "env_file":
		return "does not belong here: the environment comes from the app", "name the file under the app's env:"
	case "depends_on":
		return "is not honoured: the services of an app are replaced one after the other, in the order of the file", "take it out, and put the services in order"
	case "extends":
		return "is not honoured: no other file is read", "write the keys out, or use a YAML anchor and <<"
	case "secrets", "configs":
		return "is not honoured", "pass a secret by the environment, or mount a file under volumes:"
	case "mode":
		return "is not honoured: a port is always published on this host", "take it out"
	case "selinux", "recursive", "consistency":
		return "is not honoured", "take it out, and prepare the directory on the host"
	}
	return "is not honoured, and a key is never ignored", "take it out, or move it under a key that begins with x-"
}
