//go:build full

package orchestrator_test

// ways are all moments of an append.
func ways(int, int) []when { return whens }

// failing are all ways in which a change fails.
func failing(names []string, _ int) []string { return names }

// stride is how many records lie between two power cuts.
const stride = 1
