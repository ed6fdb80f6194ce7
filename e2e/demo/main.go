// Command demo shows the main job of Fairlead for real, from nothing: a real Engine, registry and database, the
// reference application, and a daemon that is killed half-way. Every line that begins with "$" is a command that an
// operator would type; what stands below is what it printed. The demo checks each step and ends with status 1 at the
// first one that is not as it should be. It leaves the host as it found it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		stop()
		os.Exit(1)
	}
}

// run makes the world, tells the story in it, and takes it away again, whatever happened.
func run(ctx context.Context) (err error) {
	began := time.Now()
	fmt.Println("Setting the stage: registry, PostgreSQL, network, images of the reference application, the fairlead binary …")
	w, err := world.New(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closing := w.Close(); closing != nil && err == nil {
			err = closing
		}
		if err == nil {
			fmt.Printf("\nThe host is as it was: the demo's containers, images, networks and processes are gone. The story took %s.\n",
				time.Since(began).Round(time.Second))
		}
	}()
	host, err := rig.New(ctx, rig.Options{World: w, Instance: "demo-" + w.Run})
	if err != nil {
		return err
	}
	defer host.Close() //nolint:errcheck // the story's own end is what counts
	s := &story{Rig: host, ctx: ctx}
	return s.tell()
}
