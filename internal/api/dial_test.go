package api

import (
	"strings"
	"testing"
)

// TestInvitation never advises anybody to join root's group.
func TestInvitation(t *testing.T) {
	for group, want := range map[uint32]string{
		0:          "ask an admin to name you under access: in fairlead.yaml",
		4294967000: "usermod -aG 4294967000 NAME",
	} {
		if got := invitation(group); !strings.Contains(got, want) || group == 0 && strings.Contains(got, "usermod") {
			t.Errorf("group %d: %s", group, got)
		}
	}
}
