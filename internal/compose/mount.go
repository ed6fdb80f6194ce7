package compose

import (
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/capakraken/fairlead/internal/workload"
)

// mounts returns the volumes and directories. Volumes bear the names that they have on the Engine.
func (d *definition) mounts(it *item, volumes []types.ServiceVolumeConfig) []workload.Mount {
	if len(volumes) != len(it.list) {
		d.bad(it.position, "mounts two things at one path in the container", "give each its own")
		return nil
	}
	var out []workload.Mount
	for i, v := range volumes {
		if m, ok := d.mount(it.list[i], v); ok {
			out = append(out, m)
		}
	}
	return out
}

func (d *definition) mount(it *item, v types.ServiceVolumeConfig) (workload.Mount, bool) {
	m := workload.Mount{Type: v.Type, Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly}
	what, fix := misplaced(v)
	if v.Type == types.VolumeTypeVolume && v.Source == "" && what == "" {
		what, fix = "is a volume without a name, and every rollout would leave one behind", "name it: name:/path"
		if d.Files != nil { // as a stack has it that Compose made
			d.warn(it.position, "is a volume without a name: what is in it is carried over into each new container, but it is lost with the last one", fix)
			return m, true
		}
	}
	switch {
	case what != "":
	case it.kind == scalarItem && !shortOptions(it.text):
		what, fix = "has an option that is not honoured", "the options are ro, rw, nocopy and a bind's propagation"
	case v.Type == types.VolumeTypeBind && v.Bind != nil:
		m.Propagation, m.CreateHost = v.Bind.Propagation, bool(v.Bind.CreateHostPath)
	case v.Type == types.VolumeTypeVolume && v.Volume != nil:
		m.NoCopy = v.Volume.NoCopy
	case v.Type == types.VolumeTypeTmpfs && v.Tmpfs != nil:
		m.TmpfsSize, m.TmpfsMode = int64(v.Tmpfs.Size), v.Tmpfs.Mode
	}
	if what != "" {
		d.bad(it.position, what, fix)
		return m, false
	}
	return m, true
}

// misplaced returns what is wrong with a mount's kind and paths.
func misplaced(v types.ServiceVolumeConfig) (what, fix string) {
	switch {
	case !path.IsAbs(v.Target) || path.Clean(v.Target) == "/":
		return "has no absolute path in the container", "write it from / on"
	case v.Type == types.VolumeTypeBind && !path.IsAbs(v.Source):
		return "has a relative path of the host, and there is no directory that it could start from", "write it from / on"
	case v.Type == types.VolumeTypeBind && v.Bind != nil && !propagation(v.Bind.Propagation):
		return "has an unknown propagation", "write rprivate, private, rshared, shared, rslave or slave"
	case v.Type == types.VolumeTypeVolume && v.Source != "" && !engineName.MatchString(v.Source):
		return "names a volume that cannot exist", "write it as docker volume ls shows it"
	case v.Type == types.VolumeTypeTmpfs && v.Source != "":
		return "is a tmpfs with a source", "take the source out"
	case !slices.Contains([]string{types.VolumeTypeBind, types.VolumeTypeVolume, types.VolumeTypeTmpfs}, v.Type):
		return "is of a type that is not honoured", "write type: bind, volume or tmpfs"
	}
	for kind, given := range map[string]bool{"bind": v.Bind != nil, "volume": v.Volume != nil, "tmpfs": v.Tmpfs != nil} {
		if given && kind != v.Type {
			return "has options of another type", "keep those under " + v.Type + ":"
		}
	}
	return "", ""
}

func propagation(s string) bool {
	return slices.Contains([]string{"", "rprivate", "private", "rshared", "shared", "rslave", "slave"}, s)
}

// shortOptions tells whether all options of source:target:options are honoured: compose-go drops one that it does not
// know, and takes some that are not honoured here.
func shortOptions(text string) bool {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 3 {
		return true
	}
	for option := range strings.SplitSeq(parts[2], ",") {
		if !slices.Contains([]string{"ro", "rw", "nocopy"}, option) && (option == "" || !propagation(option)) {
			return false
		}
	}
	return true
}

// tmpfs returns the in-memory directories with their options.
func (d *definition) tmpfs(it *item, entries []string) map[string]string {
	if len(entries) == 0 {
		return nil
	}
	out := map[string]string{}
	for i, e := range entries {
		target, options, _ := strings.Cut(e, ":")
		at := it.element(i, len(entries))
		if !path.IsAbs(target) || path.Clean(target) == "/" {
			d.bad(at, "has no absolute path in the container", "write "+form("tmpfs"))
			continue
		}
		if _, twice := out[target]; twice {
			d.bad(at, "mounts a path for the second time", "keep one")
		}
		out[target] = options
	}
	return out
}

// targets refuses two mounts at one path.
func (d *definition) targets(root *item, s workload.Service) {
	seen := map[string]bool{}
	for target := range s.Tmpfs {
		seen[path.Clean(target)] = true
	}
	for _, m := range s.Mounts {
		target := path.Clean(m.Target)
		if seen[target] {
			d.bad(root.get("volumes").position, "mounts two things at one path in the container", "give each its own")
		}
		seen[target] = true
	}
}
