package lint

import "testing"

// Two hosts are told apart by the version of their rules, so it changes with them: whoever adds a rule or changes what
// one finds writes the new version here, and raises the revision for the latter.
func TestVersion(t *testing.T) {
	if got, want := Version(), "1-91534e5270e5"; got != want {
		t.Errorf("the rules' version is %s, and was %s", got, want)
	}
}
