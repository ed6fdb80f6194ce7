package daemon

import (
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
