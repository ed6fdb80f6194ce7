//go:build e2e && soak

package e2e

import "testing"

// A thousand kills, or as many as FAIRLEAD_E2E_KILLS says.
func TestSoakKills(t *testing.T) {
	killAtRandom(t, atOnce, number(t, "FAIRLEAD_E2E_KILLS", 1000))
}
