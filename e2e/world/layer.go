package world

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// blob is a piece of an image as a registry stores it; its exported fields are its descriptor.
type blob struct {
	MediaType string    `json:"mediaType"`
	Size      int       `json:"size"`
	Digest    string    `json:"digest"`
	Platform  *platform `json:"platform,omitempty"`

	content []byte
}

func newBlob(mediaType string, content []byte) blob {
	return blob{MediaType: mediaType, Size: len(content), Digest: digest(content), content: content}
}

func digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

// layer is a compressed file system; its diff is the digest of what was compressed.
type layer struct {
	blob

	diff string
}

// file is an entry of a layer; a name that ends with a slash is a directory's.
type file struct {
	name    string
	mode    int64
	content []byte
}

// newLayer packs files. The same files make the same layer.
func newLayer(files ...file) (*layer, error) {
	var plain bytes.Buffer
	packer := tar.NewWriter(&plain)
	for _, f := range files {
		if err := packer.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content))}); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
		if _, err := packer.Write(f.content); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	if err := packer.Close(); err != nil {
		return nil, fmt.Errorf("pack a layer: %w", err)
	}
	var small bytes.Buffer
	press, err := gzip.NewWriterLevel(&small, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("compress a layer: %w", err)
	}
	if _, err := press.Write(plain.Bytes()); err != nil {
		return nil, fmt.Errorf("compress a layer: %w", err)
	}
	if err := press.Close(); err != nil {
		return nil, fmt.Errorf("compress a layer: %w", err)
	}
	const mediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	return &layer{blob: newBlob(mediaType, small.Bytes()), diff: digest(plain.Bytes())}, nil
}

// baseLayer returns the layer with the reference application for this host. It builds it once in a run.
func (w *World) baseLayer(ctx context.Context) (*layer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.base != nil {
		return w.base, nil
	}
	path := filepath.Join(w.Dir, "refapp")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "github.com/capakraken/fairlead/e2e/refapp")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH, "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the reference application: %w\n%s", err, out)
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the reference application: %w", err)
	}
	w.base, err = newLayer(rootfs(binary)...)
	return w.base, err
}

// rootfs returns the file system of an image with the given program.
func rootfs(program []byte) []file {
	return []file{
		{"etc/", 0o755, nil},
		{"etc/passwd", 0o644, []byte("root:x:0:0:root:/:/none\nnobody:x:65534:65534:nobody:/:/none\n")},
		{"etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n")},
		{"tmp/", 0o1777, nil},
		{"refapp", 0o755, program},
	}
}
