package rig

import (
	"bytes"
	"sync"
)

// output is what a process prints. It can be read while the process runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes in what was printed.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// String returns what has been printed so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
