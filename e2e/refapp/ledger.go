package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/jackc/pgx/v5"
)

// The ledger is somebody else's application: on PostgreSQL and configured by its environment like many, but with a
// status, a table and words of its own. It shows that Fairlead rolls out what was not written for it.
type ledger struct {
	dsn string
	env func(name string) string
}

// ledgerHealth is what the ledger says of itself at GET /-/health.
type ledgerHealth struct {
	State string `json:"state"` // up or down
	Build struct {
		Rev string `json:"rev"`
	} `json:"build"`
	Settings []ledgerSetting `json:"settings"`
}

type ledgerSetting struct {
	Key    string `json:"key"`
	Origin string `json:"origin"` // env, table or unset
}

// serveLedger serves until ctx ends.
func serveLedger(ctx context.Context, env func(string) string) error {
	l := &ledger{dsn: env("LEDGER_DB"), env: env}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /-/health", l.handleHealth)
	server := &http.Server{Addr: ":8080", Handler: mux}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	log.Print("the ledger is open")
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func (l *ledger) handleHealth(w http.ResponseWriter, r *http.Request) {
	h := ledgerHealth{State: "up"}
	h.Build.Rev = l.env("LEDGER_REV")
	stored, err := l.stored(r.Context())
	if err != nil {
		log.Print("the database does not answer") // the driver's own words may quote the password
		h.State = "down"
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	for _, key := range []string{"PAYMENT_KEY", "WEBHOOK_SECRET"} {
		s := ledgerSetting{key, "unset"}
		switch {
		case l.env(key) != "":
			s.Origin = "env"
		case stored[key] != "":
			s.Origin = "table"
		}
		h.Settings = append(h.Settings, s)
	}
	writeJSON(w, h)
}

// stored reads what older versions kept in the ledger's table.
func (l *ledger) stored(ctx context.Context) (map[string]string, error) {
	conn, err := pgx.Connect(ctx, l.dsn)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	var payment, webhook string
	err = conn.QueryRow(ctx, `SELECT payment_key, coalesce("webhookSecret", '') FROM billing.app_config WHERE name = 'main'`).Scan(&payment, &webhook)
	return map[string]string{"PAYMENT_KEY": payment, "WEBHOOK_SECRET": webhook}, err
}
