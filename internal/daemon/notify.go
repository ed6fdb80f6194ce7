package daemon

import (
	"fmt"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/rollout"
)

// notify tells systemd something, line by line. Where nobody asked to be told, nothing happens.
func (d *Daemon) notify(lines ...string) {
	if _, err := sd.SdNotify(false, strings.Join(lines, "\n")); err != nil {
		d.options.Log.Warn("systemd could not be notified", zap.Strings("state", lines))
	}
}

// longestStatus is the longest status that is told, in bytes: systemd shows it on one line.
const longestStatus = 400

// status returns the line that "systemctl status" shows: what goes on, and what keeps it from going on.
func status(doing []rollout.State, apps int, remarks ...string) string {
	var parts []string
	for _, s := range doing {
		parts = append(parts, underway(s))
	}
	if len(doing) == 0 {
		parts = append(parts, fmt.Sprintf("idle, %d apps", apps))
	}
	for _, r := range remarks {
		if r != "" {
			parts = append(parts, r)
		}
	}
	text := strings.Join(strings.Fields(strings.Join(parts, "; ")), " ")
	if len(text) > longestStatus {
		text = strings.ToValidUTF8(text[:longestStatus], "") + "…"
	}
	return "STATUS=" + text
}

// underway says where a rollout stands.
func underway(s rollout.State) string {
	text := s.Request.App + ": " + string(s.Request.Kind) + " " + s.Request.ID
	if s.Phase == rollout.Reverting {
		text += ", being turned back"
	}
	switch a := s.Doing; {
	case a == nil && s.Step != "":
		text += ", " + string(s.Step)
	case a == nil:
		text += ", about to begin"
	default:
		text += ", " + string(a.Step)
		if string(a.Verb) != string(a.Step) {
			text += " (" + strings.TrimSpace(string(a.Verb)+" "+a.Service) + ")"
		}
		text += ", until " + a.Deadline.UTC().Format(time.TimeOnly) + " at the latest"
	}
	return text
}
