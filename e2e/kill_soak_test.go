//go:build e2e && soak

package e2e

import "testing"

// Hundreds of kills: FAIRLEAD_E2E_KILLS says how many rollouts, 300 where it is not set.
func TestSoakKills(t *testing.T) {
	killAtRandom(t, atOnce, number(t, "FAIRLEAD_E2E_KILLS", 300)/atOnce)
}
