package world

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Certificate is a certificate with its key, both as PEM.
type Certificate struct{ PEM, Key []byte }

// Authority signs servers' certificates. Nobody trusts it unless told to.
type Authority struct {
	Certificate

	parsed *x509.Certificate
	key    *ecdsa.PrivateKey
}

// NewAuthority makes an authority.
func NewAuthority() (*Authority, error) {
	template := valid("Fairlead's test authority")
	template.KeyUsage, template.IsCA = x509.KeyUsageCertSign, true
	a := &Authority{}
	var err error
	a.Certificate, a.parsed, a.key, err = sign(template, nil)
	return a, err
}

// Sign returns a certificate for a server at these addresses. One whose last moment is past has expired.
func (a *Authority) Sign(until time.Time, addresses ...net.IP) (Certificate, error) {
	template := valid("a test server")
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.IPAddresses = addresses
	template.NotBefore, template.NotAfter = until.Add(-24*time.Hour), until
	c, _, _, err := sign(template, a)
	return c, err
}

// selfSigned returns a certificate for a host name, which vouches for itself.
func selfSigned(name string) (Certificate, error) {
	template := valid(name)
	template.DNSNames = []string{name}
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.IsCA = true
	c, _, _, err := sign(template, nil)
	return c, err
}

// valid returns what a certificate begins with that holds for a day.
func valid(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), BasicConstraintsValid: true}
}

// sign makes a key, and a certificate for it that the authority signs, or the key itself where there is none.
func sign(template *x509.Certificate, by *Authority) (Certificate, *x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Certificate{}, nil, nil, fmt.Errorf("make a key: %w", err)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.parsed, by.key
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return Certificate{}, nil, nil, fmt.Errorf("make a certificate: %w", err)
	}
	parsed, err := x509.ParseCertificate(signed)
	if err != nil {
		return Certificate{}, nil, nil, fmt.Errorf("read a certificate: %w", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Certificate{}, nil, nil, fmt.Errorf("encode a key: %w", err)
	}
	return Certificate{
		PEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}),
		Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	}, parsed, key, nil
}
