package legacy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"os"

	"github.com/capakraken/fairlead/internal/fault"
)

// maxCert is the largest root certificate file in bytes.
const maxCert = 1 << 20

// encryption returns the ways to connect, to be tried in this order; nil stands for a connection without TLS. The modes
// are those of libpq. Without a demand for verification the certificate is not looked at, as the app's own driver does.
func (d dsn) encryption(origin string) ([]*tls.Config, error) {
	if d.socket() || d.params.sslMode == "disable" && !d.params.strict {
		return []*tls.Config{nil}, nil
	}
	roots, err := d.roots(origin)
	if err != nil {
		return nil, err
	}
	mode := d.params.sslMode
	unverified := &tls.Config{ServerName: d.host, InsecureSkipVerify: true} // the URL asks for TLS without verification
	switch {
	case d.params.strict || mode == "verify-full" || d.params.rootCert == "system":
		return []*tls.Config{{ServerName: d.host, RootCAs: roots}}, nil
	case mode == "verify-ca" || mode == "require" && roots != nil:
		return []*tls.Config{anyName(d.host, roots)}, nil
	case mode == "require":
		return []*tls.Config{unverified}, nil
	case mode == "allow":
		return []*tls.Config{nil, unverified}, nil
	}
	return []*tls.Config{unverified, nil}, nil
}

// anyName returns a configuration that checks the certificate's chain but not the name in it.
func anyName(host string, roots *x509.CertPool) *tls.Config {
	return &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: true, // VerifyConnection checks the chain
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("the server shows no certificate")
			}
			between := x509.NewCertPool()
			for _, c := range s.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
			if err != nil {
				return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
			}
			return nil
		},
	}
}

// roots returns the root certificates that the URL names, or nil for the system's.
func (d dsn) roots(origin string) (*x509.CertPool, error) {
	if d.params.rootCert == "" || d.params.rootCert == "system" {
		return nil, nil // nil is how crypto/tls calls the system's roots
	}
	text, err := readCert(d.params.rootCert)
	if err != nil {
		return nil, fault.Hide(err, fault.Refused,
			"%s: the root certificate that the database URL names cannot be read on this host; the path may exist in the app's container only", origin)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fault.New(fault.Refused, "%s: the root certificate that the database URL names is not in PEM form", origin)
	}
	return roots, nil
}

// readCert reads a regular file of a sensible size: the path comes from outside, and may name a pipe or a device.
func readCert(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxCert {
		return nil, errors.New("not a certificate file")
	}
	f, err := os.Open(path) // the operator's own DSN names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxCert))
}
