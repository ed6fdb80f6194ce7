package rollout

import (
	"fmt"
	"time"
)

// Age returns for people how long something has lasted, in its two largest units: 42s, 3m, 5h12m, 2d4h.
func Age(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return parts(int(d.Hours()), "h", int(d.Minutes())%60, "m")
	}
	return parts(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
}

// parts returns the larger part, and the smaller one unless it is nothing.
func parts(large int, of string, small int, ofSmall string) string {
	text := fmt.Sprintf("%d%s", large, of)
	if small > 0 {
		text += fmt.Sprintf("%d%s", small, ofSmall)
	}
	return text
}

// Who names a user of the host with the number, which tells also users of the same name apart. It is nil for fairlead
// itself, and where only the name was recorded.
func Who(name string, uid *int64) string {
	if uid == nil {
		return name
	}
	return fmt.Sprintf("%s (uid %d)", name, *uid)
}
