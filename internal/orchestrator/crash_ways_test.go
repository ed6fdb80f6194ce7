//go:build !full

package orchestrator_test

// ways are the moments of the k-th append at which a daemon dies here: before it, and in turns one of those at which the
// record was written. The long tests have all of them at every append.
func ways(k, turn int) []when { return []when{before, []when{written, torn, synced}[(k+turn)%3]} }

// failing are the ways in which the k-th change fails here, in turns. The long tests have all of them at every change.
func failing(names []string, turn int) []string {
	if len(names) == 0 {
		return nil
	}
	return names[turn%len(names):][:1]
}

// stride is how many records lie between two power cuts.
const stride = 3
