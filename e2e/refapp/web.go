package main

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"time"
)

// handler returns the routes of the web service. A version before the ADR has no status.
func (a *App) handler() (http.Handler, error) {
	page, err := template.New("settings").Parse(settingsPage)
	if err != nil {
		return nil, fmt.Errorf("parse the settings page: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.handleHealth)
	mux.HandleFunc("GET /settings", a.handleSettings(page))
	mux.HandleFunc("POST /settings", a.updateSettings)
	if !a.legacy() {
		mux.HandleFunc("GET /api/runtime-status", a.handleStatus)
	}
	return mux, nil
}

// handleHealth answers GET /healthz: whether the process is well, whatever the database does.
func (a *App) handleHealth(w http.ResponseWriter, _ *http.Request) {
	if !a.switches.healthy() {
		http.Error(w, "unwell on demand", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// serveWeb serves until ctx ends. Then requests in progress get a short moment, so that a stop is quick.
func (a *App) serveWeb(ctx context.Context) error {
	handler, err := a.handler()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("", a.port))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	log.Printf("listening on port %s", a.port)

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		err = errors.Join(err, server.Close())
		log.Printf("requests were cut off: %v", err)
	}
	<-served
	return nil
}
