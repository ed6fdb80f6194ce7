// Command worldctl looks after the test world from outside:
//
//	worldctl ping        exit 0 if a Docker Engine answers
//	worldctl sweep       remove what killed runs left
//	worldctl sweep all   remove every object with a run's label from the Engine, even of a run that is alive
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/capakraken/fairlead/e2e/world"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "worldctl:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	known := [][]string{{"ping"}, {"sweep"}, {"sweep", "all"}}
	if !slices.ContainsFunc(known, func(k []string) bool { return slices.Equal(k, args) }) {
		return fmt.Errorf("usage: worldctl ping | sweep [all]")
	}
	engine, err := world.Connect(ctx)
	if err != nil || args[0] == "ping" {
		return err
	}
	swept, err := world.Sweep(ctx, engine)
	for _, name := range swept {
		fmt.Printf("removed what the killed run %s had left\n", name)
	}
	if err != nil || len(args) == 1 {
		return err
	}
	return world.SweepAll(ctx, engine)
}
