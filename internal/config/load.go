package config

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// maxBytes is the longest configuration that is read.
const maxBytes = 1 << 20

// Load reads and parses the configuration at path. The file must be regular, and nobody but its owner may be able to
// write it: it decides who may do what, and which commands are run. Every failure is a Refused fault; beside one that is Parse's, there is what could be read.
func Load(path string) (Config, error) {
	content, err := read(path)
	if err != nil {
		return Config{}, err
	}
	return Parse(path, content)
}

func read(path string) ([]byte, error) {
	// Opening a named pipe must not wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unreadable(path, err)
	}
	if p, bad := untrusted(path, info); bad {
		return nil, refuse([]fault.Problem{p})
	}
	content, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return content, nil
}

// untrusted returns what keeps a file from being believed.
func untrusted(path string, info fs.FileInfo) (fault.Problem, bool) {
	switch {
	case !info.Mode().IsRegular():
		return fault.Problem{Where: path, What: "is not a regular file", Fix: "name the configuration file itself"}, true
	case info.Mode().Perm()&0o022 != 0:
		return fault.Problem{Where: path, What: "can be written by others than its owner, who could give themselves every right",
			Fix: "run: chmod go-w " + path}, true
	}
	return fault.Problem{}, false
}

func unreadable(path string, err error) error {
	p := fault.Problem{Where: path, What: "cannot be read", Fix: "check the path and the disk"}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.What, p.Fix = "does not exist", "write it, or give the path of another"
	case errors.Is(err, fs.ErrPermission):
		p.What, p.Fix = "may not be read by this user", "run as a user who may read it"
	}
	return refuse([]fault.Problem{p})
}

// refuse returns one fault for all problems, or nil when there are none.
func refuse(problems []fault.Problem) error {
	return fault.Many(fault.Refused, "the configuration is refused", problems)
}
