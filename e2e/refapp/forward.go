package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"time"
)

// forward passes every connection to listen on to target, until ctx ends.
func forward(ctx context.Context, listen, target string) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	log.Printf("forwarding %s to %s", listener.Addr(), target)

	var open sync.WaitGroup
	defer open.Wait()
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		open.Go(func() { join(ctx, conn, target) })
	}
}

// join copies both ways between near and target until one side or ctx ends.
func join(ctx context.Context, near net.Conn, target string) {
	defer near.Close()
	far, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", target)
	if err != nil {
		log.Printf("dial: %v", err)
		return
	}
	defer far.Close()
	hangUp := func() { _, _ = near.Close(), far.Close() }
	defer context.AfterFunc(ctx, hangUp)()

	var both sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{near: far, far: near} {
		both.Go(func() {
			defer hangUp()
			_, _ = io.Copy(to, from) // either side's end, however it came, ends the other
		})
	}
	both.Wait()
}
