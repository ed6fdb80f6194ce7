package main

import (
	"context"
	"io"
	"net"
	"testing"
	"time"
)

func TestForward(t *testing.T) {
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	go func() { // ends with the connection, or with the listener
		if conn, err := target.Accept(); err == nil {
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		}
	}()

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	near, far := net.Pipe()
	joined := make(chan struct{})
	go func() { defer close(joined); join(ctx, far, target.Addr().String()) }()

	if _, err := near.Write([]byte("echo")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(near, got); err != nil || string(got) != "echo" {
		t.Fatalf("got %q: %v", got, err)
	}
	near.Close()
	<-joined

	cancel()
	if err := forward(ctx, "127.0.0.1:0", target.Addr().String()); err != nil {
		t.Errorf("a forwarder that is told to stop: %v", err)
	}
}
