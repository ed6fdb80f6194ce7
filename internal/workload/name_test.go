package workload

import "testing"

// A container's name tells whether a rollout is in its middle, whatever its final name is.
func TestNames(t *testing.T) {
	for _, tt := range []struct{ rollout, fresh, old string }{
		{"01JXAMPLEROLLOUT12345ABCD", "web.new-2345abcd", "web.old-2345abcd"},
		{"short", "web.new-short", "web.old-short"},
	} {
		if got := NewName("web", tt.rollout); got != tt.fresh {
			t.Errorf("NewName is %s", got)
		}
		if got := OldName("web", tt.rollout); got != tt.old {
			t.Errorf("OldName is %s", got)
		}
	}
	for name, want := range map[string]bool{
		"web": false, "web.new-2345abcd": true, "web.old-2345abcd": true, "web.new-web": false, "web.newer-2345abcd": false,
		"web.old-2345abcd.bak": false, "old-2345abcd": false,
	} {
		if got := (Container{Name: name}).Passing(); got != want {
			t.Errorf("%s is called as in the middle of a rollout: %t", name, got)
		}
	}
}
