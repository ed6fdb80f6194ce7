// Package secret holds what Fairlead knows of a secret: its value, which cannot be printed; its specification, which
// says what a value must look like; and its fingerprint, which tells "changed" from "same" without telling the value.
package secret

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// redacted stands wherever a Value is printed or encoded.
const redacted = "[redacted]"

// Value is a secret value. Every way of printing or encoding it gives "[redacted]"; Reveal is the one way out. The
// bytes live in a closure and not in a field, because fmt and dumpers that read unexported fields by reflection
// would find a field, and see only a function's address here. The zero Value is empty.
type Value struct{ reveal func() string }

// NewValue returns a Value that holds s.
func NewValue(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{reveal: func() string { return s }}
}

// Reveal returns the value itself. Only code that hands it to its one rightful receiver may call this: the container's
// environment, the database driver, a request header, or a comparison.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// IsEmpty reports whether the value is the empty string.
func (v Value) IsEmpty() bool { return v.reveal == nil }

// Len returns the value's length in bytes.
func (v Value) Len() int { return len(v.Reveal()) }

// Equal reports whether two values are the same, in a time that depends only on their lengths.
func (v Value) Equal(o Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(o.Reveal())) == 1
}

// String returns "[redacted]".
func (Value) String() string { return redacted }

// GoString returns "[redacted]".
func (Value) GoString() string { return redacted }

// Format writes "[redacted]" for every verb and flag.
func (Value) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// MarshalText encodes "[redacted]"; JSON, YAML and most other encoders use it.
func (Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue logs "[redacted]".
func (Value) LogValue() slog.Value { return slog.StringValue(redacted) }
