package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// Check returns what keeps a program from being run. The daemon may do everything on this host, so nobody but root and
// the daemon's own user may be able to say what it runs: not by the file, and not by the directories above it. It runs
// nothing.
func (h *Host) Check(program string) []fault.Problem {
	real, err := filepath.EvalSymlinks(program)
	if err != nil {
		return []fault.Problem{unfound(program, err)}
	}
	problems := h.file(program, real)
	for _, path := range []string{program, real} {
		if more := h.above(program, path); len(problems) == 0 && more != nil {
			problems = append(problems, *more)
		}
	}
	return problems
}

// file looks at the program itself.
func (h *Host) file(program, real string) []fault.Problem {
	info, err := os.Stat(real)
	if err != nil {
		return []fault.Problem{unfound(program, err)}
	}
	if !info.Mode().IsRegular() {
		return []fault.Problem{{Where: program, What: "is not a file", Fix: "name a program"}}
	}
	var problems []fault.Problem
	if uid := owner(info); !h.trusts(uid) {
		problems = append(problems, fault.Problem{Where: program, What: fmt.Sprintf("belongs to uid %d, who could have the daemon run anything", uid),
			Fix: "give it to root: chown root " + real})
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		problems = append(problems, fault.Problem{Where: program, What: fmt.Sprintf("may be written by more than its owner (mode %04o)", mode),
			Fix: "mend it with: chmod go-w " + real})
	}
	if err := unix.Access(real, unix.X_OK); err != nil {
		problems = append(problems, fault.Problem{Where: program, What: fmt.Sprintf("may not be executed by uid %d (mode %04o)", h.uid, info.Mode().Perm()),
			Fix: "mend it with: chmod +x " + real + "; if that is not it, its file system is mounted noexec"})
	}
	return problems
}

// above looks at the directories above a path. Whoever may write to one may put another program in the place of this one,
// unless its sticky bit keeps strangers from that. A directory's group is the administrator's choice: /usr/local has one.
func (h *Host) above(program, path string) *fault.Problem {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			p := unfound(program, err)
			return &p
		}
		if uid := owner(info); !h.trusts(uid) {
			return &fault.Problem{Where: program, What: fmt.Sprintf("lies below %s, which belongs to uid %d, who may replace it", dir, uid), Fix: "keep it where only root may write"}
		}
		if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
			return &fault.Problem{Where: program, What: "lies below " + dir + ", where everybody may replace it", Fix: "mend it with: chmod o-w " + dir}
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func (h *Host) trusts(uid int) bool { return uid == 0 || uid == h.uid }

// owner returns whose a file is; -1 where that cannot be told.
func owner(info fs.FileInfo) int {
	if s, known := info.Sys().(*syscall.Stat_t); known {
		return int(s.Uid)
	}
	return -1
}

// unfound says why a program could not be looked at.
func unfound(program string, err error) fault.Problem {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Problem{Where: program, What: "does not exist", Fix: "install it there, or correct the command in the configuration"}
	case errors.Is(err, fs.ErrPermission):
		return fault.Problem{Where: program, What: "cannot be reached by the daemon", Fix: "see which directory bars the way: namei -l " + program}
	}
	return fault.Problem{Where: program, What: "cannot be looked at (" + reason(err) + ")", Fix: "check the path, and the file system that holds it"}
}
