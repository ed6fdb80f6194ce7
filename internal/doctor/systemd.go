package doctor

import (
	"context"
	"os"
	"path/filepath"
)

// unit is the daemon's.
const unit = "fairlead.service"

// systemd says whether the daemon comes up with the host.
func (e *examination) systemd(context.Context) []Finding {
	there := func(path ...string) bool {
		_, err := os.Lstat(filepath.Join(append([]string{"/", e.Root}, path...)...))
		return err == nil
	}
	if !there("run/systemd/system") {
		return []Finding{ok("systemd does not run here; something else must start the daemon with the host")}
	}
	installed := false
	for _, dir := range []string{"etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"} {
		installed = installed || there(dir, unit)
	}
	switch {
	case !installed:
		return []Finding{warning("the unit is not installed, so the daemon does not come up with the host", "install -m 0644 systemd/fairlead.service systemd/fairlead.socket /etc/systemd/system/ && systemctl daemon-reload && "+startRemedy)}
	case !there("etc/systemd/system/multi-user.target.wants", unit):
		return []Finding{warning("the unit is installed and not enabled, so the daemon does not come up with the host", startRemedy)}
	}
	return []Finding{ok("the unit is installed and enabled")}
}
