package workload

import (
	"regexp"
	"strings"
)

// NewName is what a rollout's container is called until it is verified.
func NewName(final, rollout string) string { return final + ".new-" + suffix(rollout) }

// OldName is what the container that a rollout replaces is called while it is kept.
func OldName(final, rollout string) string { return final + ".old-" + suffix(rollout) }

// PreStartName is what the rollout's one-off container is called.
func PreStartName(final, rollout string) string { return final + ".pre-" + suffix(rollout) }

// suffix returns the end of a rollout's id: its beginning is the time, which neighbouring rollouts share.
func suffix(rollout string) string {
	return strings.ToLower(rollout[max(0, len(rollout)-8):])
}

// passing matches the names that NewName and OldName give.
var passing = regexp.MustCompile(`\.(new|old|pre)-[0-9a-z]{8}$`)

// Passing reports whether the container is called as one is only in the middle of a rollout: not verified yet, or set
// aside.
func (c Container) Passing() bool { return passing.MatchString(c.Name) }
