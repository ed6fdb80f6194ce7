package systemd

import (
	"context"
	"os/exec"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// patience is how long the service manager may take for one request.
const patience = time.Minute

// Manager is the service manager of this host. Its programs are found by the PATH.
type Manager struct{}

// Calendar refuses a schedule that systemd does not understand.
func (Manager) Calendar(ctx context.Context, schedule string) error {
	if _, err := run(ctx, "systemd-analyze", "calendar", "--iterations=1", "--", schedule); err != nil {
		return fault.Hide(err, fault.Usage, "--schedule is %q, which systemd does not understand; write daily, Mon..Fri 03:00 or *-*-* 04:30:00 (man 7 systemd.time)", schedule)
	}
	return nil
}

// Enable has the manager read its units anew, and has these run now and after each start of the host.
func (Manager) Enable(ctx context.Context, units ...string) error {
	if _, err := run(ctx, "systemctl", "daemon-reload"); err != nil {
		return err
	}
	if _, err := run(ctx, "systemctl", append([]string{"enable", "--quiet"}, units...)...); err != nil {
		return err
	}
	_, err := run(ctx, "systemctl", append([]string{"restart"}, units...)...) // one that runs has to take up its new drop-in
	return err
}

// Disable ends these and has the manager read its units anew. That one is not known is no fault.
func (Manager) Disable(ctx context.Context, units ...string) error {
	for _, u := range units {
		if _, err := run(ctx, "systemctl", "disable", "--quiet", "--now", u); err != nil {
			state, _ := run(ctx, "systemctl", "show", "--property=LoadState", "--value", u)
			if strings.TrimSpace(state) != "not-found" {
				return err
			}
		}
	}
	return nil
}

// Reload has the manager read its units anew.
func (Manager) Reload(ctx context.Context) error {
	_, err := run(ctx, "systemctl", "daemon-reload")
	return err
}

// Show returns properties of a unit, those that it has.
func (Manager) Show(ctx context.Context, unit string, properties ...string) (map[string]string, error) {
	text, err := run(ctx, "systemctl", "show", "--property="+strings.Join(properties, ","), unit)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "="); ok {
			out[name] = value
		}
	}
	return out, nil
}

// run runs one of systemd's programs, with fixed words and without a shell, and returns what it wrote.
func run(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var out, complaint strings.Builder
	c := exec.CommandContext(ctx, program, args...)
	c.Stdout, c.Stderr, c.WaitDelay = &out, &complaint, time.Second
	if err := c.Run(); err != nil {
		why := strings.Join(strings.Fields(complaint.String()), " ")
		if why == "" {
			why = "it cannot be run, or said nothing"
		}
		const most = 500
		return "", fault.Hide(err, fault.Unavailable, "%s %s: %s", program, strings.Join(args, " "), why[:min(len(why), most)])
	}
	return out.String(), nil
}
