package server

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

// Whoever has connected before the daemon was there is answered, and the socket outlives the daemon as it was.
func TestInherit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	made, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	made.SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	early, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close() //nolint:errcheck // the test ends
	if _, err := early.Write([]byte("GET /v1/nothing HTTP/1.1\r\nHost: fairlead\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	f, err := made.File()
	if err != nil {
		t.Fatal(err)
	}
	ln, err := Inherit(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Welcome(); err != nil {
		t.Error(err)
	}
	s := newServer(t, &accepting{})
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	answer, err := http.ReadResponse(bufio.NewReader(early), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("who came early is answered %s", answer.Status)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeSocket|0o640 {
		t.Errorf("the socket is left as %v, %v", info, err)
	}
	_ = made.Close()
}

func TestInheritRefuses(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close() //nolint:errcheck // the test ends
	f, err := tcp.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Inherit(f); fault.KindOf(err) != fault.Refused || !strings.Contains(fault.Text(err), "no unix socket") {
		t.Errorf("a TCP socket: %v", err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Inherit(file); fault.KindOf(err) != fault.Refused {
		t.Errorf("a file: %v", err)
	}
}
