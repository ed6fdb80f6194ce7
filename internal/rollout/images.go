package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/workload"
)

// Past is a release that an app had, and what is known of it. What is known of its image holds for every release of
// that image.
type Past struct {
	Release workload.Release `json:"release"`
	Rollout string           `json:"rollout,omitempty"` // that brought it; empty for one that was found on the host
	Since   time.Time        `json:"since"`
	// Verified tells that a rollout has proved it. Proved are the secrets that it took from the environment then.
	Verified bool     `json:"verified"`
	Proved   []string `json:"proved,omitempty"`
	Fetched  bool     `json:"fetched,omitempty"` // it was not on the host until this daemon had it pulled
	// PreStart tells that a command of the new image ran before it was started, which may have changed the database.
	PreStart bool `json:"pre_start,omitempty"`
}

// Target is a release that a rollback can go back to.
type Target struct {
	Past
	Kept bool `json:"kept"` // its image is on the host under a name of ours
	// PreStarts are the releases between, the current one included, that ran a pre_start.
	PreStarts []string `json:"pre_starts,omitempty"`
}

// Warning says what a rollback to the release means for the database.
func (t Target) Warning() string {
	return fmt.Sprintf("the releases since then have run a pre_start (%s), which may have changed the database, and a rollback does not change it back", strings.Join(t.PreStarts, ", "))
}

// Disk is what the app takes of the Engine's disk.
type Disk struct {
	Images int    `json:"images"`         // that are kept for it
	Bytes  int64  `json:"bytes"`          // of them together; layers that they share are counted for each
	Free   uint64 `json:"free,omitempty"` // on the Engine's disk; 0 where that cannot be seen
}

// Images is what is known of the images of an app when a rollout of it is begun.
type Images struct {
	Keep  int         `json:"keep"`            // how many of them are kept
	Known []PastImage `json:"known,omitempty"` // that the app ran, the newest first, each once
	Spare []PastImage `json:"spare,omitempty"` // that were pulled for rollouts which did not succeed
}

// PastImage is an image of the app, and whether this daemon had it pulled.
type PastImage struct {
	workload.Image
	Fetched bool `json:"fetched,omitempty"`
}

// Shelf says which images are kept, and which may go.
type Shelf struct {
	Keep  []workload.Image `json:"keep"`
	LetGo []PastImage      `json:"let_go,omitempty"`
}

// Kept is what became of the images.
type Kept struct {
	Named   []string `json:"named,omitempty"`   // the names that keep an image, as far as they were missing
	Removed []string `json:"removed,omitempty"` // names of ours and of what was pulled; the image went with its last one
	Left    []string `json:"left,omitempty"`    // what could not go yet, and why
}

// fewest is how many images are kept at least: the one that runs, and the one before it.
const fewest = 2

// Shelf returns what becomes of the app's images when the rollout's own is the current one. Where a rollout runs an
// image of long ago, that is the newest of them.
func (s State) Shelf() Shelf {
	var out Shelf
	add := func(p PastImage, kept bool) {
		same := func(i workload.Image) bool { return i.Identity() == p.Identity() }
		switch {
		case p.Identity() == "", slices.ContainsFunc(out.Keep, same),
			slices.ContainsFunc(out.LetGo, func(q PastImage) bool { return same(q.Image) }):
		case kept && len(out.Keep) < max(s.Request.Images.Keep, fewest):
			out.Keep = append(out.Keep, p.Image)
		default:
			out.LetGo = append(out.LetGo, p)
		}
	}
	add(PastImage{Image: s.Target.Image}, true)
	for _, p := range s.Request.Images.Known {
		add(p, true)
	}
	for _, p := range s.Request.Images.Spare {
		add(p, false)
	}
	return out
}
