package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/capakraken/fairlead/internal/fault"
)

// failed says in our own words why where could not be asked: the transport's words hold the URL with its query.
func failed(ctx context.Context, err error, where string) error {
	kind, why := fault.Unavailable, reason(err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		why = "the look was interrupted"
	case ctx.Err() != nil:
		kind, why = fault.TimedOut, "does not answer in time"
	}
	return fault.Hide(err, kind, "%s: %s", where, why)
}

// reason names the failure of a connection.
func reason(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "the host name cannot be resolved"
	}
	switch {
	case aboutTLS(err):
		return "the TLS handshake fails (is the certificate valid for this address?)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection is refused (does the app listen on this port, and on 0.0.0.0?)"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection is reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the address cannot be reached"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection is closed before the answer is complete"
	}
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() {
		return "the address does not answer within " + dialTimeout.String()
	}
	return "what answers does not speak HTTP as it should"
}

func aboutTLS(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	return verification || record || alert || name
}
