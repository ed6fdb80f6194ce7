package compose

import (
	"context"
	"maps"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose lets compose-go read what has the right shape. A key that it does not take is recorded and left out, and so
// is one that could not be read or whose variables are not known.
func (d *definition) compose(ctx context.Context, root *item) types.ServiceConfig {
	for _, key := range root.unsureKeys() {
		root.take(key)
	}
	config, err := parse(ctx, root.plainMapping())
	if err == nil {
		return config
	}
	d.blame(ctx, root)
	config, err = parse(ctx, root.plainMapping())
	if err != nil {
		d.bad(root.position, "holds keys that contradict one another", "take the last change back")
	}
	return config
}

// blame finds the keys that compose-go does not take, records them as closely as it can, and takes them out.
func (d *definition) blame(ctx context.Context, root *item) {
	for _, key := range append([]string(nil), root.keys...) {
		fails := func(value any) bool {
			_, err := parse(ctx, map[string]any{key: value})
			return err != nil
		}
		if !fails(root.fields[key].plain()) {
			continue
		}
		for _, guilty := range narrow(root.take(key), fails) {
			d.bad(guilty.position, "is not in the form that Compose gives it", "write "+form(key))
		}
	}
}

// narrow returns the innermost items that make fails true: an element that fails alone, or an entry without which the
// rest does not fail.
func narrow(it *item, fails func(any) bool) []*item {
	var guilty []*item
	for _, e := range it.list {
		alone := func(v any) bool { return fails([]any{v}) }
		if alone(e.plain()) {
			guilty = append(guilty, narrow(e, alone)...)
		}
	}
	for _, key := range it.keys {
		with := func(v any) bool {
			m := it.plainMapping()
			m[key] = v
			return fails(m)
		}
		rest := it.plainMapping()
		maps.DeleteFunc(rest, func(k string, _ any) bool { return k == key })
		if !fails(rest) {
			guilty = append(guilty, narrow(it.fields[key], with)...)
		}
	}
	if len(guilty) == 0 {
		return []*item{it}
	}
	return guilty
}

// parse hands one service to compose-go. Variables are replaced already; networks and volumes bear the names that they
// have on the Engine, so nothing is checked for being declared. The text of its errors must not be shown.
func parse(ctx context.Context, service map[string]any) (types.ServiceConfig, error) {
	const name = "service"
	details := types.ConfigDetails{
		WorkingDir:  "/",
		Environment: types.Mapping{},
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Config: map[string]any{"services": map[string]any{name: service}}}},
	}
	project, err := loader.LoadWithContext(ctx, details, func(o *loader.Options) {
		o.SetProjectName("project", true)
		o.SkipInclude, o.SkipExtends = true, true
		o.SkipNormalization, o.SkipConsistencyCheck = true, true
		o.SkipResolveEnvironment, o.SkipResolveLabels = true, true
		o.ResolvePaths = false
		// What is left of the interpolation is the casting of texts to numbers.
		o.Interpolate.Substitute = func(text string, _ template.Mapping) (string, error) { return text, nil }
	})
	if err != nil {
		return types.ServiceConfig{}, err
	}
	return project.Services[name], nil
}

// form shows how a key is written.
func form(key string) string {
	switch key {
	case "command", "entrypoint":
		return `[program, argument], or one text with balanced quotes`
	case "ports":
		return `"127.0.0.1:8080:3000", or {target: 3000, published: "8080", host_ip: 127.0.0.1}`
	case "expose":
		return `"3000" or "3000/udp"`
	case "volumes":
		return `"name:/path", "/host/path:/path:ro", or {type: bind, source: /host/path, target: /path, read_only: true}`
	case "networks":
		return `[name], or {name: {aliases: [other]}}`
	case "extra_hosts":
		return `"name:address" or "name:host-gateway"`
	case "ulimits":
		return `{nofile: 65536}, or {nofile: {soft: 1024, hard: 65536}}`
	case "mem_limit", "mem_reservation", "memswap_limit", "shm_size":
		return `a number with its unit, such as 512m or 2g`
	case "cpus":
		return `a number, such as 1.5`
	case "cpu_shares", "pids_limit":
		return `a whole number`
	case "stop_grace_period":
		return `a duration with its unit, such as 30s or 1m30s`
	case "deploy":
		return `{resources: {limits: {cpus: "1.5", memory: 512m, pids: 100}, reservations: {memory: 256m}}}`
	case "healthcheck":
		return `{test: [CMD, program], interval: 10s, timeout: 2s, retries: 3, start_period: 30s}, or {disable: true}`
	case "container_name":
		return `letters, digits, dots, hyphens and _, beginning with a letter or digit`
	case "env_file":
		return `the path of a file, a list of them, or {path: …, required: false}`
	case "tmpfs":
		return `"/path" or "/path:size=64m"`
	}
	return "it as in the Compose specification"
}
