//go:build e2e

package engine_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/e2e/world"
	"github.com/capakraken/fairlead/internal/engine"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// pair is a registry with a mirror.
type pair struct {
	*stage
	origin, mirror *world.Registry
}

func newPair(t *testing.T) pair {
	t.Helper()
	s := newStage(t)
	p := pair{stage: s}
	var err error
	p.origin, err = s.world.Registry(s.setUp(), world.RegistryOptions{})
	s.must(err)
	p.mirror, err = s.world.Registry(s.setUp(), world.RegistryOptions{})
	s.must(err)
	s.e = opened(t, engine.Options{Mirrors: mirrored(p.origin, p.mirror.Host)})
	return p
}

// mirrored says that hosts are mirrors of a registry.
func mirrored(origin *world.Registry, hosts ...string) func(string) []string {
	return func(repository string) (out []string) {
		for _, h := range hosts {
			if path, ok := strings.CutPrefix(repository, origin.Host+"/"); ok {
				out = append(out, h+"/"+path)
			}
		}
		return out
	}
}

// image puts the same image into registries, and returns it as the origin has it.
func (p pair) image(tag string, into ...*world.Registry) workload.Image {
	p.t.Helper()
	var made world.Image
	for _, r := range into {
		var err error
		made, err = p.world.Image(p.setUp(), r, world.ImageSpec{Tag: tag})
		p.must(err)
	}
	return workload.Image{Repository: p.origin.Host + "/capakraken/app", Tag: tag, Digest: made.Digest}
}

func (p pair) at(r *world.Registry, i workload.Image) string {
	return r.Host + "/capakraken/app@" + i.Digest
}

// What a mirror delivers is the image of its origin, and stays it: it is found, kept and let go as any other.
func TestAMirrorDelivers(t *testing.T) {
	p := newPair(t)
	i := p.image("1", p.origin, p.mirror)
	got, err := p.e.Pull(p.setUp(), i, nil)
	p.must(err)
	if got.Mirror != p.mirror.Host+"/capakraken/app" || got.Cached || got.Bytes == 0 || got.Image.Repository != i.Repository || got.Image.Digest != i.Digest || got.Image.ID == "" || len(got.Warnings) > 0 {
		t.Fatalf("got %+v", got)
	}
	if names := p.called(got.Image.ID); !slices.Equal(names, []string{p.at(p.mirror, i)}) {
		t.Errorf("it is called %v", names)
	}
	p.must(p.origin.Stop())
	p.must(p.mirror.Stop())
	if again, err := p.e.Pull(p.setUp(), i, nil); err != nil || !again.Cached || again.Image != got.Image {
		t.Errorf("again: %+v, %v", again, err)
	}
	if found, ok, err := p.e.Find(p.setUp(), p.key, i); err != nil || !ok || found.ID != got.Image.ID {
		t.Errorf("found: %+v, %v, %v", found, ok, err)
	}
	name, err := p.e.Keep(p.setUp(), p.key, got.Image)
	p.must(err)
	removed, left, err := p.e.LetGo(p.setUp(), p.key, got.Image, true)
	if err != nil || left != "" || !slices.Equal(removed, []string{name, p.at(p.mirror, i)}) || p.called(got.Image.ID) != nil {
		t.Errorf("let go: %v, %q, %v; left are %v", removed, left, err, p.called(got.Image.ID))
	}
}

// Whoever runs what a mirror delivered may read the same legacy values as whoever runs it from its origin.
func TestAMirrorsImageHasConsumers(t *testing.T) {
	p := newPair(t)
	i := p.image("1", p.origin, p.mirror)
	got, err := p.e.Pull(p.setUp(), i, nil)
	p.must(err)
	for name, called := range map[string]string{"by-name-" + p.world.Run: p.at(p.mirror, i), "by-id-" + p.world.Run: got.Image.ID} {
		p.adopted(name, func(c *container.Config, _ *container.HostConfig) {
			c.Image, c.Cmd = called, []string{"tcp-forward", ":1", "127.0.0.1:1"}
		})
	}
	found, err := p.e.Consumers(p.setUp(), p.key, i.Repository, nil)
	if err != nil || len(found) != 2 {
		t.Errorf("%+v, %v", found, err)
	}
}

// A mirror that has not got the image, or sends another one, is passed over, and the operator is told.
func TestAMirrorIsPassedOver(t *testing.T) {
	p := newPair(t)
	lying := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/manifests/") {
			w.Header().Set("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")
			_, _ = io.WriteString(w, `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{},"layers":[]}`)
		}
	}))
	defer lying.Close()
	liar := strings.TrimPrefix(lying.URL, "http://")
	p.e = opened(t, engine.Options{Mirrors: mirrored(p.origin, p.mirror.Host, liar)})
	i := p.image("1", p.origin)
	got, err := p.e.Pull(p.setUp(), i, nil)
	p.must(err)
	said := strings.Join(got.Warnings, "\n")
	if got.Mirror != "" || got.Bytes == 0 || len(got.Warnings) != 2 || !strings.Contains(said, "registry "+p.mirror.Host+" has no such") || !strings.Contains(said, liar) {
		t.Errorf("got %+v", got)
	}
	if names := p.called(got.Image.ID); !slices.Equal(names, []string{p.at(p.origin, i)}) {
		t.Errorf("it is called %v", names)
	}
}

// What a tag means is the origin's to say. A mirror is asked where the origin cannot answer, and not where it says no.
func TestAMirrorAnswersForATag(t *testing.T) {
	p := newPair(t)
	i := p.image("1", p.origin, p.mirror)
	p.image("only-there", p.mirror)
	tagged := workload.Image{Repository: i.Repository, Tag: "1"}
	got, warnings, err := p.e.Resolve(p.setUp(), tagged)
	if err != nil || got.Digest != i.Digest || len(warnings) > 0 {
		t.Errorf("%+v, %v, %v", got, warnings, err)
	}
	_, _, err = p.e.Resolve(p.setUp(), workload.Image{Repository: i.Repository, Tag: "only-there"})
	if fault.KindOf(err) != fault.Refused || !strings.Contains(fault.Text(err), "registry "+p.origin.Host+" has no such tag") {
		t.Errorf("of a tag that the origin does not have, Resolve says %v", err)
	}

	p.must(p.origin.Stop())
	got, warnings, err = p.e.Resolve(p.setUp(), tagged)
	if err != nil || got.Digest != i.Digest || got.Repository != i.Repository || len(warnings) != 1 ||
		!strings.Contains(warnings[0], p.mirror.Host+"/capakraken/app was asked what "+p.origin.Host+"/capakraken/app:1 is, and may be behind: registry "+p.origin.Host+" cannot be reached") {
		t.Errorf("%+v, %q, %v", got, warnings, err)
	}
	p.must(p.mirror.Stop())
	_, _, err = p.e.Resolve(p.setUp(), tagged)
	_, pulling := p.e.Pull(p.setUp(), i, nil)
	for what, err := range map[string]error{"Resolve": err, "Pull": pulling} {
		text := fault.Text(err)
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(text, "registry "+p.origin.Host+" cannot be reached") || !strings.Contains(text, "registry "+p.mirror.Host+" cannot be reached") || strings.Contains(text, "\n") || !strings.HasSuffix(text, "; no container was touched") {
			t.Errorf("%s says %v", what, err)
		}
	}
}
