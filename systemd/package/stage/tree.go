package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// documents is the directory of the documentation.
const documents = "usr/share/doc/fairlead/"

// sources says where the files of the repository go. A target that ends in a slash is a directory.
func sources() [][2]string {
	return [][2]string{
		{"systemd/*.service", "usr/lib/systemd/system/"},
		{"systemd/*.socket", "usr/lib/systemd/system/"},
		{"systemd/*.path", "usr/lib/systemd/system/"},
		{"systemd/*.timer", "usr/lib/systemd/system/"},
		{"systemd/sysusers.conf", "usr/lib/sysusers.d/fairlead.conf"},
		{"systemd/tmpfiles.conf", "usr/lib/tmpfiles.d/fairlead.conf"},
		{"systemd/*.d/*.example", documents + "examples/"},
		{"systemd/package/copyright", documents + "copyright"},
		{"systemd/package/lintian", "usr/share/lintian/overrides/fairlead"},
		{"configs/*.yaml", documents + "examples/"},
		{"configs/fairlead.yaml", "etc/fairlead/fairlead.yaml"},
		{"docs/*.md", documents},
		{"README.md", documents},
	}
}

// files copies the files of the repository into the tree.
func (s *stage) files() error {
	for _, source := range sources() {
		found, err := filepath.Glob(source[0])
		if err != nil {
			return err
		}
		for _, path := range found {
			target := source[1]
			if strings.HasSuffix(target, "/") {
				target += filepath.Base(path)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := s.put(target, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// put writes a file of the tree.
func (s *stage) put(name string, text []byte) error {
	path := filepath.Join(s.tree, name)
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644))
}

// settle gives everything in the tree its mode and time, whatever the umask and the clock are.
func (s *stage) settle() error {
	return filepath.WalkDir(s.tree, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return errors.Join(os.Chmod(path, mode(s.within(path), entry.IsDir())), os.Chtimes(path, s.time, s.time))
	})
}

func mode(name string, dir bool) fs.FileMode {
	switch {
	case dir, name == "usr/bin/fairlead":
		return 0o755
	case strings.HasPrefix(name, "etc/"):
		return 0o640
	}
	return 0o644
}

// within returns a path's name in the tree.
func (s *stage) within(path string) string {
	name, err := filepath.Rel(s.tree, path)
	if err != nil {
		return path
	}
	return name
}

// pack writes the tree into a compressed archive, below a directory that names the version.
func (s *stage) pack(file string) error {
	var text bytes.Buffer
	archive := tar.NewWriter(&text)
	err := filepath.WalkDir(s.tree, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		h := &tar.Header{Name: "fairlead-" + s.version + "/" + s.within(path), Mode: int64(mode(s.within(path), entry.IsDir())), ModTime: s.time, Typeflag: tar.TypeReg}
		var content []byte
		if entry.IsDir() {
			h.Name, h.Typeflag = strings.TrimSuffix(h.Name, "/.")+"/", tar.TypeDir
		} else if content, err = os.ReadFile(path); err != nil {
			return err
		}
		h.Size = int64(len(content))
		if err := archive.WriteHeader(h); err != nil {
			return err
		}
		_, err = archive.Write(content)
		return err
	})
	if err := errors.Join(err, archive.Close()); err != nil {
		return fmt.Errorf("pack %s: %w", file, err)
	}
	small, err := compressed(text.Bytes())
	if err != nil {
		return err
	}
	return os.WriteFile(file, small, 0o644)
}

// compressed compresses text, without a time or a name.
func compressed(text []byte) ([]byte, error) {
	var small bytes.Buffer
	press, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = press.Write(text)
	err = errors.Join(err, press.Close())
	return small.Bytes(), err
}
