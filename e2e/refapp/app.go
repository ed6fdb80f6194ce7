package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// App is one service of the application.
type App struct {
	role      string // "web", "worker" or "migrate"
	version   string
	env       func(name string) string
	store     Store
	switches  *Switches
	heartbeat string // the file through which the worker tells `refapp status` how it is
	port      string
	token     string // what the status asks for as a bearer token; none when empty
}

func newApp(role string, env func(string) string) (*App, error) {
	if role == "status" {
		role = "worker" // whose status it prints
	}
	switches, err := parseSwitches(env("REFAPP_MISBEHAVE"), role)
	if err != nil {
		return nil, err
	}
	store, err := openStore(env("DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	return &App{
		role:      role,
		version:   cmp.Or(env("REFAPP_VERSION"), "2.0.0"),
		env:       env,
		store:     store,
		switches:  switches,
		heartbeat: cmp.Or(env("REFAPP_HEARTBEAT"), "/tmp/refapp-heartbeat.json"),
		port:      cmp.Or(env("PORT"), "3000"),
		token:     env("STATUS_TOKEN"),
	}, nil
}

// legacy tells whether this is the application as it was before ADR 0001.
func (a *App) legacy() bool { return strings.HasPrefix(a.version, "1.") }

// live runs the service until it is told to stop, or until a switch ends it.
func (a *App) live(ctx context.Context) error {
	log.SetPrefix(fmt.Sprintf("refapp %s %s: ", a.role, a.version))
	if a.switches.on("ignore-sigterm") {
		signal.Ignore(syscall.SIGTERM)
	}
	defer a.store.Close()

	ctx, stop, err := a.misbehaveAtStart(ctx)
	defer stop()
	if err != nil {
		return err
	}
	if err := a.migrate(ctx); err != nil {
		return ended(ctx, err)
	}
	serve := a.serveWeb
	if a.role == "worker" {
		serve = a.work
	}
	return ended(ctx, serve(ctx))
}

// migrate brings the table up to date. It gives a database that is still starting ten seconds.
func (a *App) migrate(ctx context.Context) error {
	if a.role != "web" {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := a.store.Migrate(waiting)
		if err == nil {
			return nil
		}
		select {
		case <-waiting.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// runMigration brings the database up to date and ends. It notes that it has begun before any switch has its way.
func (a *App) runMigration(ctx context.Context) error {
	log.SetPrefix(fmt.Sprintf("refapp %s %s: ", a.role, a.version))
	defer a.store.Close()
	if err := a.store.Migrate(ctx); err != nil {
		return err
	}
	if err := a.store.NoteMigration(ctx, a.version); err != nil {
		return err
	}
	log.Print("the schema is that of " + a.version)
	ctx, stop, err := a.misbehaveAtStart(ctx)
	defer stop()
	return ended(ctx, err)
}

// ended returns how a service ended: as a switch had it, in peace when it was told to stop, or with err.
func ended(ctx context.Context, err error) error {
	if code, ok := errors.AsType[exit](context.Cause(ctx)); ok {
		log.Printf("crashing on demand with code %d", code)
		return code
	}
	if ctx.Err() != nil {
		log.Print("stopped")
		return nil
	}
	return err
}
