//go:build e2e

package world_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/world"
)

// What is trusted for a test is so for its registry alone, and no longer than the run lives, however that ends.
func TestTrustEndsWithTheRun(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("what the Engine trusts is written below /etc/docker, which takes root")
	}
	for name, end := range map[string]func(w *world.World) error{
		"closed": (*world.World).Close,
		"killed": func(w *world.World) error {
			if err := w.Abandon(); err != nil {
				return err
			}
			_, err := world.Sweep(t.Context(), w.Engine)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := must(world.New(t.Context()))(t)
			network := must(w.Network(t.Context()))(t)
			open := must(w.Registry(t.Context(), world.RegistryOptions{}))(t)
			ca := must(world.NewAuthority())(t)
			certificate := must(ca.Sign(time.Now().Add(time.Hour), net.ParseIP(network.Gateway)))(t)
			secured := must(w.Secured(t.Context(), open, network.Gateway, certificate))(t)
			must(w.Trust(secured, ca))(t)
			file := "/etc/docker/certs.d/" + secured.Host + "/ca.crt"
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}
			if err := end(w); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("it is still trusted: %v", err)
			}
		})
	}
}
