package steps

import (
	"runtime/debug"

	"github.com/capakraken/fairlead/internal/fault"
)

// caught does something and returns a panic in it as its error, a *fault.Panic. Every goroutine that is begun here does
// its work in it: one that panics would end the daemon before anything is recorded, and the next one would meet the
// same bug again.
func caught(do func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = &fault.Panic{Stack: debug.Stack()}
		}
	}()
	return do()
}
