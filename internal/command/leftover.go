package command

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// looking is how long the kernel may take to show the processes. It can be held up by one of them.
const looking = 2 * time.Second

// endMarked kills every process that has this variable. It is what a daemon that died has left of a call, or what has
// left the command's process group. A process that has thrown its environment away is not found.
func endMarked(variable string) {
	done := make(chan struct{})
	go func() { // ends when the kernel answers
		defer close(done)
		for range 8 { // again, since one may have made another meanwhile
			if killMarked([]byte(variable)) == 0 {
				return
			}
		}
	}()
	timer := time.NewTimer(looking)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// killMarked goes once through all processes and returns how many it has killed. Each is held by a descriptor before it
// is looked at, so that no other process can get its number in between.
func killMarked(variable []byte) int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	killed := 0
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		held, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // it is gone, or it is no process but a thread
		}
		environment, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && has(environment, variable) && unix.PidfdSendSignal(held, unix.SIGKILL, nil, 0) == nil {
			killed++
		}
		_ = unix.Close(held)
	}
	return killed
}

// has tells whether an environment, as the kernel shows it, has a variable with this value.
func has(environment, variable []byte) bool {
	for v := range bytes.SplitSeq(environment, []byte{0}) {
		if bytes.Equal(v, variable) {
			return true
		}
	}
	return false
}
