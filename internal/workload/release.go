package workload

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/secret"
)

// Image is one image of a registry. Digest is the registry's manifest digest; it is the identity, the tag is only how
// somebody asked for it. ID is the Engine's own name for the image, which differs between Engines.
type Image struct {
	Repository string `json:"repository"`
	Tag        string `json:"tag,omitempty"`
	Digest     string `json:"digest,omitempty"` // empty while the tag is not resolved, and for images built on the host
	ID         string `json:"id,omitempty"`     // empty while the image is not on the host
}

// Fetched is an image that was got onto the host.
type Fetched struct {
	Image    Image  // with its ID
	Bytes    int64  // that came, compressed
	Cached   bool   // it was on the host already
	Mirror   string // the repository that it came from, where that is a mirror's
	Warnings []string
}

// Identity returns what tells the image from others: the digest, or for one that no registry knows its id.
func (i Image) Identity() string { return cmp.Or(i.Digest, i.ID) }

// Ref returns what the image is called towards an Engine: by digest where it is known.
func (i Image) Ref() string {
	switch {
	case i.Digest != "":
		return i.Repository + "@" + i.Digest
	case i.Tag != "":
		return i.Repository + ":" + i.Tag
	}
	return i.ID
}

// String returns the image for people: repository, tag, and the beginning of the digest.
func (i Image) String() string {
	s := i.Repository
	if i.Tag != "" {
		s += ":" + i.Tag
	}
	if i.Digest != "" {
		s += "@" + ShortDigest(i.Digest)
	}
	if s == "" {
		return ShortDigest(i.ID)
	}
	return s
}

// ShortDigest returns the algorithm's twelve first digits of a digest or an id, for people.
func ShortDigest(digest string) string {
	digest = strings.TrimPrefix(digest, "sha256:")
	return digest[:min(12, len(digest))]
}

// Release is what runs, or is to run: an image, service definitions and an environment. Two releases with the same
// ID would run the same.
type Release struct {
	ID          string             `json:"id"`
	Image       Image              `json:"image"`
	Definitions secret.Fingerprint `json:"definitions"`    // of all service definitions together
	Env         secret.Fingerprint `json:"env"`            // of all services' effective environments together
	Since       time.Time          `json:"since,omitzero"` // when it was first started
}

// ReleaseID returns the id of the release made of these parts.
func ReleaseID(digest string, definitions, env secret.Fingerprint) string {
	sum := sha256.Sum256([]byte(digest + "\n" + string(definitions) + "\n" + string(env)))
	return hex.EncodeToString(sum[:6])
}
