package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
)

// configuration says whether the configuration can be read and is sound.
func (e *examination) configuration(context.Context) []Finding {
	if e.Unsound == nil && e.Nobody != nil {
		return failed(e.Nobody, "mend access in "+e.Path)
	}
	if e.Unsound == nil {
		return []Finding{ok("sound: " + count(len(e.Config.Apps), "app", "apps"))}
	}
	if f, err := os.Open(e.Path); errors.Is(err, fs.ErrPermission) {
		return []Finding{barred("the configuration, and all that it names,")}
	} else if errors.Is(err, fs.ErrNotExist) {
		return []Finding{problem("does not exist", "draft one: fairlead init --from-compose FILE SERVICE... --write "+e.Path)}
	} else if err == nil {
		_ = f.Close()
	}
	return append(failed(e.Unsound, "mend it, then: fairlead config check "+e.Path),
		warning("what it names was not looked at: the Engine, registries, env files, databases and containers", "mend the configuration first, then run this again"))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
