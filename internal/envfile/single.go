package envfile

import (
	"bytes"
	"io/fs"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// ReadValue reads a file that holds one secret value and nothing else, such as a database's connection string. It is
// kept to the same rules as an env file; white space around the value is not part of it.
func ReadValue(path string, p Policy) (secret.Value, error) {
	p, err := p.complete()
	if err != nil {
		return secret.Value{}, err
	}
	content, _, problems := gate{path: path, policy: p}.fetch()
	if err := fault.Many(fault.Refused, "the secret's file is refused", problems); err != nil {
		return secret.Value{}, err
	}
	content = bytes.TrimSpace(content)
	if bytes.ContainsAny(content, "\x00\n\r") {
		return secret.Value{}, fault.New(fault.Refused, "%s holds more than one line; it must hold the value alone", path)
	}
	return secret.NewValue(string(content)), nil
}

// ReadText reads a file that holds one secret of several lines, such as a private key. It is kept to the same rules as an env
// file.
func ReadText(path string, p Policy) (secret.Value, error) {
	p, err := p.complete()
	if err != nil {
		return secret.Value{}, err
	}
	content, _, problems := gate{path: path, policy: p}.fetch()
	return secret.NewValue(string(content)), fault.Many(fault.Refused, "the secret's file is refused", problems)
}

// sealedMode is the widest that an encrypted file may be: everybody may read it.
const sealedMode fs.FileMode = 0o644

// ReadSealed reads a file that is encrypted. It is kept to the same rules as an env file, but everybody may read it.
func ReadSealed(path string, p Policy) (secret.Value, error) {
	p, err := p.complete()
	if err != nil {
		return secret.Value{}, err
	}
	p.MaxMode = sealedMode
	content, _, problems := gate{path: path, policy: p}.fetch()
	return secret.NewValue(string(content)), fault.Many(fault.Refused, "the encrypted file is refused", problems)
}
