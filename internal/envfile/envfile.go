// Package envfile reads the env files that hold an app's runtime secrets, such as .env.production: who may own and read
// one, and what its lines say.
//
// A file is one assignment NAME=value a line, and everything in it is a secret. Ten widely used readers of such files
// agree on little more than that, so a line is accepted only when its meaning is beyond doubt: it is read by the rules
// of this package and by go-envparse, and a difference between the two is a fault. All faults of a file are found at
// once. No text that leaves this package holds a byte of a value, nor the words of another parser, which quote them.
package envfile

import (
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// The widest that an env file may be.
const (
	DefaultMode  fs.FileMode = 0o640
	DefaultBytes int64       = 1 << 20
)

// Policy says which files are trusted.
type Policy struct {
	UID      int         // the daemon's user; a file belongs to root or to this user
	GID      int         // the daemon's group; named in the command that mends a file
	MaxMode  fs.FileMode // permissions beyond these are refused; DefaultMode when 0, and never wider than it
	MaxBytes int64       // a longer file is refused; DefaultBytes when 0
}

// complete returns p with its defaults, or what is wrong with it.
func (p Policy) complete() (Policy, error) {
	if p.MaxMode == 0 {
		p.MaxMode = DefaultMode
	}
	if p.MaxBytes == 0 {
		p.MaxBytes = DefaultBytes
	}
	switch {
	case p.UID < 0 || p.GID < 0:
		return p, fault.New(fault.Internal, "the policy for env files names user %d and group %d; both must be 0 or more", p.UID, p.GID)
	case p.MaxMode&^DefaultMode != 0:
		return p, fault.New(fault.Internal, "the policy for env files allows mode %04o; the widest is %04o", uint32(p.MaxMode), uint32(DefaultMode))
	case p.MaxBytes < 0:
		return p, fault.New(fault.Internal, "the policy for env files allows %d bytes", p.MaxBytes)
	}
	return p, nil
}

// File is one env file as it was when it was read.
type File struct {
	Path     string
	Env      secret.Env   // each variable's origin is its path and line
	Faulty   []string     // the variables whose lines were refused, sorted; Env lacks them
	Content  secret.Value // its text, for the rules on how others read it
	UID      int          // its owner
	Mode     fs.FileMode  // its permissions
	Modified time.Time
}

// Read reads the file at path once, without following a symbolic link at its end, and checks that p trusts it and that
// every line is beyond doubt. Its error is a *fault.Error of kind Refused that holds all problems found.
//
// With such an error the File holds what could be read all the same, so that a caller can hold further rules against it
// and report everything in one answer; nothing may be run with it.
func Read(path string, p Policy) (File, error) {
	p, err := p.complete()
	if err != nil {
		return File{}, err
	}
	if path == "" {
		return File{}, fault.New(fault.Refused, "no env file is named")
	}
	g := gate{path: path, policy: p}
	content, stat, problems := g.fetch()
	f := File{Path: path}
	if content != nil {
		found := parse(content)
		f.Env = found.env(path)
		f.Faulty = found.faulty()
		f.Content = secret.NewValue(string(content))
		f.UID, f.Mode, f.Modified = int(stat.Uid), fs.FileMode(stat.Mode&0o777), modified(stat)
		problems = append(problems, found.problems(path)...)
	}
	return f, fault.Many(fault.Refused, "the env file is refused", problems)
}

// Kept returns what keeps the file at path from being trusted, or from being read at all. What its lines say is not looked at.
func Kept(path string, p Policy) []fault.Problem {
	p, err := p.complete()
	if err != nil {
		return []fault.Problem{{Where: path, What: fault.Text(err)}}
	}
	_, _, problems := gate{path: path, policy: p}.fetch()
	return problems
}

// Parse reads content, the text of an env file called name. The environment holds the variables of all lines without a
// fault; it may be used only when there are no problems.
func Parse(name string, content []byte) (secret.Env, []fault.Problem) {
	found := parse(content)
	return found.env(name), found.problems(name)
}

// Variables returns what File would hold of the variables in content, the text of an env file called name.
func Variables(name string, content secret.Value) (env secret.Env, faulty []string) {
	found := parse([]byte(content.Reveal()))
	return found.env(name), found.faulty()
}

// Unseen is the error of a source that this process cannot read, since only the daemon has what it takes.
type Unseen struct{ Source string }

func (u *Unseen) Error() string { return u.Source + " can only be read by the daemon" }

func modified(s unix.Stat_t) time.Time { return time.Unix(s.Mtim.Unix()) }
