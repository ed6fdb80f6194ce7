package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// servePostgres becomes PostgreSQL as its container image does: it makes the cluster, with the user and the database that
// the environment names, where the volume is empty, and gives way to the server.
func servePostgres(ctx context.Context, env func(string) string) error {
	binaries, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(binaries) != 1 {
		return errors.New("this image has no PostgreSQL")
	}
	data := env("PGDATA")
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); errors.Is(err, fs.ErrNotExist) {
		if err := makeCluster(ctx, binaries[0], data, env); err != nil {
			return err
		}
	}
	program := filepath.Join(binaries[0], "postgres")
	server := []string{program, "-D", data, "-c", "listen_addresses=*", "-c", "unix_socket_directories=", "-c", "fsync=off"}
	return syscall.Exec(program, server, os.Environ()) // PostgreSQL finds its files by the name that it is called by
}

func makeCluster(ctx context.Context, binaries, data string, env func(string) string) error {
	password, err := os.CreateTemp("", "password-")
	if err != nil {
		return fmt.Errorf("keep the password for initdb: %w", err)
	}
	defer os.Remove(password.Name())
	_, err = password.WriteString(env("POSTGRES_PASSWORD"))
	if err := errors.Join(err, password.Close()); err != nil {
		return fmt.Errorf("keep the password for initdb: %w", err)
	}
	initdb := exec.CommandContext(ctx, filepath.Join(binaries, "initdb"), "-D", data, "-U", env("POSTGRES_USER"), "--pwfile", password.Name(),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	single := exec.CommandContext(ctx, filepath.Join(binaries, "postgres"), "--single", "-F", "-D", data, "postgres")
	single.Stdin = strings.NewReader(fmt.Sprintf("CREATE DATABASE %q\n", env("POSTGRES_DB")))
	for _, cmd := range []*exec.Cmd{initdb, single} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
		}
	}
	return os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte("host all all all scram-sha-256\n"), 0o600)
}

// serveCache is a cache that knows one command: it answers PING.
func serveCache(ctx context.Context) error {
	listener, err := net.Listen("tcp", ":6379")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		go func() {
			defer conn.Close()
			for lines := bufio.NewScanner(conn); lines.Scan(); {
				if strings.Contains(lines.Text(), "PING") {
					fmt.Fprint(conn, "+PONG\r\n")
				}
			}
		}()
	}
}

// pass serves HTTP on listen from target, whose name it resolves for each request, as a proxy must before a container
// that is replaced.
func pass(ctx context.Context, listen, target string) error {
	to, err := url.Parse(target)
	if err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: time.Second}).DialContext}
	server := &http.Server{Addr: listen, Handler: proxy, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	log.Printf("passing %s on to %s", listen, target)
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// reach exits well if somebody listens at an address: the health check of what has none of its own.
func reach(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
