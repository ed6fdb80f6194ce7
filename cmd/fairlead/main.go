// Command fairlead rolls out an application that takes its runtime secrets from the host. "fairlead daemon" is the
// service; every other command is a client of it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/capakraken/fairlead/internal/cli"
	"github.com/capakraken/fairlead/internal/daemon"
)

// version is stamped at build time by -ldflags "-X main.version=…".
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], cli.Options{
		In:      os.Stdin,
		Out:     os.Stdout,
		Err:     os.Stderr,
		Getenv:  os.Getenv,
		Version: version,
		Daemon:  daemon.Command(version),
		Doctor:  daemon.Doctor(version),
		Containers: func(host string) (cli.Containers, error) {
			return daemon.Containers(host)
		},
	})
	stop()
	os.Exit(code)
}
