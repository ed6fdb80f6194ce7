package rollout

import (
	"fmt"
	"strings"
)

// From says where an image comes from that another host has verified: what the requester saw there. This daemon asks no
// other one, so it is the requester's word.
type From struct {
	Context     string `json:"context"` // what the requester calls that host
	Instance    string `json:"instance"`
	Environment string `json:"environment"`
	App         string `json:"app"`
	Rollout     string `json:"rollout"` // that proved it there
	Digest      string `json:"digest"`
	// Drift are the points that broke parity between the two hosts, and were allowed to.
	Drift []string `json:"drift,omitempty"`
}

// String returns it for people.
func (f From) String() string {
	text := fmt.Sprintf("verified on %s (%s, %s) by rollout %s", f.Context, f.Instance, f.Environment, f.Rollout)
	if len(f.Drift) > 0 {
		text += "; parity is broken, which was allowed: " + strings.Join(f.Drift, ", ")
	}
	return text
}
