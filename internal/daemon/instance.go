package daemon

import (
	"context"
	"net"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
)

// holdInstance takes an instance's name on an Engine for this process alone. Two daemons of one name would each take the
// other's containers for their own, and fight over them; the lock of the state directory does not keep apart two that
// have a directory each. The name is held as an abstract socket, which the kernel lets go with the process.
func holdInstance(instance, engineHost string) (func() error, error) {
	address := "@fairlead/" + instance
	if engineHost != "" {
		address += "/" + strings.ReplaceAll(engineHost, "/", "_")
	}
	var listen net.ListenConfig
	held, err := listen.Listen(context.Background(), "unix", address[:min(len(address), maxAddress)])
	if err != nil {
		return nil, fault.Hide(err, fault.Busy, "another fairlead daemon on this host is called %q as well, on the same Engine; stop it, or give one of them another instance", instance)
	}
	return held.Close, nil
}

// maxAddress is the longest address of a socket, in bytes.
const maxAddress = 107
