package world

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"
)

// ImageSpec says what an image of the reference application shall be like.
type ImageSpec struct {
	Repository string   // capakraken/app where empty
	Tag        string   // needed
	Env        []string // baked in, for example REFAPP_VERSION=1.0.0 or REFAPP_MISBEHAVE=crash
	User       string   // who runs it; root where empty
	Cmd        []string // [web] where empty
	Health     []string // the command of its health check, which runs every second; none where empty
	Platforms  []string // linux and the host's architecture where empty; several make a multi-platform image
	Padding    int      // bytes that compress badly, so that a pull takes its time
}

// Image is an image in a registry. The Engine does not have it until somebody pulls it.
type Image struct {
	Repository string // with the registry's address
	Tag        string
	Digest     string // of the manifest, or of the list of manifests, that the tag names
}

// Ref returns repository:tag.
func (i Image) Ref() string { return i.Repository + ":" + i.Tag }

// Pinned returns repository@digest.
func (i Image) Pinned() string { return i.Repository + "@" + i.Digest }

// standard is the repository of an image that names none.
const standard = "capakraken/app"

// platform is an entry of a list of manifests.
type platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
}

func hostPlatform() platform { return platform{"linux", runtime.GOARCH} }

// Image makes an image and puts it into the registry, past the Engine, so that a later pull really pulls. For another
// platform than the host's it holds a placeholder instead of the application: it is there to be refused.
func (w *World) Image(ctx context.Context, r *Registry, spec ImageSpec) (Image, error) {
	repository := cmp.Or(spec.Repository, standard)
	host := hostPlatform()
	names := spec.Platforms
	if len(names) == 0 {
		names = []string{host.OS + "/" + host.Architecture}
	}
	var manifests []blob
	for _, name := range names {
		system, architecture, _ := strings.Cut(name, "/")
		p := platform{system, architecture}
		m, err := w.putPlatform(ctx, r, repository, spec, p)
		if err != nil {
			return Image{}, err
		}
		m.Platform = &p
		manifests = append(manifests, m)
	}
	named := manifests[0]
	if len(manifests) > 1 {
		list, err := encode(mediaList, index{2, mediaList, manifests})
		if err != nil {
			return Image{}, err
		}
		named = list
	}
	if err := r.putManifest(ctx, repository, spec.Tag, named); err != nil {
		return Image{}, err
	}
	return Image{Repository: r.Host + "/" + repository, Tag: spec.Tag, Digest: named.Digest}, nil
}

// putPlatform puts the image for one platform and returns its manifest.
func (w *World) putPlatform(ctx context.Context, r *Registry, repository string, spec ImageSpec, p platform) (blob, error) {
	base, err := w.layerFor(ctx, p)
	if err != nil {
		return blob{}, err
	}
	own, err := ownLayer(spec)
	if err != nil {
		return blob{}, err
	}
	config, err := encode(mediaConfig, w.imageConfig(spec, p, base, own))
	if err != nil {
		return blob{}, err
	}
	m, err := encode(mediaManifest, manifest{2, mediaManifest, config, []blob{base.blob, own.blob}})
	if err != nil {
		return blob{}, err
	}
	for _, b := range []blob{base.blob, own.blob, config} {
		if err := r.putBlob(ctx, repository, b); err != nil {
			return blob{}, err
		}
	}
	return m, r.putManifest(ctx, repository, m.Digest, m)
}

func (w *World) layerFor(ctx context.Context, p platform) (*layer, error) {
	if p == hostPlatform() {
		return w.baseLayer(ctx)
	}
	return newLayer(rootfs([]byte("a placeholder for " + p.Architecture + "\n"))...)
}

// ownLayer returns the layer that tells this image from others with the same application, also from those of the same
// tag in another repository.
func ownLayer(spec ImageSpec) (*layer, error) {
	padding := make([]byte, spec.Padding)
	_, _ = rand.NewChaCha8([32]byte{}).Read(padding) // never fails, and is the same each time
	return newLayer(
		file{"etc/refapp-release", 0o644, []byte(cmp.Or(spec.Repository, standard) + ":" + spec.Tag + "\n")},
		file{"etc/refapp-padding", 0o644, padding},
	)
}

// imageConfig returns what the Engine shall know of the image.
func (w *World) imageConfig(spec ImageSpec, p platform, layers ...*layer) imageConfig {
	c := imageConfig{platform: p, Created: time.Unix(0, 0).UTC()}
	c.RootFS.Type = "layers"
	for _, l := range layers {
		c.RootFS.Diffs = append(c.RootFS.Diffs, l.diff)
	}
	c.Config = containerConfig{
		Env:          slices.Concat([]string{"PATH=/"}, spec.Env),
		Entrypoint:   []string{"/refapp"},
		Cmd:          spec.Cmd,
		User:         spec.User,
		ExposedPorts: map[string]struct{}{"3000/tcp": {}},
		Labels:       w.labels(),
	}
	if len(spec.Cmd) == 0 {
		c.Config.Cmd = []string{"web"}
	}
	if len(spec.Health) > 0 {
		c.Config.Healthcheck = &healthcheck{
			Test: slices.Concat([]string{"CMD"}, spec.Health), Interval: time.Second, Timeout: time.Second, Retries: 3,
		}
	}
	return c
}

// The formats of Docker's image manifest, version 2, schema 2.
const (
	mediaManifest = "application/vnd.docker.distribution.manifest.v2+json"
	mediaList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	mediaConfig   = "application/vnd.docker.container.image.v1+json"
)

type (
	manifest struct {
		SchemaVersion int    `json:"schemaVersion"`
		MediaType     string `json:"mediaType"`
		Config        blob   `json:"config"`
		Layers        []blob `json:"layers"`
	}
	index struct {
		SchemaVersion int    `json:"schemaVersion"`
		MediaType     string `json:"mediaType"`
		Manifests     []blob `json:"manifests"`
	}
	imageConfig struct {
		platform

		Created time.Time       `json:"created"`
		Config  containerConfig `json:"config"`
		RootFS  struct {
			Type  string   `json:"type"`
			Diffs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	containerConfig struct {
		Env          []string
		Entrypoint   []string
		Cmd          []string
		User         string
		ExposedPorts map[string]struct{}
		Labels       map[string]string
		Healthcheck  *healthcheck `json:",omitempty"`
	}
	healthcheck struct {
		Test              []string
		Interval, Timeout time.Duration
		Retries           int
	}
)

// encode returns v as a blob of JSON.
func encode(mediaType string, v any) (blob, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return blob{}, fmt.Errorf("encode a part of an image: %w", err)
	}
	return newBlob(mediaType, text), nil
}
