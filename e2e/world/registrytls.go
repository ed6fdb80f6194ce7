package world

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
)

// The login of a secured registry. Its password is kept as bcrypt, which Debian's docker-registry insists on.
const (
	SecuredUser     = "puller"
	SecuredPassword = "canary-htpasswd-4d8f02"

	htpasswd = SecuredUser + ":$2y$05$Zk1vQ9b7sT3mXe5rLp0wYux315Yl.QaaAw/VH2soBN1ojibjKUt4.\n"
)

// Secured starts another server before the images of a registry, at an address of this host: docker-registry itself,
// with TLS by this certificate, and a login by htpasswd. Images are put into it as into the other one. An Engine takes any
// certificate on a loopback address, so a certificate shows its worth on another one only, such as a network's gateway.
func (w *World) Secured(ctx context.Context, behind *Registry, address string, c Certificate) (*Registry, error) {
	port, p, err := w.serveOnFreePort(ctx, func(ctx context.Context, port int) (*process, error) {
		return w.startSecured(ctx, behind.data, at(address, port), c)
	})
	if err != nil {
		return nil, err
	}
	r := &Registry{Host: at(address, port), direct: behind.direct, client: behind.client, data: behind.data, process: p}
	w.onClose(r.Stop)
	return r, nil
}

func (w *World) startSecured(ctx context.Context, data, host string, c Certificate) (*process, error) {
	s := registryServer{host: host, data: data, files: map[string][]byte{"server.crt": c.PEM, "server.key": c.Key, "htpasswd": []byte(htpasswd)}}
	s.config = func(dir string) string {
		return fmt.Sprintf("  tls: {certificate: %q, key: %q}\nauth: {htpasswd: {realm: test, path: %q}}\n", dir+"/server.crt", dir+"/server.key", dir+"/htpasswd")
	}
	s.ready = func(ctx context.Context) error { return shows(ctx, host, c) }
	return w.startRegistry(ctx, s)
}

// shows returns nil when the server at an address shows this certificate, which may be as bad as it likes.
func shows(ctx context.Context, address string, c Certificate) error {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it is compared below
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("connect to the registry: %w", err)
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	block, _ := pem.Decode(c.PEM)
	shown := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if block == nil || len(shown) == 0 || !bytes.Equal(shown[0].Raw, block.Bytes) {
		return errors.New("somebody else serves at the registry's address")
	}
	return nil
}
