package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/steps"
)

// environment says what a rollout would refuse of the env files and the service definitions, and which secrets are set.
func (e *examination) environment(app config.App, known func() (steps.Provisioned, error)) []Finding {
	p, err := known()
	if err != nil {
		return failed(err, "fairlead config check "+e.Path)
	}
	if out := e.hidden(app, p.Problems); len(out) > 0 {
		return out
	}
	if len(p.Problems) > 0 {
		return mended(p.Problems, "mend the line that is named")
	}
	set, unset := 0, []string(nil)
	for _, s := range p.Secrets {
		if s.Provisioned {
			set++
		} else {
			unset = append(unset, s.Env)
		}
	}
	if len(p.Unseen) > 0 {
		return []Finding{warning(fmt.Sprintf("%s can only be read by the daemon, so the secrets and definitions were not held against them", strings.Join(p.Unseen, ", ")), "ask the daemon: fairlead secrets "+app.Name)}
	}
	text := fmt.Sprintf("%s and its definitions are sound; %d of %s set", count(len(p.Sources), "env source", "env sources"), set, count(len(p.Secrets), "secret is", "secrets are"))
	if len(unset) > 0 {
		text += " (optional and not set: " + strings.Join(unset, ", ") + ")"
	}
	return []Finding{ok(text)}
}

// hidden returns the env files that this user may not read, though the daemon's user may.
func (e *examination) hidden(app config.App, problems []fault.Problem) []Finding {
	if e.Self == e.UID || e.Self == 0 || len(problems) == 0 {
		return nil
	}
	var out []Finding
	for _, source := range app.Env {
		if source.Kind() != config.FileSource {
			continue
		}
		f, err := os.Open(source.File)
		if errors.Is(err, fs.ErrPermission) {
			out = append(out, barred("the env file").of(source.File))
		} else if err == nil {
			_ = f.Close()
		}
	}
	return out
}

// directories says whether the way to a file is safe: whoever may write into a directory on it may put another file in its
// place.
func (e *examination) directories(file string) []Finding {
	var out []Finding
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist): // that is said of the file
		case err != nil:
			out = append(out, barred("the directory").of(dir))
		case info.Mode()&fs.ModeSticky != 0:
		case info.Mode().Perm()&0o002 != 0, info.Mode().Perm()&0o020 != 0 && !e.knows(info):
			out = append(out, problem(fmt.Sprintf("others than its owner may replace what is in it, %s among it (mode %04o)", file, uint32(info.Mode().Perm())), "chmod go-w "+dir).of(dir))
		case !e.trusts(info):
			out = append(out, problem("its owner, who is neither root nor the daemon's user, may replace "+file, "chown root: "+dir).of(dir))
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if len(out) == 0 {
		out = []Finding{ok("only root and the daemon's user may replace it")}
	}
	return out
}
