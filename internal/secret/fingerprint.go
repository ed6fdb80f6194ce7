package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Fingerprint is a keyed hash of a secret value or of a whole environment, in hexadecimal. Two fingerprints made with
// one key are equal exactly when what they stand for is equal; without the key they tell nothing.
type Fingerprint string

// Short returns the first eight digits, enough for a person to see "changed" or "same".
func (f Fingerprint) Short() string { return string(f[:min(8, len(f))]) }

// KeySize is the length of a Key in bytes.
const KeySize = 32

// Key makes fingerprints. It belongs to one host and stays there, so fingerprints of two hosts cannot be compared.
type Key struct {
	mac func(parts ...string) Fingerprint
}

// NewKey returns the key made of b.
func NewKey(b [KeySize]byte) Key {
	return Key{mac: func(parts ...string) Fingerprint {
		h := hmac.New(sha256.New, b[:])
		for _, p := range parts {
			// The length before each part keeps ("ab","c") and ("a","bc") apart.
			var n [8]byte
			binary.BigEndian.PutUint64(n[:], uint64(len(p)))
			h.Write(n[:])
			h.Write([]byte(p))
		}
		return Fingerprint(hex.EncodeToString(h.Sum(nil)[:16]))
	}}
}

// Mark returns what the key is known by. It tells nothing of the key but whether another one is the same.
func (k Key) Mark() Fingerprint { return k.mac("mark") }

// Of returns the fingerprint of the value of the variable called name. The name is hashed as well, so that two
// variables that share a value do not show it.
func (k Key) Of(name string, v Value) Fingerprint { return k.mac("value", name, v.Reveal()) }

// OfEnv returns the fingerprint of a whole environment.
func (k Key) OfEnv(e Env) Fingerprint {
	parts := make([]string, 0, 1+2*len(e))
	parts = append(parts, "env")
	for _, v := range e {
		parts = append(parts, v.Name, v.Value.Reveal())
	}
	return k.mac(parts...)
}

// OfText returns the fingerprint of a text that may have been made with secret values, such as a resolved service
// definition: a plain hash of it could be guessed.
func (k Key) OfText(domain, text string) Fingerprint { return k.mac("text", domain, text) }
