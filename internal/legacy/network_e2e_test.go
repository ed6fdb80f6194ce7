//go:build e2e

package legacy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// cut says what a proxy does when it sees a commit.
type cut string

const (
	afterTheCommit  cut = "the server commits, and its answer gets lost"
	beforeTheCommit cut = "the commit never arrives"
	afterTheAnswer  cut = "the answer arrives, but no other connection"
)

// proxy stands between the Database and the server, and spoils the first commit that it sees.
type proxy struct {
	listener net.Listener
	cut      cut
	spoiled  atomic.Bool
}

func newProxy(t *testing.T, c cut) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &proxy{listener: l, cut: c}
	go p.serve()
	return p
}

func (p *proxy) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.cut == afterTheAnswer && p.spoiled.Load() {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(running.port))
		if err != nil {
			_ = client.Close()
			continue
		}
		go p.carry(client, server)
	}
}

// carry passes bytes both ways until either side ends or the commit comes by.
func (p *proxy) carry(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		defer client.Close()
		_, _ = io.Copy(client, server)
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			_ = server.Close()
			<-back
			return
		}
		if bytes.Contains(buffer[:n], []byte("commit\x00")) && p.spoiled.CompareAndSwap(false, true) && p.cut != afterTheAnswer {
			p.spoil(client, server, buffer[:n])
			<-back
			return
		}
		_, _ = server.Write(buffer[:n])
	}
}

// spoil hides the server's answer from the client, or the commit from the server.
func (p *proxy) spoil(client, server net.Conn, commit []byte) {
	_ = client.Close()
	if p.cut == afterTheCommit {
		_, _ = server.Write(commit)
		_, _ = server.Write([]byte{'X', 0, 0, 0, 4}) // the server ends the connection when it has done all before
		return
	}
	_ = server.Close()
}

func TestTheCommitIsLost(t *testing.T) {
	for c, row := range map[cut]string{afterTheCommit: "NULL||NULL|", beforeTheCommit: before, afterTheAnswer: "NULL||NULL|"} {
		t.Run(string(c), func(t *testing.T) {
			d := fresh(t, settings)
			p := newProxy(t, c)
			target := d.target()
			target.DSN = d.url(p.port(), "sslmode=disable")
			residue, err := inside().Clear(t.Context(), target, provisioned(), yes)
			wantFault(t, err, fault.Unavailable, "look again with 'fairlead residue capakraken'")
			if !errors.Is(err, ErrUnknown) || residue != nil || strings.Contains(err.Error(), "no legacy value was cleared") {
				t.Errorf("%v, %v", residue, err)
			}
			// What the caller does: look, and do it again where it is still to be done.
			found, err := inside().Inspect(t.Context(), d.target(), provisioned())
			if err != nil {
				t.Fatal(err)
			}
			if got := found[0].Verdict == secret.Same; got != (row == before) {
				t.Errorf("found %+v", found[0])
			}
			if got := d.row(); got != row {
				t.Errorf("the row is now %s", got)
			}
			if _, err := inside().Clear(t.Context(), d.target(), provisioned(), yes); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestTLSChecksTheName makes sure that the certificate must be for the name in the URL, though the address came from
// the lookup.
func TestTLSChecksTheName(t *testing.T) {
	d := fresh(t, settings)
	target := d.target()
	verified := d.url(running.port, "sslmode=verify-full&sslrootcert="+running.certificate())
	for name, c := range map[string]struct{ dsn, text string }{
		"right":            {verified.Reveal(), ""},
		"right, Prisma's":  {d.url(running.port, "sslmode=require&sslaccept=strict&sslcert="+running.certificate()).Reveal(), ""},
		"unverified":       {d.url(running.port, "sslmode=require&channel_binding=require").Reveal(), ""},
		"chain only":       {strings.Replace(d.url(running.port, "sslmode=verify-ca&sslrootcert="+running.certificate()).Reveal(), "@db:", "@other:", 1), ""},
		"wrong name":       {strings.Replace(verified.Reveal(), "@db:", "@other:", 1), "the database server at other:" + strconv.Itoa(running.port) + " shows a certificate that is not valid for it"},
		"unknown root":     {d.url(running.port, "sslmode=verify-full").Reveal(), "shows a certificate that is not valid for it"},
		"unknown root, ca": {d.url(running.port, "sslmode=verify-ca").Reveal(), "shows a certificate that is not valid for it"},
	} {
		t.Run(name, func(t *testing.T) {
			target.DSN = secret.NewValue(c.dsn)
			_, err := inside().Inspect(t.Context(), target, provisioned())
			if c.text != "" {
				wantFault(t, err, fault.Unavailable, c.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
