package daemon

import (
	"os"
	"runtime/debug"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// hardenProcess keeps the memory of this process, in which secrets live for a while, out of core dumps and out of the
// reach of other processes of the same user.
func hardenProcess(log *zap.Logger) {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		log.Warn("core dumps could not be switched off by limit")
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		log.Warn("the process could not be made undumpable")
	}
}

// fewBytes is how much memory the daemon may use before it clears away behind itself without waiting for more: it idles
// with a tenth of that. The largest env file that is read, and the largest answer of a service, leave behind several times
// their size, and nobody should see the daemon grow by it.
const fewBytes = 72 << 20

// boundMemory keeps the daemon small. Whoever sets GOMEMLIMIT knows better.
func boundMemory() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(fewBytes)
	}
}
