package main

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestParseDSN(t *testing.T) {
	tests := map[string]struct {
		dsn, searchPath string
		simple          bool // without prepared statements
	}{
		"plain":  {dsn: "postgres://u:p@h:1/d"},
		"prisma": {dsn: "postgresql://u:p@h:1/d?schema=My%20App&connection_limit=5&pool_timeout=3&sslmode=disable", searchPath: `"My App"`},
		"pooled": {dsn: "postgresql://u:p@h:1/d?pgbouncer=true&statement_cache_size=0", simple: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			config, err := parseDSN(tt.dsn)
			if err != nil {
				t.Fatal(err)
			}
			if config.Host != "h" || config.Port != 1 || config.Database != "d" || config.Password != "p" {
				t.Errorf("parsed as %s:%d/%s", config.Host, config.Port, config.Database)
			}
			if got := config.RuntimeParams["search_path"]; got != tt.searchPath || len(config.RuntimeParams) > 1 {
				t.Errorf("parameters %v", config.RuntimeParams)
			}
			if simple := config.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol; simple != tt.simple {
				t.Errorf("mode %v", config.DefaultQueryExecMode)
			}
		})
	}
}

func FuzzParseDSN(f *testing.F) {
	f.Add("postgres://u", "@h:1/d?schema=x")
	f.Add("mysql://u:", "@h")
	f.Add("postgres://%zz:", "@h:99999/d")
	f.Add("postgres://u:", "@h/d?sslmode=sometimes&connect_timeout=x")
	f.Fuzz(func(t *testing.T, before, after string) {
		if _, err := parseDSN(before + planted + after); err != nil && strings.Contains(err.Error(), planted) {
			t.Errorf("the error quotes the connection string: %v", err)
		}
	})
}
