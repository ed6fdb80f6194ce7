package engine

import (
	"context"
	"strings"
	"syscall"

	"github.com/docker/docker/api/types/versions"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/capakraken/fairlead/internal/fault"
)

// oldestAPI is the version of Engine 20.10, the first that can all that is needed here.
const oldestAPI = "1.41"

// Info is what an Engine says of itself.
type Info struct {
	EngineVersion string `json:"engine_version"`
	APIVersion    string `json:"api_version"` // the one that is spoken with it
	OS            string `json:"os"`
	Arch          string `json:"arch"`              // in Go's words: amd64, arm64
	Variant       string `json:"variant,omitempty"` // of arm: v6, v7
	RootDir       string `json:"root_dir"`          // where it keeps images and containers
}

// Info asks the Engine what it is. One that does not answer is an Unavailable fault, one that is too old a Refused one.
func (e *Engine) Info(ctx context.Context) (Info, error) {
	v, err := e.api.ServerVersion(ctx)
	if err != nil {
		return Info{}, e.failed(err, "ask the Docker Engine for its version")
	}
	info, err := e.api.Info(ctx)
	if err != nil {
		return Info{}, e.failed(err, "ask the Docker Engine for its settings")
	}
	spoken := e.api.ClientVersion()
	if versions.LessThan(spoken, oldestAPI) {
		return Info{}, fault.New(fault.Refused, "the Docker Engine at %s speaks API %s, and %s is needed: upgrade it to 20.10 or later (DOCKER_API_VERSION, if it is set, must not be older either); nothing was changed", e.api.DaemonHost(), spoken, oldestAPI)
	}
	return Info{
		EngineVersion: v.Version,
		APIVersion:    spoken,
		OS:            v.Os,
		Arch:          v.Arch,
		Variant:       variant(v.Arch, info.Architecture),
		RootDir:       info.DockerRootDir,
	}, nil
}

// Free returns the bytes that are free for images and containers. It returns false where that cannot be seen: when
// the Engine is on another host, or its root directory is not visible from here.
func (e *Engine) Free(ctx context.Context) (uint64, bool) {
	if !e.local() {
		return 0, false
	}
	info, err := e.api.Info(ctx)
	if err != nil {
		return 0, false
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(info.DockerRootDir, &st); err != nil {
		return 0, false
	}
	return st.Bavail * uint64(st.Bsize), true
}

// local reports whether the Engine shares this process's file system, as far as its address tells.
func (e *Engine) local() bool { return strings.HasPrefix(e.api.DaemonHost(), "unix:") }

// platform returns what images must be made for. It is asked for once: an Engine does not change its platform, and takes
// its time to answer.
func (e *Engine) platform(ctx context.Context) (ocispec.Platform, error) {
	if known := e.known.Load(); known != nil {
		return *known, nil
	}
	p, err := e.askPlatform(ctx)
	if err == nil {
		e.known.Store(&p)
	}
	return p, err
}

// askPlatform asks the Engine. The variant matters for 32-bit arm alone and costs a second call.
func (e *Engine) askPlatform(ctx context.Context) (ocispec.Platform, error) {
	v, err := e.api.ServerVersion(ctx)
	if err != nil {
		return ocispec.Platform{}, e.failed(err, "ask the Docker Engine for its platform")
	}
	p := ocispec.Platform{OS: v.Os, Architecture: v.Arch}
	if p.Architecture != "arm" {
		return p, nil
	}
	info, err := e.api.Info(ctx)
	if err != nil {
		return ocispec.Platform{}, e.failed(err, "ask the Docker Engine for its platform")
	}
	p.Variant = variant(p.Architecture, info.Architecture)
	return p, nil
}

// variant returns the generation of a 32-bit arm machine from the kernel's name for it, such as armv7l.
func variant(arch, machine string) string {
	if arch != "arm" {
		return ""
	}
	v := strings.TrimRight(strings.TrimPrefix(machine, "arm"), "lb")
	if v == "" || v == machine {
		return ""
	}
	return v
}

// Host returns where the Engine listens.
func (e *Engine) Host() string { return e.api.DaemonHost() }
