//go:build e2e

package world_test

import (
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/world"
)

func TestNeighboursImage(t *testing.T) {
	w := world.ForTest(t)
	begun := time.Now()
	image, err := w.NeighboursImage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("made in %s", time.Since(begun))
	c, err := w.Container(t.Context(), world.ContainerSpec{Image: image, Cmd: []string{"postgres"},
		Env: []string{"POSTGRES_USER=shop", "POSTGRES_PASSWORD=pw", "POSTGRES_DB=shop"}})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		said, code, err := c.Exec(t.Context(), "/refapp", "reach", "127.0.0.1:5432")
		if err == nil && code == 0 {
			break
		}
		if time.Now().After(deadline) {
			logs, _ := c.Logs(t.Context())
			t.Fatalf("PostgreSQL does not listen: %s %v\n%s", said, err, logs)
		}
	}
	t.Logf("serves after %s", time.Since(begun))
}
