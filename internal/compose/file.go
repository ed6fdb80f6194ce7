package compose

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"go.yaml.in/yaml/v4"
	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// maxBytes is the longest Compose file that is read, and maxFiles how many of them one app may have, those that others
// extend from included.
const (
	maxBytes = 1 << 20
	maxFiles = 32
)

// file is one Compose file as it was when it was read. The lines of its nodes are those of notes.
type file struct {
	path string
	dir  string // where its relative paths begin
	at   position
	top  map[string]entry
}

// open reads a Compose file, once for each path and directory.
func (p *project) open(path, dir string, asked position) (*file, bool) {
	for _, f := range p.files {
		if f.path == path && f.dir == dir {
			return f, f.top != nil
		}
	}
	f := &file{path: path, dir: dir}
	if len(p.files) == maxFiles {
		p.bad(asked, "names more than "+strconv.Itoa(maxFiles)+" files in all", "write the definitions into fewer files")
		return f, false
	}
	p.files = append(p.files, f)
	f.at = position{line: len(p.sources) * lineSpan}
	p.sources = append(p.sources, path)
	content, problem := p.trusted(path)
	if problem != nil {
		p.found = append(p.found, note{f.at.line, *problem})
		return f, false
	}
	root, problem := document(path, content)
	if problem != nil {
		p.found = append(p.found, note{f.at.line, *problem})
		return f, false
	}
	shift(root, f.at.line)
	if root.Kind != yaml.MappingNode {
		p.bad(position{line: root.Line}, "is not a Compose file", "begin it with services:")
		return f, false
	}
	f.top = map[string]entry{}
	for _, e := range p.entries(position{line: root.Line}, root, 0) {
		f.top[e.key.Value] = e
	}
	return f, true
}

// trusted returns the content of a file that may decide what runs as root: nobody but its owner may be able to write it
// or to put another into its place.
func (p *project) trusted(path string) ([]byte, *fault.Problem) {
	bad := func(what, fix string) *fault.Problem { return &fault.Problem{Where: path, What: what, Fix: fix} }
	// Opening a named pipe must not wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, bad("does not exist", "correct the path of the Compose file")
	case errors.Is(err, fs.ErrPermission):
		return nil, bad("may not be read by this user", "run as a user who may read it, or give the daemon's group the right to")
	case err != nil:
		return nil, bad("cannot be read", "check the path and the disk")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, bad("cannot be read", "check the path and the disk")
	}
	dir, err := os.Stat(filepath.Dir(path))
	switch {
	case !info.Mode().IsRegular():
		return nil, bad("is not a regular file", "name the Compose file itself")
	case info.Mode().Perm()&0o022 != 0:
		return nil, bad("can be written by others than its owner, and it decides what runs as root", "run: chmod go-w "+path)
	case err == nil && dir.Mode().Perm()&0o002 != 0 && dir.Mode()&fs.ModeSticky == 0:
		return nil, bad("lies in a directory in which everybody may replace it", "run: chmod o-w "+filepath.Dir(path))
	}
	content, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	switch {
	case err != nil:
		return nil, bad("cannot be read", "check the path and the disk")
	case len(content) > maxBytes:
		return nil, bad("is longer than 1 MiB", "check that this is a Compose file")
	}
	return content, nil
}

// document returns the one YAML document of a file. The parser's own words are not passed on, since they may quote it.
func document(path string, content []byte) (*yaml.Node, *fault.Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var doc, next yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && (doc.Kind != yaml.DocumentNode || len(doc.Content) != 1):
		return nil, &fault.Problem{Where: path, What: "is empty", Fix: "begin it with services:"}
	case err != nil:
		return nil, malformed(path, err)
	}
	switch err := decoder.Decode(&next); {
	case err == nil:
		return nil, &fault.Problem{Where: path + ":" + strconv.Itoa(next.Line), What: "holds a second YAML document", Fix: "keep one, without a line of ---"}
	case !errors.Is(err, io.EOF):
		return nil, malformed(path, err)
	}
	return doc.Content[0], nil
}

func malformed(path string, err error) *fault.Problem {
	p := &fault.Problem{Where: path, What: "is not valid YAML", Fix: "check the indentation (spaces, no tabs), the quotes and the colons there and in the line before"}
	if e, ok := errors.AsType[*yaml.LoadError](err); ok && e.Mark.Line > 0 {
		p.Where, p.What = path+":"+strconv.Itoa(e.Mark.Line), "is not valid YAML here"
	}
	return p
}

// shift moves the lines of a file's nodes to where notes keeps that file's.
func shift(n *yaml.Node, by int) {
	n.Line = by + min(n.Line, lineSpan-1)
	for _, c := range n.Content {
		shift(c, by)
	}
}
