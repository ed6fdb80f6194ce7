// Command stage lays out what an installation consists of, as a tree below a directory: the units, the manual pages, the
// completions, the documentation and the list of what the binary is made of. The packages are made from the tree.
//
//	stage -tree DIR -version V [-tarball FILE] [-sbom FILE]
//
// The binary must be there already, as DIR/usr/bin/fairlead. It is run in the repository. The same commit makes the same
// bytes: every time is $SOURCE_DATE_EPOCH, which must be set.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

func main() {
	var s stage
	flag.StringVar(&s.tree, "tree", "", "where the tree is laid out")
	flag.StringVar(&s.version, "version", "", "the package's version")
	tarball := flag.String("tarball", "", "pack the tree into this file as well")
	sbom := flag.String("sbom", "", "put the list of what the binary is made of into this file as well")
	flag.Parse()
	if err := s.run(*tarball, *sbom); err != nil {
		fmt.Fprintln(os.Stderr, "stage:", err)
		os.Exit(1)
	}
}

// stage is one tree.
type stage struct {
	tree, version string
	time          time.Time
}

func (s *stage) run(tarball, sbom string) error {
	if s.tree == "" || s.version == "" {
		return errors.New("-tree and -version are needed")
	}
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return errors.New("SOURCE_DATE_EPOCH is not set to the seconds of a time")
	}
	s.time = time.Unix(seconds, 0).UTC()
	parts, err := s.parts(sbom)
	if err != nil {
		return err
	}
	if err := s.files(); err != nil {
		return err
	}
	for name, text := range parts {
		if err := s.put(name, text); err != nil {
			return err
		}
	}
	if err := s.settle(); err != nil || tarball == "" {
		return err
	}
	return s.pack(tarball)
}

// parts returns what is made, by its name in the tree.
func (s *stage) parts(sbom string) (map[string][]byte, error) {
	parts := map[string][]byte{}
	list, err := materials(filepath.Join(s.tree, "usr/bin/fairlead"), s.version, s.time)
	if err != nil {
		return nil, err
	}
	parts[documents+"sbom.cdx.json"] = list
	if sbom != "" {
		if err := os.WriteFile(sbom, list, 0o644); err != nil {
			return nil, err
		}
	}
	log := fmt.Sprintf("fairlead (%s) unstable; urgency=medium\n\n  * See https://github.com/capakraken/fairlead for what has changed.\n\n"+
		" -- Fairlead <fairlead@capakraken.invalid>  %s\n", s.version, s.time.Format(time.RFC1123Z))
	if parts[documents+"changelog.gz"], err = compressed([]byte(log)); err != nil {
		return nil, err
	}
	return parts, commands(parts, s.version, s.time)
}
