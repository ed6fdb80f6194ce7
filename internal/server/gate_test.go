package server

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// crowd is a listener to which a number of connections come, and then no more.
type crowd struct {
	net.Listener
	left int
}

func (c *crowd) Accept() (net.Conn, error) {
	if c.left == 0 {
		return nil, io.EOF
	}
	c.left--
	return &idle{}, nil
}

// idle is a connection that does nothing.
type idle struct {
	net.Conn
	closed bool
}

func (c *idle) Close() error { c.closed = true; return nil }

// door is a gate with a crowd before it.
type door struct {
	*gate
	crowd crowd
	uid   uint32
}

func newDoor() *door {
	d := &door{}
	d.gate = newGate(&d.crowd, zap.NewNop())
	d.ask = func(net.Conn) (credentials, error) { return credentials{UID: d.uid}, nil }
	return d
}

// come lets n connections of a user come in, and returns those that stay.
func (d *door) come(uid uint32, n int) []net.Conn {
	d.uid, d.crowd.left = uid, n
	var stay []net.Conn
	for {
		c, err := d.Accept()
		if err != nil {
			return stay
		}
		stay = append(stay, c)
	}
}

func TestGate(t *testing.T) {
	d := newDoor()
	mine := d.come(1, maxPerUser+5)
	if len(mine) != maxPerUser {
		t.Errorf("%d connections of one user stay", len(mine))
	}
	total := len(mine)
	for uid := range uint32(20) {
		total += len(d.come(uid+2, maxPerUser))
	}
	if total != maxConnections {
		t.Errorf("%d connections stay", total)
	}
	if n := len(d.come(0, maxPerUser+5)); n != maxPerUser {
		t.Errorf("%d connections of root stay", n)
	}
	// A connection that is closed twice makes room for one.
	d = newDoor()
	mine = d.come(1, maxPerUser)
	_, _ = mine[0].Close(), mine[0].Close()
	if n := len(d.come(1, 5)); n != 1 {
		t.Errorf("%d connections stay where one has left", n)
	}
}

// A crowd is told of once in a while, with how many came, so that it cannot fill the log as well.
func TestGateTellsOfACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		core, logged := observer.New(zap.WarnLevel)
		d.log = zap.New(core)
		d.come(1, maxPerUser+1000)
		d.come(2, maxPerUser+1)
		time.Sleep(quiet)
		d.come(1, 1)
		said := logged.AllUntimed()
		if len(said) != 3 {
			t.Fatalf("%d lines were logged", len(said))
		}
		if got := said[2].ContextMap(); got["uid"] != uint32(1) || got["others_before"] != int64(999) {
			t.Errorf("it is said of the crowd: %v", got)
		}
	})
}

// TestGateWithoutCredentials closes a connection whose peer cannot be told, and goes on.
func TestGateWithoutCredentials(t *testing.T) {
	d := newDoor()
	d.crowd.left = 2
	var first *idle
	d.ask = func(c net.Conn) (credentials, error) {
		if first == nil {
			first, _ = c.(*idle)
			return credentials{}, errors.New("no")
		}
		return credentials{UID: 7}, nil
	}
	if _, err := d.Accept(); err != nil {
		t.Fatal(err)
	}
	if !first.closed {
		t.Error("the connection was not closed")
	}
}
