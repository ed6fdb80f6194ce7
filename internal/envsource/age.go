package envsource

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// credentials is the variable by which systemd tells a service where its credentials are.
const credentials = "CREDENTIALS_DIRECTORY"

// Identity says where the key is that opens a file; exactly one field is set.
type Identity struct {
	Credential string // of the daemon's unit
	File       string
}

// Age returns what the env file at path gives, which is encrypted with age. Who may write it says what the app gets, so it is
// kept to the rules of an env file, but everybody may read it.
func (r *Reader) Age(label, path string, key Identity) (envfile.File, error) {
	sealed, err := envfile.ReadSealed(path, r.Policy)
	if key.Credential != "" && r.Elsewhere && err == nil {
		return envfile.File{}, unseen(label)
	}
	identities, closed := r.identities(label, key)
	if problems := slices.Concat(fault.ProblemsOf(err), fault.ProblemsOf(closed)); len(problems) > 0 {
		return envfile.File{}, refused(problems)
	}
	if err := errors.Join(err, closed); err != nil {
		return envfile.File{}, err
	}
	content, err := r.open(label, sealed, identities, key)
	if err != nil {
		return envfile.File{}, err
	}
	if len(content) == 0 {
		return envfile.File{}, empty(label)
	}
	return dotenv(label, content)
}

// credential returns the path of a systemd credential.
func (r *Reader) credential(label, name string) (string, error) {
	dir, _ := r.Lookup(credentials)
	if !filepath.IsAbs(dir) {
		return "", problem(label, "the daemon has no credentials: $"+credentials+" is not set",
			"add LoadCredential="+name+":/etc/… or LoadCredentialEncrypted= to its unit and restart it, or name a file under identity")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return "", problem(label, "the daemon has no credential "+name, "add LoadCredential="+name+":/etc/… or LoadCredentialEncrypted= to its unit, and restart it")
	}
	return path, nil
}

// identities reads the keys in a file. age's own words may hold a piece of one.
func (r *Reader) identities(label string, key Identity) ([]age.Identity, error) {
	path := key.File
	if key.Credential != "" {
		var err error
		if path, err = r.credential(label, key.Credential); err != nil {
			return nil, err
		}
	}
	text, err := envfile.ReadText(path, r.Policy)
	if err != nil {
		return nil, err
	}
	found, err := age.ParseIdentities(strings.NewReader(text.Reveal()))
	if err != nil {
		return nil, problem(label, key.String()+" holds no age identity that can be used", "it must be what age-keygen writes: a line AGE-SECRET-KEY-1…, without a passphrase and without a plugin")
	}
	return found, nil
}

// String returns what the identity is called.
func (i Identity) String() string {
	if i.Credential != "" {
		return "the credential " + i.Credential
	}
	return i.File
}

// open decrypts a file, whether it is armored or not.
func (r *Reader) open(label string, sealed secret.Value, identities []age.Identity, key Identity) ([]byte, error) {
	var from io.Reader = strings.NewReader(sealed.Reveal())
	if strings.HasPrefix(strings.TrimSpace(sealed.Reveal()), armor.Header) {
		from = armor.NewReader(from)
	}
	const fix = "encrypt the env file anew: age -r RECIPIENT -o FILE"
	plain, err := age.Decrypt(from, identities...)
	if _, wrong := errors.AsType[*age.NoIdentityMatchError](err); wrong {
		return nil, problem(label, "is not encrypted to "+key.String(), "give the daemon the identity that belongs to one of its recipients, or encrypt it to this one as well")
	}
	if err != nil {
		return nil, problem(label, "is not a file that age has encrypted, or a damaged one", fix)
	}
	content, err := io.ReadAll(plain) // which is shorter than the file
	if err != nil {
		return nil, problem(label, "is damaged: it was cut or changed after it was encrypted", fix)
	}
	return content, nil
}
