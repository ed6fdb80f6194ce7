// Command refapp is the reference application of Fairlead: a small web service and its worker, on PostgreSQL, which keep
// the five implementation rules of ADR 0001. It resolves each of its secrets from the environment first and from the table
// "SystemSettings" second, reports where each came from and never what it is, ignores secrets in settings updates, and
// explains the variables that it expects.
//
// One image gives every service and every version:
//
//	refapp web                         serve HTTP on $PORT (3000)
//	refapp worker                      read the secrets every second and write a heartbeat
//	refapp status                      print the worker's status, for a check by exec
//	refapp migrate                     bring the database up to date, note that this was done, and end
//	refapp tcp-forward LISTEN TARGET   forward TCP, to play a host that exists only on a container network
//	refapp ledger                      be somebody else's application; see ledger.go
//	refapp postgres | cache            be a neighbour in a Compose project; see neighbours.go
//	refapp proxy LISTEN URL            pass HTTP on
//	refapp reach ADDRESS               tell whether somebody listens there
//
// REFAPP_VERSION selects the version: 1.x is the application as it was before the ADR, which keeps its secrets in the
// database and knows no status. REFAPP_MISBEHAVE makes it fail on demand; see misbehave.go for the switches.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	err := run(os.Args[1:])
	if code, ok := errors.AsType[exit](err); ok {
		os.Exit(int(code))
	}
	if err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

// exit ends the process with its code; whoever returns it has said why.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// exitUsage is the code of a command line that makes no sense.
const exitUsage exit = 2

func run(args []string) error {
	log.SetFlags(log.LstdFlags | log.LUTC | log.Lmsgprefix)
	log.SetPrefix("refapp: ")
	if len(args) == 0 {
		return usage("no command is given")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	command, args := args[0], args[1:]
	switch {
	case command == "tcp-forward" && len(args) == 2:
		return forward(ctx, args[0], args[1])
	case command == "ledger" && len(args) == 0:
		return serveLedger(ctx, os.Getenv)
	case command == "postgres" && len(args) == 0:
		return servePostgres(ctx, os.Getenv)
	case command == "cache" && len(args) == 0:
		return serveCache(ctx)
	case command == "proxy" && len(args) == 2:
		return pass(ctx, args[0], args[1])
	case command == "reach" && len(args) == 1:
		return reach(ctx, args[0])
	case !slices.Contains([]string{"web", "worker", "status", "migrate"}, command) || len(args) > 0:
		return usage("the command line is not understood")
	}
	app, err := newApp(command, os.Getenv)
	if err != nil {
		return err
	}
	switch command {
	case "status":
		return app.printStatus(ctx, os.Stdout)
	case "migrate":
		return app.runMigration(ctx)
	}
	return app.live(ctx)
}

func usage(why string) error {
	fmt.Fprintf(os.Stderr, "refapp: %s\nusage: refapp web | worker | status | migrate | tcp-forward LISTEN TARGET | ledger | postgres | cache | proxy LISTEN URL | reach ADDRESS\n", why)
	return exitUsage
}
